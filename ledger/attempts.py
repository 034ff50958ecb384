"""Attempts: how often a claim has been put to new data, and what error each look may still spend."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi


def alpha_of_attempt(alpha: float, k: int, looks: str) -> float:
    """One-sided error that attempt ``k`` (from 1) may spend.

    ``open``: ``alpha * 6 / (pi * k)**2``, which sums to ``alpha`` over any number of attempts, so data
    may be added until a claim is decided. ``one``: all of it on the first look, nothing later.
    """
    if looks == "one":
        return alpha
    return alpha * 6 / (pi * k) ** 2


@dataclass(frozen=True)
class Attempt:
    """One look at data for one cell of a claim."""

    number: int
    replay: bool = False
    """The ledger has a verdict on exactly this data: nothing is spent."""
    first_run: str | None = None
    """The run that spent the first look."""
    changed: dict[str, tuple[object, object]] | None = None
    """Promised fields that differ from what a run promised on this claim: {key: (then, now)}."""
    changed_in: str | None = None
    changed_recorded: bool = False
    """The differing promise stands in a recorded (committed) run."""
    seen_before: tuple[str, str] | None = None
    """A superseded claim that was judged on exactly this data, and its run."""


FIRST = Attempt(1)
