"""Counts of cosines in fixed bins, so that a histogram can be drawn where the cosines themselves are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BINS_PER_SIDE = 50
EDGES = tuple(k / BINS_PER_SIDE for k in range(-BINS_PER_SIDE, BINS_PER_SIDE + 1))
"""-1 to 1 in steps of .02. Thresholds at multiples of .02 are edges, to the last bit: counts give exact shares."""


def cosine_counts(cosines: NDArray[np.float64]) -> list[int]:
    """How many of ``cosines`` ``[n]`` lie in each bin of :data:`EDGES`: 100 numbers with the sum ``n``.

    A bin has its lower edge, the last one both. What rounding puts beyond -1 or 1 is counted at the end.
    """
    return [int(n) for n in np.histogram(np.clip(cosines, -1.0, 1.0), np.array(EDGES))[0]]


def write_cosine_counts(path: Path, sets: Mapping[str, NDArray[np.float64]]) -> None:
    """Write ``{"edges": [101], "counts": {name: [100]}}`` as JSON; the same bytes for the same cosines."""
    found = {"edges": list(EDGES), "counts": {name: cosine_counts(values) for name, values in sets.items()}}
    path.write_text(json.dumps(found) + "\n", "utf-8")
