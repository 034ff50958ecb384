"""Pivots: what turns an estimate and its error into limits and one-sided p-values.

Every pivot answers the same two questions, consistently: ``limits(alpha)`` gives the limits whose
one-sided errors are ``alpha``, and ``p_above(b)`` is the smallest ``alpha`` at which the lower limit
would clear ``b``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, isinf, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats


class Pivot(Protocol):
    """An estimate, its standard error, and its sampling distribution."""

    @property
    def se(self) -> float: ...
    def limits(self, alpha: float) -> tuple[float, float]:
        """Lower and upper limit, each wrong with probability ``alpha``."""

    def p_above(self, bound: float) -> float:
        """One-sided p-value of "not above ``bound``"."""

    def p_below(self, bound: float) -> float:
        """One-sided p-value of "not below ``bound``"."""


def t_quantile(alpha: float, df: float) -> float:
    """The t value that is exceeded with probability ``alpha`` (``df`` inf: normal).

    scipy's special functions: its distribution objects take a hundred times longer for one number.
    """
    return -float(special.ndtri(alpha) if isinf(df) else special.stdtrit(df, alpha))


def t_tail(t: float, df: float) -> float:
    """Probability of a t value above ``t``."""
    return float(special.ndtr(-t) if isinf(df) else special.stdtr(df, -t))


@dataclass(frozen=True)
class Student:
    """``(centre - theta) / se`` follows Student's t with ``df`` degrees of freedom (inf: normal)."""

    centre: float
    se: float
    df: float = float("inf")

    def limits(self, alpha: float) -> tuple[float, float]:
        half = t_quantile(alpha, self.df) * self.se
        return self.centre - half, self.centre + half

    def p_above(self, bound: float) -> float:
        return t_tail((self.centre - bound) / self.se, self.df)

    def p_below(self, bound: float) -> float:
        return t_tail((bound - self.centre) / self.se, self.df)


@dataclass(frozen=True)
class Hall:
    """Student's t with Hall's (1992) cubic correction for skewness, J. R. Statist. Soc. B 54(1).

    ``skew`` is the sample skewness of the ``n`` unit scores. The transformation is monotone, so that
    limits and p-values agree exactly.
    """

    centre: float
    se: float
    n: int
    skew: float

    @classmethod
    def of(cls, scores: NDArray[np.float64], centre: float | None = None) -> Hall:
        """From ``[n]`` unit scores; ``centre`` replaces their mean (linearised estimators)."""
        n = len(scores)
        mean = float(scores.mean())
        deviations = scores - mean
        m2 = float((deviations**2).mean())
        skew = float((deviations**3).mean()) / m2**1.5 if m2 > 0 else 0.0
        return cls(mean if centre is None else centre, sqrt(m2 / (n - 1)), n, skew)

    def _transform(self, t: float) -> float:
        a = self.skew / sqrt(self.n)
        return t + a * (t * t / 3 + 1 / 6) + a * a * t**3 / 27

    def _inverse(self, y: float) -> float:
        a = self.skew / sqrt(self.n)
        if abs(a) < 1e-9:  # the limit of the expression below, which would be 0 / 0
            return y
        return 3 / a * (float(np.cbrt(1 + a * (y - a / 6))) - 1)

    def limits(self, alpha: float) -> tuple[float, float]:
        q = t_quantile(alpha, self.n - 1)
        return self.centre - self.se * self._inverse(q), self.centre - self.se * self._inverse(-q)

    def _transformed(self, bound: float) -> float:
        return self._transform((self.centre - bound) / self.se)

    def p_above(self, bound: float) -> float:
        return t_tail(self._transformed(bound), self.n - 1)

    def p_below(self, bound: float) -> float:
        return t_tail(-self._transformed(bound), self.n - 1)


