"""Scales: from what was measured to pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Linear:
    """Even steps. ``start`` and ``end`` are the pixels of ``lo`` and ``hi``; upward axes have start > end."""

    lo: float
    hi: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, end: float, *, keep: Sequence[float] = ()) -> Linear:
        """An axis that holds all values and everything in ``keep``, with a little room beyond the values."""
        seen = [*values, *keep]
        lo, hi = min(seen, default=0.0), max(seen, default=1.0)
        if not hi > lo:
            lo, hi = lo - 0.5, hi + 0.5
        room = 0.04 * (hi - lo)
        return cls(lo if lo in keep else lo - room, hi if hi in keep else hi + room, start, end)

    def at(self, value: float) -> float:
        """Its pixel, at the nearer end if it lies outside."""
        share = min(max((value - self.lo) / (self.hi - self.lo), 0.0), 1.0)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether it lies on the axis."""
        return self.lo <= value <= self.hi

    def marks(self) -> list[tuple[float, str]]:
        """Pixels and labels of the ticks."""
        return [(self.at(t), f"{t:g}") for t in ticks(self.lo, self.hi)]


@dataclass(frozen=True)
class Logarithmic:
    """Even ratios; ``lo`` above 0."""

    lo: float
    hi: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Its pixel, at the nearer end if it lies outside."""
        share = (log10(max(value, self.lo)) - log10(self.lo)) / (log10(self.hi) - log10(self.lo))
        return self.start + min(share, 1.0) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether it lies on the axis."""
        return self.lo <= value <= self.hi

    def marks(self) -> list[tuple[float, str]]:
        """Powers of ten; also twice and five times them on a short axis."""
        steps = (1, 2, 5) if log10(self.hi / self.lo) < 2.5 else (1,)
        powers = range(floor(log10(self.lo)), ceil(log10(self.hi)) + 1)
        found = [step * 10.0**power for power in powers for step in steps]
        return [(self.at(t), _power(t)) for t in found if self.holds(t)]


@dataclass(frozen=True)
class Slots:
    """Places side by side for things that have an order and no distance."""

    labels: tuple[str, ...]
    start: float
    end: float

    @property
    def step(self) -> float:
        """Pixels from one place to the next."""
        return (self.end - self.start) / len(self.labels)

    def at(self, place: float) -> float:
        """The pixel of the place with this number."""
        return self.start + (place + 0.5) * self.step

    def marks(self) -> list[tuple[float, str]]:
        """The middle of every place, and its label."""
        return [(self.at(i), label) for i, label in enumerate(self.labels)]


def _power(value: float) -> str:
    """``0.5``, ``1000``, ``10⁴``."""
    power = round(log10(value))
    return f"{value:g}" if abs(power) < 4 or value != 10.0**power else "10" + str(power).translate(_RAISED)


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Scale = Linear | Logarithmic | Slots


def ticks(lo: float, hi: float) -> list[float]:
    """Round numbers inside [lo, hi], three to seven of them: multiples of the largest 1, 2 or 5 times a power of ten."""
    power = floor(log10(hi - lo))
    for step in (k * 10.0**p for p in (power, power - 1) for k in (5, 2, 1)):
        first, last = ceil(lo / step - 1e-9), floor(hi / step + 1e-9)
        if last - first >= 2:
            break
    digits = max(0, -floor(log10(step)))
    return [round(k * step, digits) + 0.0 for k in range(first, last + 1)]
