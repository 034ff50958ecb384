"""Control A's scene: probes on SAEs of the trained organism and of copies of it with random weights, runs as units."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mi.claimable import over_runs
from mi.coders.load import save_coder
from mi.probing.labelled import Labelled
from mi.probing.pooled import pool
from mi.probing.probes import probes
from mi.probing.runs import run_means
from mi.progress import SILENT
from mi.subjects.gates import Exam, examine
from mi.subjects.load import load_hf, load_subject
from mi.subjects.spec import subject_spec
from mi.subjects.subject import Subject
from mi.unit_table import UnitTable

from .. import tiny_coders
from ..court import judged, number
from ..guards import lifted
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from .probing import SITE, gates_of, world_texts
from .subject import kinds_of

RUNS, TEXTS, FEW, LENGTH, STEPS, SCHEME = 3, 200, 48, 48, 100, "reinit"
GATES = ("weights", "hugging-face")  # the others do not care which weights they find


@dataclass
class ControlA(Scene):
    """Three runs: an SAE and its probes on the trained model, and on a copy with random weights."""

    train: Path
    test: Path
    places: Any
    coder_seeds: list[int] = field(default_factory=lambda: list(range(RUNS)))
    few_seed: int = 0

    def specs(self) -> list[dict[str, Any]]:
        return [subject_spec("organism", weights=SCHEME, weights_seed=s) for s in range(RUNS)]

    def run(self, spec: dict[str, Any], coder_seed: int, run: int) -> UnitTable:
        """The probes of one run."""
        subject = load_subject(spec)
        batch = subject.tokens(Labelled(self.train).texts, LENGTH)
        rows = subject.activations(batch, [SITE])[SITE][batch.scored]
        coders = fresh("coders")
        with replaced(tiny_coders, "STEPS", STEPS):
            coder = tiny_coders.tiny_coder(rows, rows, "sae", "sparsify", "topk", (SITE, SITE), coder_seed)
        save_coder(coder, coders / "sae")
        about: dict[str, Any] = {"gates": gates_of(spec, subject.sites), "subject": spec, "coders": coders}
        pooled = [fresh("pooled") for _ in range(2)]
        for out, path in zip(pooled, (self.train, self.test), strict=True):
            pool(out, progress=SILENT, examples=path, names=["sae"], max_length=LENGTH, **about)
        out = fresh("probes")
        seed = self.few_seed + run
        probes(out, progress=SILENT, train=pooled[0], test=pooled[1], arms={"sae": "sae"}, ks=[], few=FEW, seed=seed)
        return UnitTable.read(out)

    def measure(self) -> Measured:
        # Where the sites are does not depend on the weights, and finding out takes longer than all the rest.
        with replaced(Subject, "places", self.places):
            trained = subject_spec("organism")
            real = [self.run(trained, s, k) for k, s in enumerate(self.coder_seeds)]
            random = [self.run(spec, k, k) for k, spec in enumerate(self.specs())]
        arms = [run_means(tables, "sae", "sae_few", quantity="probe accuracy") for tables in (real, random)]
        numbers = {
            name: Number(float(np.mean(arm.values)), 0.0, 1.0)
            for name, arm in zip(("trained", "random"), arms, strict=True)
        }
        found = judged(lambda: over_runs(*arms), "above", 0.05)
        if found != "refused":
            numbers["trained - random"] = number(over_runs(*arms), -1.0, 1.0)
        return Measured(numbers, {"trained - random > .05": found})

    @property
    def checks(self) -> Sequence[Check]:
        return (Check("mi.subjects.gates", (), lambda scene: scene.gates()),)

    def gates(self) -> list[Fired]:
        """Of every copy."""
        texts, fired = tuple(Labelled(self.test).texts[:8]), []
        with replaced(Subject, "places", self.places):
            for spec in self.specs():
                exam = Exam(load_subject(spec), load_hf(spec), (SITE,), texts)
                failed = [r for r in examine(exam, GATES) if not r.ok]
                fired += [Fired(f"gate {r.name}", kinds_of(r.name), f"{r.compared}: {r.where}") for r in failed]
        return fired

    def unguarded(self) -> AbstractContextManager[Any]:
        return together(replaced(Subject, "places", self.places), lifted("mi.probing.runs:require_different_runs"))


def copies(seed: int) -> ControlA:
    """A composed concept, which random networks do not compute."""
    train, test = (world_texts(seed, split, TEXTS) for split in ("train", "test"))
    return ControlA(seed, train, test, load_subject(subject_spec("organism")).places)
