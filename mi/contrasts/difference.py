"""Two arms: paired by unit id, or independent."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ..pivot import Hall, Pivot, Student
from ..refusal import Refusal
from ..sample import Sample, as_sample
from .contrast import MIN_UNITS, Contrast, require_spread, require_units
from .mean import outcomes

Z_95 = float(stats.norm.isf(0.025))


def paired(a: Sample | ArrayLike, b: Sample | ArrayLike, units: Sequence[object] | None = None) -> Contrast:
    """Mean difference ``a - b`` over the same units, matched by id.

    Scores: Hall's t on the differences. Outcomes: Bonett and Price's (2012) Laplace-adjusted
    interval, which is never degenerate, with the exact McNemar p beside it. Plain arrays need
    ``units``, one id list for both.

    Raises:
        Refusal: ids missing, not matching or identical arms; fewer than 10 pairs; equal differences;
            outcomes in one arm and scores in the other.
    """
    a, b = as_sample(a, units), as_sample(b, units)
    _check_pairing(a, b)
    _check_same_measure(a, b)
    n = len(a)
    require_units(n, MIN_UNITS, "paired units")
    support = _difference_support(a, b)
    if a.binary and b.binary:
        only_a = int(((a.values == 1) & (b.values == 0)).sum())
        only_b = int(((a.values == 0) & (b.values == 1)).sum())
        successes_b = int(b.values.sum())

        def best(high: bool) -> Pivot:
            return bonett_price(n - successes_b, 0, n) if high else bonett_price(0, successes_b, n)

        discordant = only_a + only_b
        mcnemar = stats.binomtest(only_a, discordant).pvalue if discordant else 1.0
        return Contrast(
            "paired",
            (a, b),
            bonett_price(only_a, only_b, n),
            (only_a - only_b) / n,
            "bonett-price",
            n,
            {"pairs": n, "only_a": only_a, "only_b": only_b},
            support,
            extra={"mcnemar_p": float(mcnemar)},
            reach=_reach(n, n, int(a.values.sum()) + successes_b),
            best_case=best,
        )
    pivot = Hall.of(a.values - b.values)
    require_spread(pivot.se, "differences", float(np.abs([a.values, b.values]).max()))
    return Contrast("paired", (a, b), pivot, pivot.centre, "hall-t", n, {"pairs": n}, support)


def unpaired(a: Sample | ArrayLike, b: Sample | ArrayLike) -> Contrast:
    """Mean difference ``a - b`` between independent units.

    Scores: Welch's t. Outcomes: Agresti and Caffo's (2000) interval. If the units are the same in
    both arms this throws their pairing away, and is refused.
    """
    a, b = as_sample(a), as_sample(b)
    if a.units and set(a.units) & set(b.units):
        shared = len(set(a.units) & set(b.units))
        raise Refusal(
            f"{shared} unit ids that occur in both arms of an unpaired difference",
            "independent units",
            "Pair them (a - b), or give different units different ids.",
        )
    _check_same_measure(a, b)
    n_a, n_b = len(a), len(b)
    require_units(min(n_a, n_b), MIN_UNITS, "units in the smaller arm")
    counts = {"a": n_a, "b": n_b}
    support = _difference_support(a, b)
    if a.binary and b.binary:
        k_a, k_b = int(a.values.sum()), int(b.values.sum())

        def best(high: bool) -> Pivot:
            return agresti_caffo(n_a if high else 0, n_a, k_b, n_b)

        pivot: Pivot = agresti_caffo(k_a, n_a, k_b, n_b)
        return Contrast(
            "unpaired",
            (a, b),
            pivot,
            k_a / n_a - k_b / n_b,
            "agresti-caffo",
            n_a + n_b,
            counts,
            support,
            reach=_reach(n_a, n_b, k_a + k_b),
            extra={"fisher_p": float(stats.fisher_exact([[k_a, n_a - k_a], [k_b, n_b - k_b]]).pvalue)},
            best_case=best,
        )
    pivot = welch(a.ordered, b.ordered)
    return Contrast("unpaired", (a, b), pivot, pivot.centre, "welch-t", n_a + n_b, counts, support)


def two_proportions(successes_a: int, n_a: int, successes_b: int, n_b: int, **about: Any) -> Contrast:
    """Difference of two independent proportions from counts, for published tables.

    ``about`` goes to both arms; where their ``params`` differ, build them with ``outcomes`` and use ``unpaired``.
    """
    return unpaired(outcomes(successes_a, n_a, **about), outcomes(successes_b, n_b, **about))


def unpaired_summary(
    mean_a: float, sd_a: float, n_a: int, mean_b: float, sd_b: float, n_b: int, **about: Any
) -> Contrast:
    """Welch's t from published means, standard deviations and counts.

    For reports that keep no per-unit scores. Rows carry ``calibration: from summary``: nobody can
    check the units behind them. ``planned`` in ``about`` is the planned number of units per arm.
    """
    summary = [mean_a, sd_a, float(n_a), mean_b, sd_b, float(n_b)]
    planned = about.pop("planned", None)
    if any(int(n) != n for n in (n_a, n_b) if np.isfinite(n)):
        raise Refusal(f"{n_a} and {n_b} units", "whole numbers", "Check the table.")
    if not np.isfinite(summary).all():
        raise Refusal(f"a summary with NaN or infinite numbers: {summary}", "finite numbers", "Check the table.")
    require_units(min(n_a, n_b), MIN_UNITS, "units in the smaller arm")
    if not (sd_a > 0 and sd_b > 0):
        raise Refusal(f"standard deviations {sd_a:g} and {sd_b:g}", "both above 0", "Check the table.")
    v_a, v_b = sd_a**2 / n_a, sd_b**2 / n_b
    df = (v_a + v_b) ** 2 / (v_a**2 / (n_a - 1) + v_b**2 / (n_b - 1))
    return Contrast(
        "unpaired-summary",
        # The six numbers stand in for the scores, which nobody published.
        (Sample(summary, ["1 mean a", "2 sd a", "3 n a", "4 mean b", "5 sd b", "6 n b"], **about),),
        Student(mean_a - mean_b, sqrt(v_a + v_b), df),
        mean_a - mean_b,
        "welch-t",
        n_a + n_b,
        {"a": n_a, "b": n_b},
        options={} if planned is None else {"planned": planned},
        calibration="from summary",
        excluded=(1 - n_a / planned, 1 - n_b / planned) if planned else (),
    )


def bonett_price(only_a: int, only_b: int, n: int) -> Student:
    """Paired proportions from the two discordant counts (Bonett and Price 2012, eq. 3)."""
    p_a, p_b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    return Student(p_a - p_b, sqrt((p_a + p_b - (p_a - p_b) ** 2) / (n + 2)))


def agresti_caffo(k_a: int, n_a: int, k_b: int, n_b: int) -> Student:
    """Agresti-Caffo centre and error, read back from statsmodels' interval (a normal one)."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    lo, hi = confint_proportions_2indep(k_a, n_a, k_b, n_b, method="agresti-caffo", compare="diff")
    return Student(float(lo + hi) / 2, float(hi - lo) / 2 / Z_95)


