"""The decision rule, stated once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Literal, Protocol, get_args

from .errors import LedgerError

Rule = Literal["above", "below", "within"]
RULES: tuple[Rule, ...] = get_args(Rule)
SIGN = {"above": ">", "below": "<", "within": "within ±"}


class Verdict(StrEnum):
    """What the evidence says of a claim."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Tested(Protocol):
    """One-sided p-values against any bound."""

    def p_above(self, bound: float) -> float: ...
    def p_below(self, bound: float) -> float: ...


@dataclass(frozen=True)
class Bound:
    """``above`` b, ``below`` b (superiority; non-inferiority is above minus the margin) or ``within`` ±b."""

    rule: Rule
    value: float

    def __post_init__(self) -> None:
        if not isfinite(self.value):
            raise LedgerError(f"a bound of {self.value}: expected a finite number")
        if self.rule == "within" and self.value <= 0:
            raise LedgerError(f"within={self.value:g}: an equivalence margin must be above 0")

    def __str__(self) -> str:
        gap = "" if self.rule == "within" else " "
        return f"{SIGN[self.rule]}{gap}{self.value:g}"

    @property
    def kind(self) -> str:
        return "equivalence" if self.rule == "within" else "superiority"

    def decide(self, lo: float, hi: float) -> Verdict:
        """The verdict of one interval. Both a pass and a fail need evidence.

        Raises:
            LedgerError: limits that are not finite or not ordered; NaN compares false with
                everything and would read as inconclusive.
        """
        if not (isfinite(lo) and isfinite(hi) and lo < hi):
            raise LedgerError(f"an interval [{lo}, {hi}]: expected finite limits with lo < hi")
        b = self.value
        match self.rule:
            case "above":
                passed, failed = lo > b, hi < b
            case "below":
                passed, failed = hi < b, lo > b
            case "within":
                passed, failed = -b < lo and hi < b, lo > b or hi < -b
        return Verdict.PASS if passed else Verdict.FAIL if failed else Verdict.INCONCLUSIVE

    def p_values(self, tested: Tested) -> tuple[float, float]:
        """One-sided p against "does not hold" and against "does not fail"."""
        b = self.value
        match self.rule:
            case "above":
                return tested.p_above(b), tested.p_below(b)
            case "below":
                return tested.p_below(b), tested.p_above(b)
            case "within":
                return (
                    max(tested.p_above(-b), tested.p_below(b)),
                    min(tested.p_above(b), tested.p_below(-b)),
                )

    def distance(self, estimate: float) -> float:
        """How far the estimate lies from the bound (from the nearer margin for an equivalence)."""
        return abs(abs(estimate) - self.value) if self.rule == "within" else abs(estimate - self.value)
