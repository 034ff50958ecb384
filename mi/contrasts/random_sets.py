"""One feature set against random sets: crossed intervals over examples and sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from ..pivot import Student
from ..refusal import Refusal
from ..sample import Sample, as_sample
from .contrast import MIN_SETS, MIN_UNITS, Contrast, require_spread, require_units
from .difference import _check_same_measure, _difference_support, bonett_price, paired
from .ratio import monte_carlo_rank_p


def against_random_sets(
    circuit: Sample | ArrayLike,
    random_sets: Iterable[Sample | ArrayLike],
    units: Sequence[object] | None = None,
) -> Contrast:
    """Mean score of one feature set minus the average random set's, same examples for all.

    ``circuit`` ``[n_examples]``; ``random_sets`` ``[n_sets, n_examples]`` or one Sample per set.
    Examples and sets both vary, so the variance is two-way, ``v_examples + v_sets - v_interaction``
    floored at the larger of the first two, with Satterthwaite's degrees of freedom. The Monte Carlo
    rank p among the sets stands beside it: it compares with a *typical* random set, the interval
    with the *average* one.

    Raises:
        Refusal: fewer than 20 sets (one random draw proves nothing), fewer than 10 examples.
    """
    circuit = as_sample(circuit, units)
    sets = [s if isinstance(s, Sample) else Sample(s, units) for s in random_sets]
    if len(sets) < MIN_SETS:
        raise Refusal(
            f"{len(sets)} random set{'s' * (len(sets) != 1)}",
            f"at least {MIN_SETS} (100 for a rank p)",
            "Random sets differ by more than their sampling error: draw more, or claim against this one set "
            "with paired(), or use against_one_set() with a known between-set spread.",
        )
    for s in sets:
        if not circuit.units or s.units != circuit.units:
            raise Refusal("random sets scored on other examples", "the circuit's unit ids in each", "Pass units=.")
        _check_same_measure(circuit, s)
    different = len({(s.digest, s.sources, repr(s.params)) for s in sets})
    if different < len(sets):
        raise Refusal(
            f"{len(sets)} random sets of which {different} differ",
            "sets that were each drawn anew",
            "Copies of a set shrink the interval and say nothing; sets that only score alike are told apart by "
            "sources= or params= (their draw).",
        )
    n, r = len(circuit), len(sets)
    require_units(n, MIN_UNITS, "examples")
    d = circuit.values[None, :] - np.stack([s.values for s in sets])  # [n_sets, n_examples]
    by_example, by_set = d.mean(axis=0), d.mean(axis=1)
    v_examples = float(by_example.var(ddof=1)) / n
    v_sets = float(by_set.var(ddof=1)) / r
    residual = d - by_example[None, :] - by_set[:, None] + d.mean()
    v_interaction = float((residual**2).sum()) / ((n - 1) * (r - 1)) / (n * r)
    v = max(v_examples + v_sets - v_interaction, v_examples, v_sets)
    require_spread(sqrt(v), "differences from the random sets", float(np.abs(d).max()))
    df = v**2 / (v_examples**2 / (n - 1) + v_sets**2 / (r - 1))
    return Contrast(
        "random-sets",
        (circuit, *sets),
        Student(float(d.mean()), sqrt(v), df),
        float(d.mean()),
        "two-way-satterthwaite",
        n,
        {"examples": n, "sets": r},
        _difference_support(circuit, sets[0]),
        limited_by="sets" if v_sets > v_examples else "examples",
        extra={
            "rank_p": monte_carlo_rank_p(float(circuit.values.mean()), [s.values.mean() for s in sets]),
            "between_set_sd": sqrt(max(v_sets * r - v_interaction * r, 0.0)),
        },
    )


def against_one_set(
    circuit: Sample | ArrayLike,
    random_set: Sample | ArrayLike,
    units: Sequence[object] | None = None,
    *,
    between_set_sd: float,
    between_set_df: int,
) -> Contrast:
    """One feature set minus the average random set, when only one random set was ever drawn.

    The spread between sets cannot be seen in one draw; it is brought from outside
    (``between_set_sd`` with its ``between_set_df`` degrees of freedom) and added to the paired
    variance, with Satterthwaite's degrees of freedom. A sensitivity analysis: rows carry
    ``calibration: borrowed spread``.
    """
    pair = paired(circuit, random_set, units)
    if not (np.isfinite(between_set_sd) and between_set_sd > 0 and between_set_df >= 1):
        raise Refusal(
            f"between_set_sd={between_set_sd}, between_set_df={between_set_df}",
            "a spread above 0 with at least 1 degree of freedom",
            "Estimate it from published random sets.",
        )
    v_pair, v_set = pair.pivot.se**2, between_set_sd**2
    df = (v_pair + v_set) ** 2 / (v_pair**2 / (pair.n - 1) + v_set**2 / between_set_df)
    centre = pair.estimate
    if pair.method == "bonett-price":
        centre = bonett_price(pair.counts["only_a"], pair.counts["only_b"], pair.n).centre
    return Contrast(
        "one-set",
        pair.arms,
        Student(centre, sqrt(v_pair + v_set), df),
        pair.estimate,
        "paired+between-set-t",
        pair.n,
        {"examples": pair.n, "sets": 1},
        pair.support,
        options={"between_set_sd": between_set_sd, "between_set_df": between_set_df},
        calibration="borrowed spread",
        limited_by="sets" if v_set > v_pair else "examples",
        extra=pair.extra,
    )
