"""Tally: counted verdicts, and how sure the count makes us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from scipy import stats

SIDE = 0.005
"""Of the 99 % Clopper-Pearson limits, .5 % on each side: 303 of 10,000 is then just below 3.5 %."""


class Rate(NamedTuple):
    """``count`` of ``n``, with its exact 99 % limits."""

    count: int
    n: int

    @property
    def value(self) -> float:
        return self.count / self.n

    @property
    def upper(self) -> float:
        return 1.0 if self.count == self.n else float(stats.beta.isf(SIDE, self.count + 1, self.n - self.count))

    @property
    def lower(self) -> float:
        return 0.0 if self.count == 0 else float(stats.beta.ppf(SIDE, self.count, self.n - self.count + 1))


@dataclass(frozen=True)
class Tally:
    """Verdicts of ``n`` claims. Refused draws got none and count as not decided."""

    n: int = 0
    passes: int = 0
    fails: int = 0
    refused: int = 0
    degenerate: int = 0
    """Verdicts that rest on an undefined or zero-width interval."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.n + other.n,
            self.passes + other.passes,
            self.fails + other.fails,
            self.refused + other.refused,
            self.degenerate + other.degenerate,
        )

    @property
    def passed(self) -> Rate:
        return Rate(self.passes, self.n)

    @property
    def failed(self) -> Rate:
        return Rate(self.fails, self.n)
