"""Small claims, really judged, and run files made of them by the ledger's own writers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ledger.assess import assess
from ledger.attempts import FIRST, Attempt
from ledger.claim import Claim
from ledger.row import SCHEMA_VERSION, undecided_row
from ledger.run import RunWriter, scores_path
from ledger.scores import ScoresWriter
from ledger.verdict import RULES, Bound
from mi import claimable

COMMIT = "4f1c2ab90de1c0ffee00112233445566778899aa"
HEADER: dict[str, Any] = {
    "schema": SCHEMA_VERSION,
    "time": "2026-11-20T12:00:00Z",
    "git": {"commit": COMMIT, "dirty": False},
}


class Judged(NamedTuple):
    """A row, and the per-unit scores behind it where it was judged."""

    row: dict[str, Any]
    stored: dict[str, Any] | None = None


def claim(name: str = "gap", **about: Any) -> Claim:
    """A paired superiority claim; ``above``, ``below`` or ``within`` set another bound."""
    rule = next((r for r in RULES if r in about), "above")
    bound = Bound(rule, float(about.pop(rule, 0.0)))
    given = {
        "id": f"paper.{name}",
        "report": "paper",
        "statement": "Ours beats theirs on the same prompts.",
        "quantity": "accuracy",
        "unit": "prompt",
        "design": "paired",
        "bound": bound,
        "subject": "organism",
        "family": "paper",
        "where": "paper.yaml:7",
    }
    return Claim(**{**given, **about})


def gap(
    shift: float, n: int = 40, spread: float = 0.1, seed: int = 0, digits: int | None = None, **about: Any
) -> claimable.Contrast:
    """A paired contrast whose differences have the mean ``shift`` and the SD ``spread``, exactly or to ``digits``."""
    rng = np.random.default_rng(seed)
    theirs, noise = rng.normal(0.5, 0.1, n), rng.normal(size=n)
    ours = theirs + shift + spread * (noise - noise.mean()) / noise.std()
    units, params = [f"prompt-{i:03d}" for i in range(n)], about.pop("params", {})
    a, b = (
        claimable.Sample(
            values if digits is None else np.round(values, digits), units, params={"arm": arm, **params}, **about
        )
        for arm, values in (("ours", ours), ("theirs", theirs))
    )
    return a - b


def judge(
    promised: Claim, contrast: Any, attempt: Attempt = FIRST, index: int = 0, bound: Bound | None = None
) -> Judged:
    """A judged row, with the status that a session would give it; ``bound`` is what the test states."""
    found = assess(promised, contrast, bound=bound, attempt=attempt)
    drifted = promised.expected is not None and found.verdict != promised.expected
    status = "deviated" if found.verdict is None else "drift" if drifted else "decided"
    row = {**undecided_row(promised, _nodeid(promised), index), **found.fields, "status": status}
    return Judged(row, dict(found.stored))


def unjudged(promised: Claim, status: str, detail: str | None = None, fix: str = "Mend it", index: int = 0) -> Judged:
    """A row without a verdict."""
    reason = {"short": status.replace("_", " "), "detail": detail or f"it was {status}", "fix": fix}
    return Judged({**undecided_row(promised, _nodeid(promised), index), "status": status, "reason": reason})


def _nodeid(promised: Claim) -> str:
    cell = "-".join([promised.subject, *(f"{k}={v}" for k, v in promised.params.items())])
    return f"claims/test_paper.py::test_{promised.id.partition('.')[2]}[{cell}]"


def write_run(folder: Path, run_id: str, judged: Iterable[Judged], *, sealed: bool = True, **header: Any) -> Path:
    """Write ``<run_id>.jsonl`` with its scores, as the recorder does; returns its path."""
    about = {**HEADER, **header}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run_id}.jsonl"
    writer, scores = RunWriter(path, {"run": run_id, **about}), ScoresWriter(scores_path(path))
    for row, stored in judged:
        kept = {**row, "run": run_id, "time": about["time"], "git": COMMIT, "dirty": False, "device": "cpu"}
        if stored is not None and isinstance(row["data"], str):
            kept["scores"] = {"digest": row["data"], "count": row["n"], "format": "jsonl.gz"}
            scores.add(row["data"], stored)
        writer.append(kept)
    if sealed:
        writer.seal({"exitstatus": 0, "seconds": 1.0})
        scores.seal()
    writer.close()
    return path
