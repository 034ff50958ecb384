"""Probing scene: sparse probes on an SAE of the organism, the residual stream and the tokens, and the court's controls."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mi.claimable import Sample, mean
from mi.coders.load import save_coder
from mi.probing import examples
from mi.probing.labelled import Labelled
from mi.probing.pooled import pool
from mi.probing.probes import probes
from mi.progress import SILENT
from mi.subjects.load import load_subject
from mi.subjects.spec import subject_spec
from mi.unit_table import UnitTable

from ..court import judged
from ..guards import lifted
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import tiny_coder
from .coders import fidelity
from .court import claim_row, control_problems

SITE = "blocks.2.hook_resid_post"
CONCEPT, TEXTS, FEW, LENGTH = "negated_job_outdoor", 320, 12, 48
SPOT_CHECK = ("mi.probing.spot_check:spot_check",)
SECOND_LOOK = ("mi.probing.second_look:SecondLook.require", "mi.probing.probes:require_different_draws")


@dataclass
class ProbingScene(Scene):
    """Labelled texts of two splits, a coder, and what is claimed of probes on it."""

    spec: dict[str, Any]
    train: Path
    test: Path
    gates: Path
    coders: Path
    real: dict[str, torch.Tensor]
    pooling: str = "last"
    batch_size: int = 24
    control: bool = True
    """Whether the token-only baseline is claimed on beside the headline."""
    verdicts: dict[str, str] = field(default_factory=dict)
    """Of the last measurement."""

    def pooled(self, examples: Path) -> Path:
        out = fresh("pooled")
        pool(
            out,
            progress=SILENT,
            examples=examples,
            gates=self.gates,
            subject=self.spec,
            coders=self.coders,
            names=["sae"],
            sites=[SITE],
            pooling=self.pooling,
            max_length=LENGTH,
            batch_size=self.batch_size,
        )
        return out

    def table(self) -> UnitTable:
        out, rows = fresh("probes"), [self.pooled(path) for path in (self.train, self.test)]
        arms = {"sae": "sae", "residual": SITE}
        probes(out, progress=SILENT, train=rows[0], test=rows[1], arms=arms, few=FEW, ks=[1, 5])
        return UnitTable.read(out)

    def measure(self) -> Measured:
        table = self.table()
        numbers = {name: _accuracy(values) for name, values in table.columns.items() if name != "label"}

        def arm(name: str, less: float = 0.0) -> Sample:
            values = np.asarray(table.column(name), dtype=np.float64) - less
            return Sample(values, table.units, quantity="probe accuracy", unit="example")

        self.verdicts = {
            "sae > .75": judged(lambda: mean(arm("sae_few", 0.75)), "above", 0.0),
            "sae - tokens > .1": judged(lambda: arm("sae_few") - arm("tokens_few"), "above", 0.1),
            "sae - tokens, all examples > .1": judged(lambda: arm("sae_full") - arm("tokens_full"), "above", 0.1),
            "sae - residual within .05": judged(lambda: arm("sae_few") - arm("residual_few"), "within", 0.05),
            "one latent > .6": judged(lambda: mean(arm("sae_top_1", 0.6)), "above", 0.0),
        }
        return Measured(numbers, self.verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.coders, ["sae"], scene.real)),
            Check("ledger.controls", ("K19",), lambda scene: scene.controls()),
        )

    def controls(self) -> list[Fired]:
        """What the table says of the headline, with the baseline that it needs beside it or not."""
        rows = [claim_row("headline", self.verdicts["sae > .75"], ("study.tokens",))]
        return control_problems(
            rows + [claim_row("tokens", self.verdicts["sae - tokens, all examples > .1"])] * self.control
        )

    def unguarded(self) -> AbstractContextManager[Any]:
        import mi.probing.labelled as labelled

        numbers = itertools.count()
        return together(
            lifted(
                *SPOT_CHECK,
                *SECOND_LOOK,
                "mi.probing.split:require_apart",
                "mi.probing.spot_check:_require_tokens_only",
            ),
            replaced(labelled, "text_hash", lambda text: str(next(numbers))),
        )


def _accuracy(values: Any) -> Number:
    x = np.asarray(values, dtype=np.float64)
    half = 1.96 * float(x.std(ddof=1)) / len(x) ** 0.5
    return Number(float(x.mean()), 0.0, 1.0, (float(x.mean()) - half, float(x.mean()) + half))


def world_texts(seed: int, split: str, n: int, concept: str = CONCEPT) -> Path:
    """Labelled texts of the world; seeds of training and test differ as their splits do."""
    out = fresh(f"examples-{split}")
    examples.world(out, progress=SILENT, concept=concept, split=split, seed=100 + seed, n=n)
    return out


def gates_of(spec: dict[str, Any], sites: Sequence[str]) -> Path:
    """What :func:`mi.subjects.gates.build` leaves of a subject that has passed; scenes examine it on their own."""
    out = fresh("gates")
    (out / "gates.json").write_text(json.dumps({"subject": spec, "sites": list(sites)}), "utf-8")
    return out


def composed(seed: int) -> ProbingScene:
    """A concept that no bag of words gives away, read at the last token, as many test texts as training texts."""
    spec = subject_spec("organism")
    subject = load_subject(spec)
    train, test = (world_texts(seed, split, TEXTS) for split in ("train", "test"))
    batch = subject.tokens(Labelled(train).texts, LENGTH)
    rows = subject.activations(batch, [SITE])[SITE][batch.scored]
    coders = fresh("coders")
    save_coder(tiny_coder(rows, rows, "sae", "sparsify", "topk", (SITE, SITE), seed), coders / "sae")
    real = {SITE: rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:1024]]}
    return ProbingScene(seed, spec, train, test, gates_of(spec, subject.sites), coders, real)


def averaged(seed: int) -> ProbingScene:
    """The same, as means over tokens."""
    scene = composed(seed)
    scene.pooling = "mean"
    return scene
