"""Probe: logistic regression on all columns, on the best k of them, or on a given set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal
from .split import FitSet

C = 0.5  # inverse strength of the L2 penalty; the source project's


@dataclass(frozen=True)
class FittedProbe:
    """What :func:`fit` found.

    Attributes:
        columns: ``[k]`` which columns it reads.
        fitted_on: hashes of the texts behind every choice in it.
    """

    columns: NDArray[np.int64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    model: Any
    fitted_on: frozenset[str]

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """``[n, d]`` to ``[n]`` 0 or 1."""
        found: NDArray[np.int64] = self.model.predict((x[:, self.columns] - self.centre) / self.scale)
        return found


def mean_differences(data: FitSet) -> NDArray[np.float64]:
    """``[d]`` mean of each column over class 1 minus over class 0: the attribution by which columns are ranked."""
    x = data.x.astype(np.float64)
    difference: NDArray[np.float64] = x[data.y == 1].mean(0) - x[data.y == 0].mean(0)
    return difference


def top_columns(data: FitSet, k: int) -> NDArray[np.int64]:
    """``[k]`` the columns with the largest absolute difference of class means, largest first (SAEBench's choice).

    Raises:
        Refusal: not a :class:`FitSet`, or more columns than there are.
    """
    if not isinstance(data, FitSet):
        raise Refusal(f"columns chosen on {type(data).__name__}", "a FitSet", "Choose on training rows only.")
    if not 0 < k <= data.x.shape[1]:
        raise Refusal(f"k={k}", f"1 to {data.x.shape[1]}", "Ask for fewer.")
    return np.argsort(-np.abs(mean_differences(data)), kind="stable")[:k]


def fit(data: FitSet, *, k: int | None = None, columns: Sequence[int] | NDArray[np.int64] | None = None) -> FittedProbe:
    """L2-regularised logistic regression (scikit-learn) on standardised columns.

    Args:
        data: training rows; scaling, choice of columns and weights come from them alone.
        k: the best so many columns by difference of class means; None for all.
        columns: these instead.

    Raises:
        Refusal: ``k`` and ``columns`` both, or rows that are not a :class:`FitSet`.
    """
    from sklearn.linear_model import LogisticRegression

    if not isinstance(data, FitSet) or (k is not None and columns is not None):
        raise Refusal(
            f"a probe on {type(data).__name__} with k={k} and {'' if columns is None else 'given '}columns",
            "a FitSet, and either k or columns",
            "Fit on training rows.",
        )
    read = np.arange(data.x.shape[1]) if k is None else top_columns(data, k)
    read = read if columns is None else np.asarray(columns, dtype=np.int64)
    x = data.x[:, read].astype(np.float64)
    centre, spread = x.mean(0), x.std(0)
    scale = np.where(spread > 0, spread, 1.0)
    model = LogisticRegression(C=C, max_iter=1000).fit((x - centre) / scale, data.y)
    return FittedProbe(read, centre, scale, model, frozenset(data.hashes))
