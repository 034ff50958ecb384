"""Intervals of single points, by the contrast that would judge a claim about them. Loads numpy when first called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..home import sibling
from ..ruling import Ruling
from ..text import number

LEVEL = 0.95


class Point(NamedTuple):
    """An estimate with its limits; None where there is none to be had, and why."""

    value: float | None
    lo: float | None = None
    hi: float | None = None
    level: float | None = None
    source: str = ""
    """The row that the interval is from, or the method by which it was computed here."""
    why_not: str = ""

    @property
    def cells(self) -> tuple[float | None, float | None, float | None, float | None, str, str]:
        """As cells of a table, under :data:`COLUMNS`."""
        return self.value, self.lo, self.hi, self.level, self.source, self.why_not

    @property
    def words(self) -> str:
        """``+0.840 [+0.808, +0.868]``, or why there is no number."""
        if self.value is None:
            return self.why_not
        if self.lo is None or self.hi is None:
            return number(self.value)
        spread = self.hi - self.lo
        return f"{number(self.value, spread)} [{number(self.lo, spread)}, {number(self.hi, spread)}]"


COLUMNS = ("estimate", "lo", "hi", "level", "interval from", "why not")


def of_row(ruling: Ruling) -> Point:
    """As the row was judged, at its own level."""
    row = ruling.row
    return Point(row["estimate"], row["lo"], row["hi"], row["level"], str(row["claim"]))


def of_mean(values: Sequence[float]) -> Point:
    """The mean of independent units."""
    return _judged(sum(values) / len(values), lambda c: c.mean(values))


def of_ratio(top: Sequence[float], bottom: Sequence[float], units: Sequence[str]) -> Point:
    """The ratio of two sums over documents."""
    return _judged(sum(top) / sum(bottom), lambda c: c.ratio_of_sums(top, bottom, units))


def of_share(part: Sequence[float], whole: Sequence[float], chance: float) -> Point:
    """How much of ``whole`` above ``chance`` is in ``part``, unit by unit; no number where whole is not above chance."""
    units = [str(i) for i in range(len(part))]
    if list(part) == list(whole):
        return Point(1.0, why_not="no interval: the same answers, one by one")
    return _judged(None, lambda c: c.faithfulness(part, whole, units, chance=chance))


def of_runs(values: Sequence[float]) -> Point:
    """The mean over training runs, one number each."""
    runs = [str(i) for i in range(len(values))]
    return _judged(sum(values) / len(values), lambda c: c.over_runs(c.Sample(values, runs, unit="run")))


def _judged(value: float | None, contrast: Callable[[Any], Any]) -> Point:
    claimable = sibling("mi.claimable")
    try:
        made = contrast(claimable)
        found = made.interval(LEVEL)
    except claimable.Refusal as refusal:
        none = "no interval" if value is not None else "cannot be measured"
        return Point(value, why_not=f"{none}: {refusal.given}")
    return Point(made.estimate, found.lo, found.hi, LEVEL, made.method)
