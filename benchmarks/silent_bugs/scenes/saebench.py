"""SAEBench's scene: its sparse probing of an SAE of the organism, and the result file that somebody claims on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ledger.assess import assess
from ledger.claim import Claim
from ledger.verdict import Bound
from mi.claimable import Sample, mean
from mi.progress import SILENT
from mi.saebench.results import read_results
from mi.saebench.sparse_probing import sparse_probing
from mi.unit_table import UnitTable

from ..court import judged
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from .coders import fidelity
from .probing import composed

LENGTH, KS = 32, [1, 5]


@dataclass
class SaebenchScene(Scene):
    """The organism, an SAE and labelled texts; and the result as SAEBench writes it."""

    spec: dict[str, Any]
    train: Path
    test: Path
    coders: Path
    real: dict[str, torch.Tensor]
    batch_size: int = 24
    result: Path | None = None
    """The file that is claimed on, instead of the run's own."""
    claimed: dict[str, Any] = field(default_factory=dict)
    """What the last measurement's file says of itself."""

    def measure(self) -> Measured:
        out = self.run(self.spec)
        table, read = UnitTable.read(out), read_results(self.result or out / "saebench.json")
        self.claimed = {
            "evaluation": read.evaluation,
            "subject": read.facts["model"],
            "coder": read.facts["coder"]["id"],
        }
        arms = {n: Sample(table.column(n), table.units, unit="example") for n in table.columns if n != "label"}
        numbers = {n: Number(float(s.values.mean()), 0.0, 1.0) for n, s in arms.items()}
        numbers["from the file"] = Number(float(read.metrics["sae_top_5_test_accuracy"]), 0.0, 1.0)
        return Measured(
            numbers,
            {
                "5 latents > .8": judged(
                    lambda: mean(Sample(arms["sae_top_5"].values - 0.8, unit="example")), "above", 0.0
                ),
                "5 latents - 5 neurons > 0": judged(lambda: arms["sae_top_5"] - arms["llm_top_5"], "above", 0.0),
            },
        )

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.coders, ["sae"], scene.real)),
            Check("ledger.assess", ("K20",), lambda scene: scene.deviations()),
        )

    def deviations(self) -> list[Fired]:
        """What the court holds against numbers of a file, by what the file says of itself."""
        registered = {"evaluation": "sparse_probing", "coder": "custom_sae"}
        ids = [str(k) for k in range(12)]
        sample = Sample([0.5 + k / 100 for k in range(12)], ids, unit="data set", params=self.claimed)
        about: dict[str, Any] = {"report": "study", "statement": "", "quantity": "score", "design": "mean"}
        claim = Claim(
            id="study.file",
            unit="data set",
            bound=Bound("above", 0.0),
            subject="organism",
            measured=registered,
            **about,
        )
        found = assess(claim, mean(sample)).fields["deviations"]
        return [Fired("ledger: deviated", ("K20",), f"{d['key']}: {d['executed']!r}") for d in found]

    def run(self, spec: dict[str, Any]) -> Path:
        """SAEBench's sparse probing of a model with this scene's SAE."""
        out = fresh("saebench")
        sparse_probing(
            out,
            progress=SILENT,
            subject=spec,
            coders=self.coders,
            coder="sae",
            train=self.train,
            test=self.test,
            concept="concept",
            ks=KS,
            max_length=LENGTH,
            batch_size=self.batch_size,
        )
        return out

    def unguarded(self) -> AbstractContextManager[Any]:
        import mi.saebench.subject_and_coder as prepared
        from mi.saebench.recorded_probes import RecordedProbes

        rows = next(iter(self.real.values()))
        return together(
            replaced(prepared, "gate", lambda *given, **more: {}),
            replaced(prepared, "parity", lambda *given, **more: ({}, rows)),
            replaced(RecordedProbes, "require", lambda *given: None),
        )


def organism(seed: int) -> SaebenchScene:
    """The same texts and SAE as in the probing scene."""
    scene = composed(seed)
    return SaebenchScene(seed, scene.spec, scene.train, scene.test, scene.coders, scene.real)
