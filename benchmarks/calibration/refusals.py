"""Refusals: every bad input must end in an error that says so, and none in a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import LedgerError

from .bad_claims import CLAIMS
from .bad_input import BadInput
from .bad_measurements import MEASUREMENTS

TABLE = (*MEASUREMENTS, *CLAIMS)


def refused(bad: BadInput) -> bool:
    """Whether the court refuses; any other exception would leave the reason to guesswork."""
    try:
        bad.judge()
    except Exception as error:
        return bool(getattr(error, "refused", False)) or isinstance(error, LedgerError)
    return False


def let_through(table: Sequence[BadInput] = TABLE) -> list[str]:
    """Names of the bad inputs that were not refused."""
    return [bad.name for bad in table if not refused(bad)]
