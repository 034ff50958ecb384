"""Headroom: whether a baseline leaves room for steering to show, before anything is steered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOM = (0.1, 0.9)


class Headroom(NamedTuple):
    """What the scan of candidate prompts found.

    Attributes:
        chosen: the candidate whose baseline lies nearest one half.
        reasons: why nothing can be measured from there; empty if it can.
        scan: per candidate ``rate, lo, hi, n``.
    """

    chosen: str
    reasons: list[str]
    scan: dict[str, dict[str, Any]]


def scan_prompts(baseline: Mapping[str, NDArray[np.int64]]) -> Headroom:
    """Choose a candidate by its unsteered outcomes ``[n]``, 0 or 1.

    The chosen one's exact 95 % interval (Clopper-Pearson) has to lie within .1 and .9.
    """
    from scipy.stats import binomtest

    scan = {}
    for name, outcomes in baseline.items():
        limits = binomtest(int(outcomes.sum()), len(outcomes)).proportion_ci(0.95, "exact")
        scan[name] = {
            "rate": float(outcomes.mean()),
            "lo": float(limits.low),
            "hi": float(limits.high),
            "n": len(outcomes),
        }
    chosen = min(scan, key=lambda name: abs(scan[name]["rate"] - 0.5))
    best = scan[chosen]
    reasons = []
    if not (ROOM[0] <= best["lo"] and best["hi"] <= ROOM[1]):
        reasons.append(
            f"no headroom: of {len(scan)} candidate prompts the one nearest one half is {chosen!r} with a baseline of "
            f"{best['rate']:.3f} [{best['lo']:.3f}, {best['hi']:.3f}], which does not lie within {ROOM[0]} and {ROOM[1]}"
        )
    return Headroom(chosen, reasons, scan)
