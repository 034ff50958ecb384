"""Coder scene: coders in their engines' files, loaded through the adapters and measured on rows they were not fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mi.claimable import ratio_difference, ratio_of_sums
from mi.coders.fidelity import random_rows
from mi.coders.fidelity_checks import check_coder
from mi.coders.last_look import last_look
from mi.coders.load import load_coder, save_coder
from mi.coders.native import load_native
from mi.metrics.reconstruction import reconstruction
from mi.metrics.squared_errors import variance_explained
from mi.progress import SILENT
from mi.unit_table import UnitTable

from ..court import judged, number, ratio, verdict
from ..guards import SECOND_LOOK, lifted, unmeasurable
from ..number import Number
from ..scene import Check, Fired, Measured, Scene
from ..scratch import fresh
from ..tiny_coders import tiny_coder
from .harvested import MLP_IN, MLP_OUT, POST, Harvested, harvested

NAMES = ("sae", "jumprelu", "skip", "transcoder")
GATE_ROWS = 1536
BARS = {"sae": 0.3, "jumprelu": 0.3, "skip": 0.6, "transcoder": 0.7}
FIDELITY_KINDS = {
    "decoder norms folded": ("K03",),
    "saved": ("K04",),
    "latents beyond k": ("K20", "K01"),
    "decode of encode": ("K10", "K01"),
    "depend on": ("K06",),
    "site names": ("K20",),
    "FVU at its site": ("K22", "K20", "K08"),
}


def kinds_of(check: str) -> tuple[str, ...]:
    """K-numbers of a comparison of :mod:`mi.coders.fidelity_checks`; all the others are encode-fidelity."""
    return next((kinds for words, kinds in FIDELITY_KINDS.items() if words in check), ("K01",))


@dataclass
class CoderScene(Scene):
    """A bundle of four coders and a harvest."""

    data: Harvested
    bundle: Path
    real: Mapping[str, Tensor]
    """All sites' rows that the fidelity gate sees."""
    batch_size: int | None = None
    dtype: torch.dtype | None = None
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the last measurement."""

    def table(self, name: str) -> UnitTable:
        out = fresh("reconstruction")
        self.facts[name] = reconstruction(
            out,
            progress=SILENT,
            activations=self.data.held_out,
            coders=self.bundle,
            coder=name,
            batch_size=self.batch_size,
        )
        return UnitTable.read(out)

    def measure(self) -> Measured:
        tables = {name: self.table(name) for name in NAMES}
        numbers: dict[str, Number] = {}
        verdicts: dict[str, str] = {}
        for name, table in tables.items():
            numbers[f"{name}: FVU"] = ratio(table, "sse", "sst")
            numbers[f"{name}: L0"] = ratio(table, "l0_sum", "n_tokens")
            numbers[f"{name}: dead"] = Number(self.facts[name]["dead_share"], 0.0, 1.0)
            verdicts[f"{name}: FVU < {BARS[name]}"] = judged(
                lambda t=table: ratio_of_sums(t.column("sse"), t.column("sst"), t.units, unit="document"),
                "below",
                BARS[name],
            )
        a, b = tables["transcoder"], tables["skip"]
        arms = [t.column(c) for t in (a, b) for c in ("sse", "sst")]
        gap = ratio_difference(*arms, a.units, unit="document")
        numbers["transcoder - skip: FVU"] = number(gap, -float("inf"), float("inf"))
        verdicts["transcoder - skip > 0"] = verdict(gap, "above", 0.0)
        coder, y = load_coder(self.bundle / "jumprelu"), self.real[MLP_OUT]
        folded = coder.with_latents_scaled(coder.W_dec.norm(dim=-1))
        with torch.no_grad():
            numbers["jumprelu folded: VE"] = Number(variance_explained(y, folded.reconstruct(y)), -1e9, 1.0)
            numbers["jumprelu folded: L0"] = Number(float((folded.encode(y) > 0).sum(1).double().mean()), 0.0, 1e9)
        return Measured(numbers, verdicts)

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.coders.fidelity", (), lambda scene: fidelity(scene.bundle, NAMES, scene.real)),
            Check("mi.metrics.measurable", (), lambda scene: unmeasurable(scene.facts.values())),
        )

    def unguarded(self) -> AbstractContextManager[Any]:
        return lifted(*SECOND_LOOK, "mi.metrics.rows:require_one_path")


def fidelity(bundle: Path, names: Sequence[str], real: Mapping[str, Tensor]) -> list[Fired]:
    """The gate of every coder of a bundle: what :func:`mi.coders.fidelity.build` compares, on fewer rows."""
    fired = []
    for name in names:
        coder, native = load_coder(bundle / name), load_native(bundle / name)
        x = random_rows(real[coder.site_in], 0)
        failed = [c for c in check_coder(coder, native, x, real).checks if not c.passed]
        fired += [
            Fired(f"fidelity: {c.name}", kinds_of(c.name), f"{name}: {c.value:.3g} > {c.limit:.3g}") for c in failed
        ]
    return fired


def some_rows(data: Harvested) -> dict[str, Tensor]:
    """Rows of every site for the gate, from all over the held-out harvest."""
    every = {site: data.rows(site, "held_out") for site in (MLP_IN, MLP_OUT, POST)}
    chosen = torch.randperm(len(every[MLP_IN]), generator=torch.Generator().manual_seed(0))[:GATE_ROWS]
    return {site: rows[chosen] for site, rows in every.items()}


def llama(seed: int) -> CoderScene:
    """The MLP of a random Llama, reconstructed by four coders of two engines."""
    data = harvested(seed)
    x, y = data.rows(MLP_IN), data.rows(MLP_OUT)
    bundle = fresh("bundle")
    made = {
        "sae": tiny_coder(y, y, "sae", "sparsify", "topk", (MLP_OUT, MLP_OUT), seed),
        "jumprelu": tiny_coder(y, y, "sae", "saelens", "jumprelu", (MLP_OUT, MLP_OUT), seed),
        "skip": tiny_coder(x, y, "skip-transcoder", "sparsify", "topk", (MLP_IN, MLP_OUT), seed),
        "transcoder": tiny_coder(x, y, "transcoder", "saelens", "jumprelu", (MLP_IN, MLP_OUT), seed),
    }
    looks = last_look(made, [{MLP_IN: x, MLP_OUT: y}])
    for name, coder in made.items():
        facts = replace(coder.facts, training={"on_training_rows": looks[name]})
        save_coder(replace(coder, facts=facts), bundle / name)
    return CoderScene(seed, data, bundle, some_rows(data))
