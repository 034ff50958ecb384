"""Jackknife over training runs: one number per run from statistics that belong to pairs of runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal


def pseudo_values(pairs: Mapping[tuple[int, int], float], n_runs: int) -> NDArray[np.float64]:
    """``[n_runs]`` Tukey's pseudo-values of the mean over all pairs; their mean is that mean.

    ``pairs`` holds one statistic per unordered pair ``(i, j)``, ``i < j``. Ten pairs of five runs are not ten
    units: a run that is unlike the others lowers four of them. Nor will the mean over the pairs of a run do as that
    run's number: its spread shows a run's influence once, while the mean over pairs carries it twice, so its
    intervals come out half as wide as they should. ``S * mean - (S - 1) * mean without the run`` carries it twice.

    Raises:
        Refusal: fewer than 3 runs, or a pair missing.
    """
    if n_runs < 3:
        raise Refusal(f"{n_runs} training runs", "at least 3", "Train more seeds.")
    wanted = {(i, j) for i in range(n_runs) for j in range(i + 1, n_runs)}
    if set(pairs) != wanted:
        raise Refusal(f"{len(pairs)} pairs of runs", f"all {len(wanted)} of {n_runs} runs", "Match every pair once.")
    matrix = np.zeros((n_runs, n_runs))
    for (i, j), value in pairs.items():
        matrix[i, j] = matrix[j, i] = value
    total, n_pairs = matrix.sum() / 2, len(wanted)
    without = (total - matrix.sum(1)) / (n_pairs - (n_runs - 1))
    return np.asarray(n_runs * total / n_pairs - (n_runs - 1) * without)
