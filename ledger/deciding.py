"""What an inconclusive row says: what would decide it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def what_would_decide(row: Mapping[str, Any]) -> str:
    """One line: why nothing was decided, and what would decide it."""
    reason = row.get("reason")
    if reason:
        return f"{reason['detail']}. {reason['fix']}"
    mde, needed = row.get("mde"), row.get("units_needed")
    detectable = f"; detectable: {mde:.2g} from the bound at 80 % power" if mde is not None else ""
    if not needed:
        return f"no number of {plural(row.get('unit') or 'unit')} decides a true value at the bound{detectable}"
    limited = row.get("limited_by")
    more = f", with {limited} growing alike" if limited in ("sets", "examples") else ""
    how = " in a new claim, this one had one look" if row.get("looks") == "one" else ""
    return (
        f"about {needed:,} {plural(row.get('unit') or 'unit')} would decide{how} (has {row['n']:,}){more}{detectable}"
    )


def plural(noun: str) -> str:
    """``data set`` -> ``data sets``."""
    return noun if noun.endswith("s") else f"{noun}s"
