"""Agreement: whether an artifact has the numbers that the rows resting on it were judged on."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from typing import Any

from ..artifact_files import digests
from ..errors import LedgerError
from ..text import label
from .evidence import Evidence, Table

NEAR = 1e-9
"""Of an interval's width, or of the estimate: what the order of a sum may change."""


def check(evidence: Evidence, builders: Mapping[str, str]) -> None:
    """Compute again what rows about two columns of this artifact were judged on.

    A digest names a recipe: two machines may build other numbers by it. A row is compared if it names the two
    columns, and no other artifact of it could hold them: all are here, and one alone is of this builder.

    Args:
        builders: of the artifacts that are here, by digest.

    Raises:
        LedgerError: a row has another estimate.
    """
    for ruling in evidence.judged():
        row = ruling.row
        named = [builders.get(digest) for digest in digests(row)]
        if None in named or named.count(evidence.build) > 1 or (pair := _columns(row)) is None:
            continue
        found = _estimate(evidence.table(), row, *pair)
        width = 0.0 if row["lo"] is None or row["hi"] is None else row["hi"] - row["lo"]
        if found is not None and not isclose(found, row["estimate"], rel_tol=NEAR, abs_tol=NEAR * width):
            raise LedgerError(
                f"its numbers are not those that row {label(row)} was judged on: they give {found:.6g}, the row has "
                f"{row['estimate']:.6g}; run the claim again on this store"
            )


def _columns(row: Mapping[str, Any]) -> tuple[str, str] | None:
    """The two columns that a row says it compared."""
    measured = row.get("measured") or {}
    for key in ("probe", "column"):
        pair = measured.get(key)
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(name, str) for name in pair):
            return pair[0], pair[1]
    return None


def _estimate(table: Table, row: Mapping[str, Any], part: str, whole: str) -> float | None:
    """As the row's contrast has it; None where it cannot be told from two means."""
    if not {part, whole} <= set(table.columns):
        return None
    one, other = table.mean(part), table.mean(whole)
    if row["design"] == "paired":
        return one - other
    chance = (row.get("measured") or {}).get("chance")
    if row["design"] != "faithfulness" or not isinstance(chance, int | float) or other == chance:
        return None
    return (one - chance) / (other - chance)
