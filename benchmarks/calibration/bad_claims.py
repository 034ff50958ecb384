"""Bad claims: good measurements, and a promise that they cannot answer."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ledger.assess import Assessment, assess
from ledger.claim import Claim
from ledger.folders import RECORDED, run_files
from ledger.history import History
from ledger.registry import Report, load_report
from ledger.row import SCHEMA_VERSION, undecided_row
from ledger.run import RunWriter
from ledger.verdict import RULES, Bound
from mi import claimable
from mi.claimable import Sample

from .bad_input import BadInput, claim_on
from .bad_measurements import IDS, OTHER, RIGHT, SCORES

ABOVE, BELOW, WITHIN = (partial(Bound, rule) for rule in RULES)


def _paired() -> claimable.Contrast:
    return Sample(SCORES, IDS) - Sample(OTHER, IDS)


def _share() -> claimable.Contrast:
    return claimable.mean(Sample(SCORES, support=(0, 1)))


def _changed_after_data() -> Assessment:
    """A bound lowered after a recorded run has shown the estimate."""
    contrast = _paired()
    claim = Claim("r.c", "r", "", "score", "unit", "paired", Bound("above", 0.1), "simulated")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        writer = RunWriter(root / RECORDED / "1.jsonl", {"run": "1", "schema": SCHEMA_VERSION})
        writer.append({**undecided_row(claim, "test", 0), **assess(claim, contrast).fields, "run": "1"})
        writer.seal({})
        writer.close()
        moved = replace(claim, bound=Bound("above", 0.0))
        return assess(moved, contrast, attempt=History(run_files(root)).attempt(moved, contrast.digest))


def _registered(line: str) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.yaml"
        keys = {"statement": "s", "quantity": "q", "unit": "latent", "design": "paired", "subjects": "{simulated: }"}
        key, _, value = line.partition(": ")
        rule = {} if key in ("above", "below", "within") else {"above": "0.0"}
        lines = (f"    {k}: {v}" for k, v in {**keys, **rule, key: value}.items())
        path.write_text("\n".join(["report: r", "claims:", "  c:", *lines, ""]))
        return load_report(path)


CLAIMS = (
    BadInput("a method claimed on one artifact", lambda: claim_on(_paired(), scope="method")),
    BadInput("a method claimed on pooled latents", lambda: claim_on(claimable.unpaired(SCORES, OTHER), scope="method")),
    BadInput("documents' ratio with tokens as unit", lambda: claim_on(claimable.ratio_of_sums(SCORES, np.ones(40) + OTHER, IDS, unit="tokens"))),
    BadInput("a percentage for a fraction", lambda: claim_on(_share(), ABOVE(70.0))),
    BadInput("a negative bound for a fraction", lambda: claim_on(_share(), ABOVE(-0.1))),
    BadInput("above the highest value", lambda: claim_on(_share(), ABOVE(1.0))),
    BadInput("below the lowest value", lambda: claim_on(_share(), BELOW(0.0))),
    BadInput("a margin that nothing can exceed", lambda: claim_on(claimable.two_proportions(14, 16, 12, 16), WITHIN(1.0))),
    BadInput("a proportion above 90", lambda: claim_on(claimable.mean(RIGHT), ABOVE(90.0))),
    BadInput("equivalence with margin 0", lambda: claim_on(_paired(), WITHIN(0.0))),
    BadInput("equivalence with a negative margin", lambda: claim_on(_paired(), WITHIN(-0.1))),
    BadInput("a bound that is NaN", lambda: claim_on(_paired(), ABOVE(float("nan")))),
    BadInput("an infinite bound", lambda: claim_on(_paired(), BELOW(float("inf")))),
    BadInput("a promise changed after its data were seen", _changed_after_data),
    BadInput("registered: equivalence without a margin", lambda: _registered("within: null")),
    BadInput("registered: a margin of 0", lambda: _registered("within: 0")),
    BadInput("registered: tokens as units", lambda: _registered("unit: token")),
    BadInput("registered: a method without runs", lambda: _registered("scope: method")),
    BadInput("registered: a bound that is NaN", lambda: _registered("above: .nan")),
)  # fmt: skip
