"""Training runs as units: the only basis for a claim about a method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..refusal import Refusal
from ..sample import Sample
from .contrast import MIN_RUNS, Contrast, require_spread
from .difference import _check_same_measure, _difference_support, welch
from .mean import student_mean

RUN_UNITS = frozenset({"run", "runs", "seed", "seeds"})
Runs = Mapping[object, ArrayLike] | Sample


def over_runs(a: Runs, b: Runs | None = None, **about: object) -> Contrast:
    """Difference of methods ``a - b`` (or method ``a`` against a bound), with training runs as units.

    ``a`` and ``b`` map a run id (the seed) to that run's unit scores, or are samples with one mean
    per run. More latents per run do not help: runs differ. Paired by run id where the ids match
    (t on the differences), Welch's t on the run means otherwise.

    Raises:
        Refusal: fewer than 3 runs in an arm, identical arms, run means without spread.
    """
    first = _run_means(a, about)
    _require_different(a)
    arms: tuple[Sample, ...] = (first,)
    _require_runs(len(first))
    counts = {"runs": len(first)}
    if b is None:
        pivot = student_mean(first.ordered)
        method, support = "t-on-run-means", first.support
    else:
        second = _run_means(b, about)
        _require_runs(len(second))
        _check_same_measure(first, second)
        arms, support = (first, second), _difference_support(first, second)
        if first.units and first.units == second.units:
            pivot, method = student_mean(first.values - second.values), "paired-t-on-run-means"
        elif set(first.units) & set(second.units):
            raise Refusal(
                "run ids that match only in part",
                "the same seeds in both arms, or no seed in common",
                "Train the missing runs, or name independent runs apart.",
            )
        else:
            pivot, method = welch(first.ordered, second.ordered), "welch-t-on-run-means"
            counts = {"a": len(first), "b": len(second)}
    require_spread(pivot.se, "run means", max(float(np.abs(arm.values).max()) for arm in arms))
    return Contrast(
        "runs",
        arms,
        pivot,
        pivot.centre,
        method,
        sum(counts.values()),
        counts,
        support,
        scope="method",
        limited_by="runs",
    )


def _run_means(runs: Runs, about: Mapping[str, object]) -> Sample:
    if isinstance(runs, Sample):
        words = (runs.unit or "").split()
        if not words or words[-1].casefold() not in RUN_UNITS:
            raise Refusal(
                f"a sample with unit={runs.unit!r} as training runs",
                "one mean per training run, unit='run' or 'seed'",
                "Pass {run: scores}, or a Sample(means, runs, unit='run').",
            )
        return runs
    means = [Sample(scores).ordered.mean() for scores in runs.values()]
    return Sample(np.array(means), list(runs), **about)  # type: ignore[arg-type]


def _require_different(runs: Runs) -> None:
    """A run read twice counts twice. A baseline that ignores the seed may repeat; what is claimed about may not."""
    if isinstance(runs, Sample):
        return
    digests = [s.digest for s in map(Sample, runs.values()) if np.ptp(s.values) > 0]
    if len(set(digests)) < len(digests):
        raise Refusal("runs with identical scores", "runs that were trained apart", "Check that no run was read twice.")


def _require_runs(n: int) -> None:
    if n < MIN_RUNS:
        raise Refusal(
            f"{n} training run{'s' * (n != 1)} in an arm",
            f"at least {MIN_RUNS} per arm",
            "Train more seeds, or claim about this artifact only (scope: artifact).",
        )
