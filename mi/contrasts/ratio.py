"""Ratios: sums over clusters (FVU), and a circuit's faithfulness to its ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..pivot import ExactBinomial, Fieller, Hall, Pivot
from ..refusal import Refusal
from ..sample import Sample, as_sample
from .contrast import MIN_CLUSTERS, MIN_UNITS, Contrast, require_spread, require_units
from .difference import _check_pairing, _check_same_measure


def ratio_of_sums(
    numerator: ArrayLike,
    denominator: ArrayLike,
    clusters: Sequence[object],
    *,
    of_mean: bool | tuple[float, float] = False,
    **about: Any,
) -> Contrast:
    """``sum(numerator) / sum(denominator)``: FVU from squared errors and squared deviations from the mean.

    ``numerator`` and ``denominator`` ``[n]`` with the cluster id (document) of each in ``clusters``
    ``[n]``: one number per document, or one per token, which are summed per document first. The
    error comes from the clusters: linearised scores with Hall's t. Variance explained above v is
    the claim FVU below 1 - v.

    Raises:
        Refusal: fewer than 20 clusters, a denominator that does not sum above 0.
    """
    top = _summed(numerator, clusters, about)
    bottom = _summed(denominator, clusters, about)
    require_units(len(top), MIN_CLUSTERS, "clusters")
    total = float(bottom.values.sum())
    if total <= 0 or bottom.values.min() < 0:
        raise Refusal(
            f"a denominator that sums to {total:g}", "non-negative cluster sums above 0", "Check the arms' order."
        )
    ratio = float(top.values.sum()) / total
    scores = (top.values - ratio * bottom.values) / bottom.values.mean()
    pivot = Hall.of(scores, centre=ratio)
    require_spread(pivot.se, "cluster ratios")
    support = of_mean if isinstance(of_mean, tuple) else None
    if not of_mean and top.values.min() >= 0:
        support = (0.0, float("inf"))
    return Contrast(
        "clustered" if of_mean else "ratio",
        (top, bottom),
        pivot,
        ratio,
        "linearised-hall-t",
        len(top),
        {"clusters": len(top)},
        support,
        options={"support": list(of_mean)} if isinstance(of_mean, tuple) else {},
        limited_by="clusters",
    )


def clustered_mean(values: ArrayLike, clusters: Sequence[object], **about: Any) -> Contrast:
    """Mean over observations that come in clusters (tokens in documents), with clusters as units.

    ``values`` ``[n_observations]``, ``clusters`` ``[n_observations]`` ids. The estimate is the plain
    mean over observations; its error comes from the clusters (linearised ratio of cluster sums to
    cluster sizes, Hall's t). A binary token outcome is fine here.
    """
    observed = Sample(values, support=about.pop("support", None))
    sizes = np.ones(len(observed))
    return ratio_of_sums(observed.values, sizes, clusters, of_mean=observed.support or True, **about)


def _summed(values: ArrayLike, clusters: Sequence[object], about: Mapping[str, Any]) -> Sample:
    """One sum per cluster; the order of the rows cannot matter, not even in the last bit."""
    observed = Sample(values)
    if len(clusters) != len(observed):
        raise Refusal(f"{len(observed)} values with {len(clusters)} cluster ids", "one per value", "Pass both in full.")
    ids, index = np.unique([str(c) for c in clusters], return_inverse=True)
    order = np.lexsort((observed.values, index))
    return Sample(np.bincount(index[order], weights=observed.values[order]), [str(i) for i in ids], **about)


def ratio_difference(
    numerator_a: ArrayLike,
    denominator_a: ArrayLike,
    numerator_b: ArrayLike,
    denominator_b: ArrayLike,
    clusters: Sequence[object],
    **about: Any,
) -> Contrast:
    """Difference of two ratios of sums over the same clusters, e.g. SAE FVU minus transcoder FVU."""
    arms = tuple(_summed(x, clusters, about) for x in (numerator_a, denominator_a, numerator_b, denominator_b))
    require_units(len(arms[0]), MIN_CLUSTERS, "clusters")
    linear, estimates = [], []
    for top, bottom in (arms[:2], arms[2:]):
        if bottom.values.min() < 0 or bottom.values.sum() <= 0:
            raise Refusal("a denominator that does not sum above 0", "non-negative cluster sums", "Check the order.")
        ratio = float(top.values.sum() / bottom.values.sum())
        estimates.append(ratio)
        linear.append((top.values - ratio * bottom.values) / bottom.values.mean())
    estimate = estimates[0] - estimates[1]
    pivot = Hall.of(linear[0] - linear[1], centre=estimate)
    require_spread(pivot.se, "differences of cluster ratios")
    n = len(arms[0])
    return Contrast(
        "ratio-difference", arms, pivot, estimate, "linearised-hall-t", n, {"clusters": n}, limited_by="clusters"
    )


def faithfulness(
    circuit: Sample | ArrayLike,
    ceiling: Sample | ArrayLike,
    units: Sequence[object] | None = None,
    *,
    chance: float,
) -> Contrast:
    """``(circuit - chance) / (ceiling - chance)`` over the same examples.

    ``chance`` is the score of a circuit that knows nothing (.5 for two balanced classes); with
    ``chance=0`` the ratio has a floor far above 0 and random circuits look faithful. Judged through
    the contrast ``circuit - r * ceiling`` (one discordant pair of each kind added for outcomes,
    Hall's t), so its limits are those ``r`` that the data do not reject.

    Raises:
        Refusal: ids that do not match, identical arms, fewer than 10 examples, a ceiling not clearly above chance.
    """
    circuit, ceiling = as_sample(circuit, units), as_sample(ceiling, units)
    _check_pairing(circuit, ceiling)
    _check_same_measure(circuit, ceiling)
    n = len(circuit)
    require_units(n, MIN_UNITS, "examples")
    lo, hi = ceiling.support or (-np.inf, np.inf)
    if not (np.isfinite(chance) and lo <= chance < hi):
        raise Refusal(
            f"chance={chance}", f"a score between {lo:g} and {hi:g}", "Pass that of a circuit that knows nothing."
        )
    top, bottom = circuit.values - chance, ceiling.values - chance
    binary = circuit.binary and ceiling.binary

    def pivot_of(circuit_scores: Any) -> Fieller:
        if not binary:
            return Fieller(circuit_scores, bottom)
        # One right-wrong and one wrong-right pair: keeps the error above 0 when errors are nested.
        return Fieller(
            np.concatenate([circuit_scores, [1 - chance, -chance]]), np.concatenate([bottom, [-chance, 1 - chance]])
        )

    if ceiling.binary:  # exact: Hall's t levels off far from a skewed mean
        ceiling_p = ExactBinomial(int(ceiling.values.sum()), n).p_above(chance)
    else:
        above_chance = Hall.of(bottom)
        ceiling_p = above_chance.p_above(0.0) if above_chance.se > 0 else 0.0
    if bottom.mean() <= 0 or ceiling_p > 1e-3:
        raise Refusal(
            f"a ceiling of {bottom.mean() + chance:.3f} against chance {chance:g}",
            "a ceiling clearly above chance (p < .001)",
            "There is nothing to be faithful to: fix the probe or add examples.",
        )
    pivot = pivot_of(top)
    require_spread(pivot.se, "contrasts of circuit and ceiling")

    def best(high: bool) -> Pivot:
        return pivot_of(np.full(n, (1.0 if high else 0.0) - chance))

    return Contrast(
        "faithfulness",
        (circuit, ceiling),
        pivot,
        float(top.mean() / bottom.mean()),
        "contrast-hall-t",
        n,
        {"examples": n},
        options={"chance": chance},
        extra={"ceiling": float(ceiling.values.mean()), "circuit": float(circuit.values.mean())},
        best_case=best if binary else None,
    )


def monte_carlo_rank_p(value: float, others: ArrayLike) -> float:
    """``(1 + #{others >= value}) / (R + 1)``, the exact rank p of one among R exchangeable draws."""
    others = np.asarray(others)
    return float((1 + (others >= value).sum()) / (len(others) + 1))
