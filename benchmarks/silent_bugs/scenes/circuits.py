"""Circuit scene: latents of two layers chosen by gradients, kept and ablated inside the organism, against random sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mi.circuits import random_sets
from mi.circuits.causal import causal, find
from mi.circuits.circuit import Circuit
from mi.circuits.random_sets import KINDS, Rates
from mi.claimable import Contrast, Refusal, Sample, against_random_sets, faithfulness
from mi.coders.load import save_coder
from mi.metrics.measurable import require_measurable
from mi.probing.labelled import Labelled
from mi.progress import SILENT
from mi.subjects.load import load_subject
from mi.subjects.spec import subject_spec
from mi.unit_table import UnitTable

from ..court import judged, number
from ..guards import lifted
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import tiny_coder
from .coders import fidelity
from .court import REFUSALS
from .probing import gates_of, world_texts

SITES = {"layer1": "blocks.1.hook_resid_post", "layer2": "blocks.2.hook_resid_post"}
CONCEPT, TASK, TEXTS, ITEMS, FOUND_ON, K, DRAWS, LENGTH = "negated_job_outdoor", "negation", 200, 24, 24, 24, 20, 48


@dataclass
class CircuitScene(Scene):
    """SAEs at two depths, a circuit of 24 latents in each, and twenty matched random sets."""

    spec: dict[str, Any]
    examples: Path
    gates: Path
    coders: Path
    real: dict[str, torch.Tensor]
    draws: int = DRAWS
    tables: tuple[UnitTable, UnitTable] | None = None
    """Of the last measurement: the circuit's, and the random sets'."""

    def run(self) -> Path:
        about: dict[str, Any] = {
            "progress": SILENT,
            "examples": self.examples,
            "gates": self.gates,
            "subject": self.spec,
            "coders": self.coders,
            "tasks": [TASK],
            "max_length": LENGTH,
        }
        circuits, out = fresh("circuits"), fresh("causal")
        find(circuits, names=list(SITES), ks=[K], n_items=FOUND_ON, draws=self.draws, seed=self.seed, **about)
        causal(out, circuits=circuits, n_items=ITEMS, random_ks=[K], draws=self.draws, seed=7 + self.seed, **about)
        return out

    def contrasts(self) -> dict[str, tuple[Callable[[], Contrast], float, float]]:
        """What is claimed, with its bound and lowest possible value."""
        assert self.tables is not None
        table, sets = self.tables

        def arm(name: str) -> Sample:
            return Sample(table.column(name), table.units, unit="item")

        def random() -> list[Sample]:
            return [Sample(sets.column(c), sets.units, unit="item", params={"draw": int(c)}) for c in sets.columns]

        def kept(error: str) -> Contrast:
            part, whole = (table.column(f"{name}_{error}") for name in (f"kept_k{K}", "headroom"))
            return faithfulness(part, whole, table.units, chance=0)

        low = -float("inf")
        return {
            "faithfulness": (lambda: kept("kept"), 0.5, low),
            "faithfulness, error ablated": (lambda: kept("ablated"), 0.3, low),
            "what ablation costs": (lambda: arm("clean") - arm(f"without_k{K}_kept"), 1.0, low),
            "circuit - random": (lambda: against_random_sets(arm(f"only_k{K}_kept"), random()), 0.0, low),
        }

    def measure(self) -> Measured:
        out = self.run()
        self.tables = UnitTable.read(out), UnitTable.read(out / f"random/only_matched_k{K}")
        table, numbers, verdicts = self.tables[0], {}, {}
        for name in ("clean", "all_kept", f"only_k{K}_kept", f"without_k{K}_kept", f"only_k{K}_ablated"):
            numbers[name] = Number(float(table.column(name).mean()))
        for name, (make, bound, low) in self.contrasts().items():
            verdicts[f"{name} > {bound:g}"] = found = judged(make, "above", bound)
            if found != "refused":
                numbers[name] = number(make(), low, float("inf"))
        return Measured(numbers, verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.coders, list(SITES), scene.real)),
            Check("mi.claimable", (), lambda scene: scene.judgeable()),
            Check("mi.metrics.measurable", ("K23",), lambda scene: require_measurable(scene.tables[0])),
        )

    def judgeable(self) -> list[Fired]:
        """What the contrasts refuse."""
        fired = []
        for name, (make, _, _) in self.contrasts().items():
            try:
                make()
            except Refusal as refusal:
                kinds = next((kinds for words, kinds in REFUSALS.items() if words in str(refusal)), ())
                fired.append(Fired(f"mi.claimable refuses {name}", kinds, str(refusal)))
        return fired

    def unguarded(self) -> AbstractContextManager[Any]:
        import mi.circuits.found as found

        refusals = lifted(
            "mi.circuits.causal:require_in_place",
            "mi.circuits.causal:require_complete",
            "mi.circuits.reference:_require_all",
            "mi.circuits.reference:_require_sums",
            "mi.circuits.causal:_require_end_points",
            "mi.circuits.second_look:SecondLook._require",
        )
        return together(refusals, replaced(found, "random_sets", _undemanding))


def _undemanding(circuit: Circuit, rates: Rates, kind: str, draws: int, seed: int) -> list[Circuit]:
    """Random sets that nobody looks at twice."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    makers = {c: random_sets._matched(numbers, rates[c], random_sets.NEAREST) for c, numbers in circuit.latents.items()}
    return [Circuit({c: tuple(sorted(make(rng))) for c, make in makers.items()}) for _ in range(draws)]


def negation(seed: int) -> CircuitScene:
    """Who works as what, where a sentence before says what they are not."""
    spec = subject_spec("organism")
    subject = load_subject(spec)
    examples = world_texts(seed, "train", TEXTS, CONCEPT)
    batch = subject.tokens(Labelled(examples).texts, LENGTH)
    rows = {s: v[batch.scored] for s, v in subject.activations(batch, list(SITES.values())).items()}
    coders = fresh("coders")
    for name, site in SITES.items():
        coder = tiny_coder(rows[site], rows[site], "sae", "sparsify", "topk", (site, site), seed)
        save_coder(coder, coders / name)
    chosen = torch.randperm(int(batch.scored.sum()), generator=torch.Generator().manual_seed(0))[:1024]
    real = {site: rows[site][chosen] for site in rows}
    return CircuitScene(seed, spec, examples, gates_of(spec, subject.sites), coders, real)
