"""What a row says of its verdict: why it is this one, and, where it is inconclusive, what would decide it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .text import number

MAX_DECIMALS = 12


def because(row: Mapping[str, Any]) -> str:
    """The verdict in words, true of the row's interval and bound: ``passes because the lower limit ...``.

    A limit is written with as many decimals as it takes to lie on the right side of the bound.
    """
    lo, hi, verdict = row["lo"], row["hi"], row["verdict"]
    b = f"{row['bound']:g}"
    if verdict is None:
        return "has no verdict"
    if row["rule"] == "within":
        low, high = (_beside(x, row["bound"] if x > 0 else -row["bound"], hi - lo) for x in (lo, hi))
        if verdict == "pass":
            return f"passes because both limits, {low} and {high}, lie within ±{b}"
        if verdict == "fail":
            return f"fails because the whole interval, {low} to {high}, lies outside ±{b}"
        return f"is inconclusive because the interval, {low} to {high}, contains an end of ±{b}"
    low, high = (_beside(x, row["bound"], hi - lo) for x in (lo, hi))
    if verdict == "inconclusive":
        return f"is inconclusive because the interval, {low} to {high}, contains the bound {b}"
    verb = "passes" if verdict == "pass" else "fails"
    if (row["rule"] == "above") == (verdict == "pass"):
        return f"{verb} because the lower limit {low} is above the bound {b}"
    return f"{verb} because the upper limit {high} is below the bound {b}"


def _beside(limit: float, bound: float, spread: float) -> str:
    text = number(limit, spread)
    shown = float(f"{bound:g}")
    decimals = len(text.partition(".")[2])
    while _side(float(text), shown) != _side(limit, bound) and decimals < MAX_DECIMALS:
        decimals += 1
        text = f"{limit:+.{decimals}f}"
    return text


def _side(x: float, bound: float) -> int:
    return (x > bound) - (x < bound)


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
