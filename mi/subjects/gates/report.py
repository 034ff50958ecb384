"""GateReport: what a gate compared and how far apart it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

# What re-ordered sums may differ by, relative to the root mean square of what is compared. Measured on the tiny random
# models of mi.subjects.tiny: at most 1.2e-5 in float32; a tanh for an exact GELU is about 3e-4. A float64 model is no closer to the
# bridge (5e-6): both compute norms or rotary angles in float32, each in its own place.
REORDERED = {torch.float64: 1e-4, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}
# The same sums in the same order: equal to the bit on a CPU, and next to it elsewhere.
SAME = {torch.float64: 1e-12, torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 1e-2}


@dataclass(frozen=True)
class GateReport:
    """One gate's finding.

    Attributes:
        name: of the gate.
        ok: whether the subject may be measured as far as this gate can tell.
        compared: what with what, in words.
        worst: the largest deviation: a difference relative to the root mean square, or a count; NaN never passes.
        tolerance: the largest deviation that passes.
        where: where the worst one was.
    """

    name: str
    ok: bool
    compared: str
    worst: float
    tolerance: float
    where: str = ""

    def json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def __str__(self) -> str:
        state = "ok" if self.ok else "FAILED"
        at = f", at {self.where}" if self.where else ""
        return f"{self.name}: {state}; {self.compared}: {self.worst:.3g}{at} (tolerance {self.tolerance:.3g})"


class Worst:
    """Collects deviations and keeps the largest."""

    def __init__(self) -> None:
        self.value, self.where = 0.0, ""

    def add(self, value: float, where: str) -> None:
        """Take note of one deviation; NaN counts as infinite."""
        value = float("inf") if value != value else value
        if value > self.value:
            self.value, self.where = value, where

    def compare(self, got: Tensor, wanted: Tensor, where: str) -> None:
        """Take note of ``max |got - wanted| / rms(wanted)``; other shapes and anything not finite are infinite."""
        self.add(deviation(got, wanted), where)

    def report(self, name: str, compared: str, tolerance: float) -> GateReport:
        """The gate's finding."""
        return GateReport(name, self.value <= tolerance, compared, self.value, tolerance, self.where)


def deviation(got: Tensor, wanted: Tensor) -> float:
    """``max |got - wanted| / rms(wanted)``; infinite for other shapes and anything not finite."""
    if got.shape != wanted.shape:
        return float("inf")
    if not wanted.numel():
        return 0.0
    a, b = got.double(), wanted.double()
    if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        return float("inf")
    scale = float(b.square().mean().sqrt())
    return float((a - b).abs().max()) / (scale or 1.0)
