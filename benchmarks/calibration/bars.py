"""Bars: what the rates must not exceed, and what they must reach. Fixed before any run.

Limits are 99 % Clopper-Pearson. At N = 10,000 a method that errs in exactly 2.5 % of claims clears
the false-pass bar with probability .9996, and one that errs in 3.5 % misses it with probability .995.
"""

from __future__ import annotations

from dataclasses import dataclass

from .scenario import Scenario
from .tally import Rate, Tally

FULL, SHORT = 10_000, 2_000


@dataclass(frozen=True)
class Bars:
    """Every number is a share of claims, reports or ledgers."""

    false_pass: float = 0.035
    known_limit: float = 0.05
    false_fail: float | None = 0.045
    pooled: float | None = 0.025
    family: float = 0.04
    uncorrected: float = 0.45
    """At least so many uncorrected reports must have a false pass, or the harness sees none."""
    sequential: float = 0.035

    def of(self, scenario: Scenario) -> float:
        """The scenario's bar for the upper limit of its false-pass rate."""
        return self.known_limit if scenario.known_limit else self.false_pass


def bars_for(n: int) -> Bars:
    """The bars of a full run, or those of a short one, whose limits are wide for want of claims.

    Short bars are for 2,000 claims, 500 reports and 300 ledgers: a method that errs in exactly 2.5 %
    clears each with a probability above .99.
    """
    if n >= FULL:
        return Bars()
    return Bars(false_pass=0.05, known_limit=0.07, false_fail=None, pooled=None, family=0.07, sequential=0.09)


def misses(scenario: Scenario, bound: Tally, alternative: Tally, bars: Bars) -> list[str]:
    """Why a scenario does not clear its bars; empty if it does."""
    found = []
    if bound.passed.upper > bars.of(scenario):
        found.append(f"false pass > {bars.of(scenario):.1%}")
    if bars.false_fail is not None and bound.failed.upper > bars.false_fail:
        found.append(f"false fail > {bars.false_fail:.1%}")
    degenerate = bound.degenerate + alternative.degenerate
    if degenerate:
        found.append(f"{degenerate} verdicts without an interval")
    if scenario.floor is not None and alternative.n and alternative.passed.value < scenario.floor:
        found.append(f"power < {scenario.floor:.0%}")
    return found


def flagged(scenario: Scenario, false_pass: Rate) -> bool:
    """Whether a method is surely beyond the scenario's bar: even its lower limit is above the full one."""
    return false_pass.lower > Bars().of(scenario)