@dataclass(frozen=True)
class ExactBinomial:
    """Clopper-Pearson: ``k`` successes in ``n``, each one-sided error at most ``alpha``."""

    k: int
    n: int

    @property
    def se(self) -> float:
        # Agresti-Coull's centre: the plain formula gives 0 at k = 0 and k = n.
        p = (self.k + 2) / (self.n + 4)
        return sqrt(p * (1 - p) / (self.n + 4))

    def limits(self, alpha: float) -> tuple[float, float]:
        lo = 0.0 if self.k == 0 else float(stats.beta.ppf(alpha, self.k, self.n - self.k + 1))
        hi = 1.0 if self.k == self.n else float(stats.beta.isf(alpha, self.k + 1, self.n - self.k))
        return lo, hi

    def p_above(self, bound: float) -> float:
        if not 0 <= bound <= 1:  # no proportion lies there, and scipy would say NaN
            return float(bound > 1)
        return float(stats.binom.sf(self.k - 1, self.n, bound))

    def p_below(self, bound: float) -> float:
        if not 0 <= bound <= 1:
            return float(bound < 0)
        return float(stats.binom.cdf(self.k, self.n, bound))


@dataclass(frozen=True)
class Fieller:
    """A ratio, judged through the linear contrast ``top - r * bottom`` with Hall's t.

    ``top`` and ``bottom`` are ``[n]`` unit scores with any chance level already subtracted. A limit
    is the ``r`` at which the contrast stops being significant, so no ratio of means is ever formed
    and the sign of the contrast answers the claim.
    """

    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    @property
    def ratio(self) -> float:
        return float(self.top.mean() / self.bottom.mean())

    @property
    def se(self) -> float:
        """Delta-method standard error of the ratio."""
        return self._contrast(self.ratio).se / float(self.bottom.mean())

    def _contrast(self, r: float) -> Hall:
        return Hall.of(self.top - r * self.bottom)

    def _root(self, p: Callable[[float], float], alpha: float, sign: int) -> float:
        """Walk outwards from the estimate until ``p`` falls below ``alpha``, then find the crossing."""
        step = max(self.se, 1e-9)
        near = self.ratio
        for _ in range(64):
            far = near + sign * step
            if p(far) < alpha:
                return float(optimize.brentq(lambda r: p(r) - alpha, near, far, xtol=1e-12))
            near, step = far, step * 2
        return sign * float("inf")

    def limits(self, alpha: float) -> tuple[float, float]:
        return self._root(self.p_above, alpha, -1), self._root(self.p_below, alpha, +1)

    def p_above(self, bound: float) -> float:
        return self._contrast(bound).p_above(0.0)

    def p_below(self, bound: float) -> float:
        return self._contrast(bound).p_below(0.0)


@dataclass(frozen=True)
class Permutation:
    """Limits by inverting a permutation test under a shift model.

    ``shifts[i]`` is the shift at which relabelling ``i`` would score as high as the observed labels;
    the limits are order statistics of them (one is the observed labelling itself, hence the +1).
    ``unmoved`` relabellings keep every pair within or across, and score as high at every shift.
    """

    estimate: float
    shifts: NDArray[np.float64]  # [n_relabellings - unmoved], sorted
    unmoved: int = 0

    @property
    def _labellings(self) -> int:
        return len(self.shifts) + self.unmoved + 1

    @property
    def se(self) -> float:
        lo, hi = self.limits(0.025)
        return (hi - lo) / (2 * 1.959964) if isfinite(hi - lo) else float("inf")

    def limits(self, alpha: float) -> tuple[float, float]:
        # Largest k with (unmoved + 1 + k) / (N + 1) <= alpha: so many shifts may lie beyond the limit.
        k = int(np.floor(alpha * self._labellings + 1e-9)) - 1 - self.unmoved
        if k < 0:
            return -float("inf"), float("inf")
        return float(self.shifts[k]), float(self.shifts[-1 - k])

    def p_above(self, bound: float) -> float:
        at_or_below = int(np.searchsorted(self.shifts, bound, side="right"))
        return (1 + self.unmoved + at_or_below) / self._labellings

    def p_below(self, bound: float) -> float:
        at_or_above = len(self.shifts) - int(np.searchsorted(self.shifts, bound, side="left"))
        return (1 + self.unmoved + at_or_above) / self._labellings
