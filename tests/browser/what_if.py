"""What the verdict would be at another bound or level: the reference for ``whatIf`` in assets/playground.js."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.errors import LedgerError
from ledger.verdict import Bound, Verdict

OWN, ADJUSTED = "own", "adjusted"


def what_if(record: Mapping[str, Any], bound: float, level: str) -> Verdict:
    """The verdict of a judged record (:mod:`ledger.report.records`) at ``bound`` under its own rule, from the limits that it stores.

    What made it inconclusive whatever its interval said still does: neither a bound nor a level mends spent looks or
    missing units.

    Args:
        bound: bound, or margin (above 0) where the rule is ``within``; in the unit of the estimate.
        level: ``own``, a stored level in per cent (``80``, ``90``, ``95``, ``99``), or ``adjusted`` for the family.

    Raises:
        LedgerError: a record without a verdict, a level that it does not store, a bound or limits that are not finite,
            a margin that is not above 0, limits without a width.
    """
    if record.get("verdict") is None:
        raise LedgerError(
            f"{record['label']}: {record['status']}; expected a row with a verdict, others have none to explore"
        )
    lo, hi = limits_at(record, level)
    found = Bound(record["rule"], bound).decide(lo, hi)
    return Verdict.INCONCLUSIVE if record["forced"] else found


def limits_at(record: Mapping[str, Any], level: str) -> tuple[float, float]:
    """Lower and upper limit at one of the levels that a record stores.

    Raises:
        LedgerError: it does not store this one.
    """
    stored = {**record.get("limits", {}), OWN: (record["lo"], record["hi"])}
    if record.get("adjusted"):
        stored[ADJUSTED] = (record["adjusted"]["lo"], record["adjusted"]["hi"])
    if level not in stored:
        raise LedgerError(f"{record['label']}: level {level!r}; expected one of {', '.join(stored)}")
    lo, hi = stored[level]
    return lo, hi
