"""Court: claims about a scene, judged as any claim is, so that a flipped verdict is one that a user would have got."""

from __future__ import annotations

from collections.abc import Callable

from ledger.assess import assess
from ledger.claim import Claim
from ledger.verdict import Bound, Rule
from mi.claimable import Contrast, Refusal, ratio_of_sums
from mi.unit_table import UnitTable

from .number import Number

UNJUDGED = "refused"


def verdict(contrast: Contrast, rule: Rule, bound: float, scope: str = "artifact") -> str:
    """``pass``, ``fail``, ``inconclusive`` or ``refused``."""
    claim = Claim(
        id="silent-bugs.claim",
        report="silent-bugs",
        statement="",
        quantity=contrast.quantity or "score",
        unit=contrast.unit or "document",
        design=contrast.design,
        bound=Bound(rule, bound),
        subject="tiny",
        scope=scope,
    )
    try:
        found = assess(claim, contrast).verdict
    except ValueError as error:
        if getattr(error, "refused", False):
            return UNJUDGED
        raise
    return UNJUDGED if found is None else str(found)


def ratio(table: UnitTable, above: str, below: str, lowest: float = 0.0, slack: float = 0.05) -> Number:
    """A ratio of column sums over documents; the same ratio in every document gets the interval ± ``slack``."""
    top, bottom = table.column(above), table.column(below)
    try:
        return number(ratio_of_sums(top, bottom, table.units, unit=table.unit), lowest, float("inf"))
    except Refusal:
        value = float(top.sum() / bottom.sum())
        return Number(value, lowest, float("inf"), (value - slack, value + slack))


def judged(make: Callable[[], Contrast], rule: Rule, bound: float) -> str:
    """The verdict on a contrast that may be refused while it is made."""
    try:
        contrast = make()
    except Refusal:
        return UNJUDGED
    return verdict(contrast, rule, bound)


def number(contrast: Contrast, lowest: float, highest: float) -> Number:
    """A contrast's estimate with its 95 % interval."""
    lo, hi = contrast.limits(0.025)
    return Number(float(contrast.estimate), lowest, highest, (float(lo), float(hi)))
