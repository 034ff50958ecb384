"""The percentile bootstrap, for many claims of one shape at once. Used by the negative controls only.

Claims of a block share their resampling weights: drawing weights is the cost, and claims stay
independent given them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TAIL = 2.5
"""Percent beyond each limit."""


def weights(rng: np.random.Generator, n: int, resamples: int) -> NDArray[np.float32]:
    """``[resamples, n]`` how often each unit is drawn, divided by ``n``."""
    drawn = rng.integers(0, n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=n * resamples).reshape(resamples, n)
    return (counts / n).astype(np.float32)


def resampled_means(scores: NDArray[np.float64], by: NDArray[np.float32]) -> NDArray[np.float64]:
    """``[resamples, claims]`` means of ``scores`` ``[claims, n]``."""
    centre = scores.mean(axis=1)  # single precision is enough once the mean is out of the way
    return np.asarray(by @ (scores - centre[:, None]).T.astype(np.float32) + centre, dtype=float)


def limits(resampled: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper percentile limits ``[claims]`` of ``resampled`` ``[resamples, claims]``."""
    lo, hi = np.percentile(resampled, [TAIL, 100 - TAIL], axis=0)
    return lo, hi
