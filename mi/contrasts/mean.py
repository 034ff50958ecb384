"""One arm against a bound: a mean, a proportion, a median."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..pivot import ExactBinomial, Hall, Pivot, Student
from ..refusal import Refusal
from ..sample import Sample, as_sample
from .contrast import MIN_UNITS, Contrast, require_spread, require_units

RESAMPLES = 9_999
FINEST = 1e-4
"""The smallest one-sided error that so many resamples can speak of."""


def mean(data: Sample | ArrayLike) -> Contrast:
    """The mean of independent unit scores; a proportion where the scores are 0 and 1.

    Scores: Hall's skewness-corrected t. Outcomes: Clopper-Pearson, the only interval for one
    proportion whose one-sided errors are guaranteed.

    Raises:
        Refusal: fewer than 10 units, or scores that are all equal.
    """
    sample = as_sample(data)
    n = len(sample)
    require_units(n, MIN_UNITS, "units")
    if sample.binary:
        k = int(sample.values.sum())

        def best(high: bool) -> Pivot:
            return ExactBinomial(n if high else 0, n)

        return Contrast(
            "mean",
            (sample,),
            ExactBinomial(k, n),
            k / n,
            "clopper-pearson",
            n,
            {"units": n},
            (0.0, 1.0),
            best_case=best,
        )
    pivot = Hall.of(sample.ordered)
    require_spread(pivot.se, "unit scores", float(np.abs(sample.values).max()))
    return Contrast("mean", (sample,), pivot, pivot.centre, "hall-t", n, {"units": n}, sample.support)


def proportion(successes: int, n: int, **about: Any) -> Contrast:
    """A proportion from counts, for published tables; ``about`` as for :class:`mi.sample.Sample`."""
    return mean(outcomes(successes, n, **about))


def outcomes(successes: int, n: int, **about: Any) -> Sample:
    """The 0/1 sample behind a published ``successes`` of ``n``; it has no ids and cannot be paired."""
    whole = all(np.isfinite(x) and int(x) == x for x in (successes, n))
    if isinstance(successes, bool) or not whole or not 0 <= successes <= n or n < 1:
        raise Refusal(f"{successes} successes of {n}", "whole numbers with 0 <= successes <= n", "Check the counts.")
    return Sample(np.repeat([1.0, 0.0], [int(successes), int(n) - int(successes)]), **about)


def median(data: Sample | ArrayLike) -> Contrast:
    """The median of at least 50 units, by scipy's BCa bootstrap over units.

    Its one-sided errors were not calibrated for interpretability data: rows carry
    ``calibration: unverified``. The resampling seed is fixed by the data.
    """
    sample = as_sample(data)
    require_units(len(sample), 50, "units for a bootstrap interval")
    require_spread(float(sample.values.std()), "unit scores", float(np.abs(sample.values).max()))
    rng = np.random.default_rng(int(sample.digest[:16], 16))
    result = stats.bootstrap((sample.ordered,), np.median, n_resamples=RESAMPLES, method="BCa", rng=rng)
    require_spread(float(result.standard_error), "bootstrap medians")
    # BCa limits are not symmetric; a t pivot with the bootstrap error would lose that, so the
    # bootstrap distribution itself is the pivot.
    return Contrast(
        "median",
        (sample,),
        _Bootstrap(float(np.median(sample.values)), result, sample),
        float(np.median(sample.values)),
        "bca-bootstrap",
        len(sample),
        {"units": len(sample)},
        sample.support,
        calibration="unverified",
    )


class _Bootstrap:
    """BCa limits at any level, from one set of resamples; p-values by inverting the limits."""

    def __init__(self, centre: float, result: Any, sample: Sample) -> None:
        self.centre, self.se = centre, float(result.standard_error)
        self._result, self._sample = result, sample

    def limits(self, alpha: float) -> tuple[float, float]:
        if alpha < FINEST:
            raise Refusal(
                f"a one-sided error of {alpha:.2g} from {RESAMPLES:,} resamples",
                f"{FINEST:g} or more",
                "A late attempt or a large family needs an interval in closed form.",
            )
        again = stats.bootstrap(
            (self._sample.ordered,),
            np.median,
            n_resamples=0,
            bootstrap_result=self._result,
            confidence_level=1 - 2 * alpha,
            method="BCa",
        )
        return float(again.confidence_interval.low), float(again.confidence_interval.high)

    def p_above(self, bound: float) -> float:
        return self._invert(lambda alpha: self.limits(alpha)[0] > bound)

    def p_below(self, bound: float) -> float:
        return self._invert(lambda alpha: self.limits(alpha)[1] < bound)

    @staticmethod
    def _invert(clears: Any) -> float:
        lo, hi = FINEST, 0.5
        if clears(lo):
            return lo
        if not clears(hi - 1e-6):
            return 1.0
        for _ in range(24):
            mid = (lo * hi) ** 0.5
            lo, hi = (lo, mid) if clears(mid) else (mid, hi)
        return hi


def student_mean(scores: np.ndarray[Any, np.dtype[np.float64]]) -> Student:
    """Student's t on ``[n]`` scores, for so few (training runs) that no skewness can be estimated."""
    n = len(scores)
    return Student(float(scores.mean()), float(scores.std(ddof=1) / np.sqrt(n)), n - 1)
