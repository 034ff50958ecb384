"""Wilson's score interval for a proportion."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z = 1.959963984540054


class Rate(NamedTuple):
    """``count`` of ``n``, with 95 % limits after Wilson (1927)."""

    count: int
    n: int

    @property
    def value(self) -> float:
        return self.count / self.n if self.n else float("nan")

    @property
    def limits(self) -> tuple[float, float]:
        if not self.n:
            return (0.0, 1.0)
        p, n, z2 = self.value, self.n, Z * Z
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return (max(0.0, centre - half), min(1.0, centre + half))

    def __str__(self) -> str:
        if not self.n:
            return "none tried"
        lo, hi = self.limits
        return f"{self.count} of {self.n} = {self.value:.1%} [{lo:.1%}, {hi:.1%}]"
