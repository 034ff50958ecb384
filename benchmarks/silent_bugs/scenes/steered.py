"""Steered generation: directions are fitted, coefficients chosen on validation prompts, continuations judged on test ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mi.claimable import Sample, mean
from mi.coders.load import save_coder
from mi.metrics.measurable import require_measurable
from mi.probing.labelled import Labelled
from mi.progress import SILENT
from mi.steering.directions import directions
from mi.steering.prompts import prompts
from mi.steering.sweep import sweep
from mi.subjects.load import load_subject
from mi.subjects.spec import subject_spec
from mi.unit_table import UnitTable

from ..court import judged, number, verdict
from ..guards import lifted
from ..number import Number
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import tiny_coder
from .coders import fidelity
from .court import claim_row, control_problems
from .probing import SITE, world_texts

CONCEPT, EXAMPLES, EXAM, VALIDATION, TEST, NEW = "job_outdoor", 480, 120, 48, 160, 6
ARMS, COEFFICIENTS, JUDGES = ["dom", "caa", "random"], [0.2, 0.4], ["key", "lexical"]


@dataclass
class SteeredScene(Scene):
    """The organism, steered along two fitted directions and random ones."""

    spec: dict[str, Any]
    examples: Path
    exam: Path
    prompts: dict[str, Path]
    coders: Path
    real: dict[str, torch.Tensor]
    batch_size: int = 40
    facts: dict[str, Any] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    """Both of the last measurement."""

    def table(self) -> UnitTable:
        along, out = fresh("directions"), fresh("sweep")
        about: dict[str, Any] = {"examples": self.examples, "subject": self.spec, "progress": SILENT}
        directions(along, coders=self.coders, coder="sae", draws=2 * (VALIDATION + TEST), seed=self.seed, **about)
        self.facts = sweep(
            out,
            directions=along,
            exam=self.exam,
            judges=JUDGES,
            concept=CONCEPT,
            arms=ARMS,
            coefficients=COEFFICIENTS,
            cap=4.0,
            seed=self.seed,
            max_new_tokens=NEW,
            batch_size=self.batch_size,
            **self.prompts,
            **about,
        )
        return UnitTable.read(out)

    def measure(self) -> Measured:
        table = self.table()
        numbers: dict[str, Number] = {}
        if not self.facts["measurable"]:
            self.verdicts = dict.fromkeys(("dom - baseline > 0", "judges agree > .9"), "refused")
            return Measured(
                {"baseline": Number(float(table.column("baseline_success").mean()), 0.0, 1.0)}, self.verdicts
            )
        for row in self.facts["sweep"]:
            if row["split"] == "test":
                name = f"{row['arm']} {row['coefficient']:g}"
                numbers[f"{name}: success"] = Number(row["success"], 0.0, 1.0)
                numbers[f"{name}: nats"] = Number(row["nats"], 0.0)

        def arm(name: str, less: float = 0.0) -> Sample:
            about: dict[str, Any] = {"unit": "prompt", "selected_on": self.facts["selected_on"]}
            return Sample(table.column(name) - less, table.units, quantity="success", **about)

        self.verdicts = {}
        for name in ARMS[:2]:
            if f"{name}_success" not in table.columns:
                self.verdicts[f"{name} - baseline > 0"] = "refused"
                continue
            gap = arm(f"{name}_success") - arm("baseline_success")
            numbers[f"{name} - baseline"] = number(gap, -1.0, 1.0)
            self.verdicts[f"{name} - baseline > 0"] = verdict(gap, "above", 0.0)
        if {"dom_success", "random_success"} <= set(table.columns):
            self.verdicts["dom - random > 0"] = judged(lambda: arm("dom_success") - arm("random_success"), "above", 0.0)
        self.verdicts["judges agree > .9"] = judged(lambda: mean(arm("agree", 0.9)), "above", 0.0)
        return Measured(numbers, self.verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.coders, ["sae"], scene.real)),
            Check("ledger.controls", ("K19",), lambda scene: scene.controls()),
            Check("mi.metrics.measurable", ("K23",), lambda scene: require_measurable(scene.facts)),
        )

    def controls(self) -> list[Fired]:
        """What the table says of steering, with the agreement of the judges, expected to pass, as its control."""
        judges = self.verdicts["judges agree > .9"]
        rows = [claim_row("steering", self.verdicts["dom - baseline > 0"], ("study.judges",))]
        drift = [] if judges == "pass" else [Fired("ledger: drift", ("K19",), f"judges agree: {judges}, expected pass")]
        return [*drift, *control_problems([*rows, claim_row("judges", judges)])]

    def unguarded(self) -> AbstractContextManager[Any]:
        return lifted(
            "mi.steering.condition:replay",
            "mi.steering.sweep:require_chosen_on",
            "mi.steering.sweep:require_splits",
            "mi.steering.directions:require_towards",
            "mi.steering.directions:require_sides",
        )


def _lengthen(file: Path) -> None:
    """Put a sentence in front of every second prompt: among prompts of one length, padding has no wrong side."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for line in lines[::2]:
        line["text"] = f" It is a warm day in the north.{line['text']}"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def organism(seed: int) -> SteeredScene:
    """Biographies of the world, towards jobs outdoors."""
    spec = subject_spec("organism")
    subject = load_subject(spec)
    examples = world_texts(seed, "train", EXAMPLES, CONCEPT)
    batch = subject.tokens(Labelled(examples).texts, 64)
    rows = subject.activations(batch, [SITE])[SITE][batch.scored]
    coders = fresh("coders")
    save_coder(tiny_coder(rows, rows, "sae", "sparsify", "topk", (SITE, SITE), seed), coders / "sae")
    real = {SITE: rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))[:1024]]}
    asked = {}
    for split, n in (("validation", VALIDATION), ("test", TEST)):
        asked[split] = fresh(f"prompts-{split}")
        prompts(asked[split], progress=SILENT, wording="world", split=split, n=n, seed=seed, candidates=["works-as"])
        _lengthen(asked[split] / "documents.jsonl")
    exam = world_texts(seed, "test", EXAM, CONCEPT)
    return SteeredScene(seed, spec, examples, exam, asked, coders, real)
