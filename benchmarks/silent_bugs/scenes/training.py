"""Training scenes: coders trained by the engines on a harvest, and measured on another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mi.claimable import ratio_difference, ratio_of_sums
from mi.coders import train_saelens, train_sparsify
from mi.coders.fidelity import in_memory_for_saved
from mi.coders.load import load_coder
from mi.metrics.reconstruction import reconstruction
from mi.progress import SILENT
from mi.unit_table import UnitTable

from ..court import judged, number, ratio, verdict
from ..guards import SECOND_LOOK, TRAINING, lifted, unmeasurable
from ..number import Number
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from .coders import fidelity, some_rows
from .harvested import MLP_IN, MLP_OUT, Harvested, harvested

ROWS, STEPS = 256, 60


@dataclass
class TrainingScene(Scene):
    """Settings of a training run and the harvests around it."""

    data: Harvested
    engine: str
    settings: dict[str, Any]
    bars: Mapping[str, float]
    contrast: tuple[str, str]
    bundle: Path = field(default_factory=Path)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    plants: bool = False
    """Whether the gate's own planted bugs are looked at too; they take a training run of their own."""

    @cached_property
    def real(self) -> dict[str, Any]:
        return some_rows(self.data)

    def train(self) -> Path:
        builder = {"sparsify": train_sparsify.train, "saelens": train_saelens.train}[self.engine]
        out = fresh("trained")
        builder(out, progress=SILENT, activations=self.data.train, **self.settings)
        return out

    def measure(self) -> Measured:
        self.bundle, self.facts = self.train(), {}
        tables = {}
        for name in self.bars:
            out = fresh("reconstruction")
            self.facts[name] = reconstruction(
                out, progress=SILENT, activations=self.data.held_out, coders=self.bundle, coder=name
            )
            tables[name] = UnitTable.read(out)
        numbers, verdicts = {}, {}
        for name, table in tables.items():
            numbers[f"{name}: FVU"] = ratio(table, "sse", "sst")
            numbers[f"{name}: L0"] = ratio(table, "l0_sum", "n_tokens")
            numbers[f"{name}: dead"] = Number(self.facts[name]["dead_share"], 0.0, 1.0)
            verdicts[f"{name}: FVU < {self.bars[name]}"] = judged(
                lambda t=table: ratio_of_sums(t.column("sse"), t.column("sst"), t.units, unit="document"),
                "below",
                self.bars[name],
            )
        a, b = (tables[name] for name in self.contrast)
        arms = [t.column(c) for t in (a, b) for c in ("sse", "sst")]
        what = " - ".join(self.contrast)
        try:
            gap = ratio_difference(*arms, a.units, unit="document")
        except ValueError:
            verdicts[f"{what}: FVU > 0"] = "refused"
        else:
            numbers[f"{what}: FVU"] = number(gap, -float("inf"), float("inf"))
            verdicts[f"{what}: FVU > 0"] = verdict(gap, "above", 0.0)
        return Measured(numbers, verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.bundle, list(scene.bars), scene.real)),
            *([Check("fidelity: planted bugs", ("K04",), lambda scene: scene.planted())] if self.plants else []),
            Check("mi.metrics.measurable", (), lambda scene: unmeasurable(scene.facts.values())),
        )

    def unguarded(self) -> AbstractContextManager[Any]:
        return lifted(*TRAINING, *SECOND_LOOK)

    def planted(self) -> list[Fired]:
        """The gate's planted bug on a short training run: weights from memory for those on disk."""
        coder = load_coder(self.bundle / "sae")
        caught = in_memory_for_saved(coder, self.data.held_out, self.real, self.seed)["caught_by"]
        return [] if caught else [Fired("fidelity: planted in_memory_for_saved passes", ("K04",), "nothing caught it")]


def sparsify(seed: int) -> TrainingScene:
    """SAE, transcoder and skip-transcoder by sparsify, with the loss that revives dead latents switched on."""
    coders = {
        "sae": {"kind": "sae"},
        "transcoder": {"kind": "transcoder"},
        "skip": {"kind": "skip-transcoder"},
    }
    settings = {
        "coders": {name: {"k": 8, "n_latents": 128, "seed": seed, **about} for name, about in coders.items()},
        "site_in": MLP_IN,
        "site_out": MLP_OUT,
        "tokens": ROWS * STEPS,
        "batch_rows": ROWS,
        "auxk_alpha": 1 / 32,
        "dead_feature_threshold": 2048,
    }
    bars = {"sae": 0.6, "transcoder": 0.9, "skip": 0.9}
    return TrainingScene(seed, harvested(seed), "sparsify", settings, bars, ("transcoder", "skip"))


def schedule(seed: int) -> TrainingScene:
    """The same, with the gate's planted bugs."""
    scene = sparsify(seed)
    scene.plants = True
    return scene


def saelens(seed: int) -> TrainingScene:
    """BatchTopK, Matryoshka and ReLU SAEs by SAELens, which scales activations while it trains."""
    settings = {
        "coders": {
            "batchtopk": {"architecture": "batchtopk", "k": 8, "n_latents": 128, "seed": seed, "lr": 3e-3},
            "standard": {"architecture": "standard", "n_latents": 128, "seed": seed, "lr": 3e-3},
        },
        "site": MLP_OUT,
        "tokens": ROWS * STEPS,
        "batch_rows": ROWS,
    }
    bars = {"batchtopk": 0.6, "standard": 0.9}
    return TrainingScene(seed, harvested(seed), "saelens", settings, bars, ("standard", "batchtopk"))
