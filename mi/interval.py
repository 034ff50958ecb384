"""An estimate with its confidence limits."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A two-sided confidence interval; each side errs with probability ``(1 - level) / 2``."""

    estimate: float
    lo: float
    hi: float
    level: float
    n: int
    method: str
