"""Sphere: how close the nearest of n directions lies when they have nothing in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..refusal import Refusal

LEVELS = 10_000
"""Quantiles behind the mean."""


@dataclass(frozen=True)
class Sphere:
    """``n`` directions drawn evenly from the sphere in ``d`` dimensions: the geometric null of the nearest cosine.

    Exact, without drawing any: ``(1 + cosine) / 2`` of two such directions is ``Beta((d - 1) / 2, (d - 1) / 2)``, and
    seen from one of them the cosines with the ``n - 1`` others are independent. So the largest of them is at most
    ``c`` with probability ``F(c) ** (n - 1)``.

    Raises:
        Refusal: fewer than 2 dimensions or directions.
    """

    d: int
    n: int

    def __post_init__(self) -> None:
        if self.d < 2 or self.n < 2:
            raise Refusal(
                f"{self.n} directions in {self.d} dimensions", "at least 2 of either", "Nothing has a neighbour here."
            )

    def quantile(self, share: ArrayLike) -> NDArray[np.float64]:
        """The cosine that the nearest of the others does not exceed with this probability, from -1 to 1."""
        from scipy.stats import beta

        half = (self.d - 1) / 2
        # One cosine exceeds it with 1 - share ** (1 / (n - 1)), which cancels where it is small.
        above = -np.expm1(np.log(np.asarray(share, dtype=np.float64)) / (self.n - 1))
        return np.asarray(2 * beta.isf(above, half, half) - 1)

    @property
    def mean(self) -> float:
        """The expected cosine with the nearest of the others, to about 1e-5."""
        return float(self.quantile((np.arange(LEVELS) + 0.5) / LEVELS).mean())