def welch(a: NDArray[np.float64], b: NDArray[np.float64]) -> Student:
    """Welch's t on two arrays of independent scores."""
    v_a, v_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    require_spread(sqrt(v_a + v_b), "scores within both arms", float(max(np.abs(a).max(), np.abs(b).max())))
    df = (v_a + v_b) ** 2 / (v_a**2 / (len(a) - 1) + v_b**2 / (len(b) - 1))
    return Student(float(a.mean() - b.mean()), sqrt(float(v_a + v_b)), float(df))


def _check_pairing(a: Sample, b: Sample) -> None:
    if not a.units or not b.units:
        raise Refusal(
            "a paired difference of samples without unit ids",
            "ids to pair by; position is not evidence of a pair",
            "Pass units= to both samples, or use unpaired(a, b) if the units are independent.",
        )
    if a.units != b.units:
        only_a, only_b = sorted(set(a.units) - set(b.units)), sorted(set(b.units) - set(a.units))
        example = (only_a or only_b)[0]
        raise Refusal(
            f"units that do not match ({len(only_a)} only in the first, {len(only_b)} only in the second, "
            f"e.g. {example!r})",
            "the same unit ids in both arms",
            "Score the same units in both arms; if they are independent, use unpaired(a, b).",
        )


def _check_same_measure(a: Sample, b: Sample) -> None:
    mixed = [s for s in (a, b) if s.binary] if a.binary != b.binary else []
    if mixed and np.ptp(mixed[0].values) > 0:  # all 0 may be scores, of a latent that never fires
        raise Refusal(
            "0/1 outcomes in one arm and scores in the other",
            "the same quantity in both",
            "Compare outcomes with outcomes, or scores with scores.",
        )
    for name in ("quantity", "unit"):
        left, right = getattr(a, name), getattr(b, name)
        if left and right and left != right:
            raise Refusal(f"{name} {left!r} against {right!r}", f"the same {name} in both arms", "Check the arms.")
    check_not_identical(a, b)
    _check_same_scale(a, b)
    if a.sources and a.params and a.sources == b.sources and a.params == b.params:
        raise Refusal(
            f"two arms measured under the same conditions {dict(a.params)}",
            "arms that differ in what they compare",
            "A difference between a condition and itself is 0 by construction.",
        )


def _check_same_scale(a: Sample, b: Sample) -> None:
    """Percentages against fractions, say."""
    for one, other in ((a, b), (b, a)):
        if one.support is None or one.support == other.support or one.binary != other.binary:
            continue
        lo, hi = one.support
        if other.support is not None or other.values.min() < lo or other.values.max() > hi:
            raise Refusal(
                f"one arm between {lo:g} and {hi:g}, the other with values from {other.values.min():g} to {other.values.max():g}",
                "the same scale in both arms",
                "Convert percentages, or declare the same support= for both.",
            )


def _reach(n_a: int, n_b: int, successes: int) -> tuple[float, float]:
    """Least and largest ``a - b`` with so many successes in all; near floor and ceiling there is little room."""
    a_most, b_most = min(successes, n_a), min(successes, n_b)
    return (successes - b_most) / n_a - b_most / n_b, a_most / n_a - (successes - a_most) / n_b


def check_not_identical(a: Sample, b: Sample) -> None:
    """Refuse two arms with the same scores for every unit that nothing but their names tells apart.

    Outcomes may agree on every unit when params or sources say that they were measured on two things.
    """
    same_ids = bool(a.units) and a.units == b.units
    if not (same_ids or not a.binary) or not np.array_equal(np.sort(a.values), np.sort(b.values)):
        return  # equal counts of outcomes are no surprise, equal scores in every digit are
    if same_ids and not np.array_equal(a.values, b.values):
        return
    if a.binary and (a.params, a.sources) != (b.params, b.sources):
        return
    raise Refusal(
        "two arms with identical scores for every unit",
        "two measurements",
        "Check that both arms are not the same artifact, or the same file read twice; two different artifacts that "
        "agree on every outcome are told apart by sources= or params=.",
    )


def _difference_support(a: Sample, b: Sample) -> tuple[float, float] | None:
    if a.support is None or b.support is None:
        return None
    return a.support[0] - b.support[1], a.support[1] - b.support[0]
