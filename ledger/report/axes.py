"""Axes of the forest plot: one per subject and quantity, so that nothing is compared that has no common scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, floor
from typing import Any

from ..figures.scale import ticks

Row = Mapping[str, Any]
TAIL = 0.02
"""Share of limits and bounds that may lie beyond each end; they are drawn with an arrowhead."""


def axis_key(row: Row) -> str:
    """What rows share an axis by, within a subject. A ratio and a difference of one quantity have different scales."""
    return f"{row['quantity']} ({row['design']})"


def axes(rows: Iterable[Row]) -> dict[str, dict[str, dict[str, Any]]]:
    """``{subject: {axis key: {"lo", "hi", "ticks"}}}`` of all rows with an interval."""
    points: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row.get("estimate") is not None:
            points.setdefault((row["subject"], axis_key(row)), []).extend(_points(row))
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for (subject, key), values in points.items():
        found.setdefault(subject, {})[key] = _axis(sorted(values))
    return found


def _points(row: Row) -> list[float]:
    bounds = [row["bound"], -row["bound"]] if row["rule"] == "within" else [row["bound"]]
    return [float(row["lo"]), float(row["hi"]), *map(float, bounds)]


def _axis(values: list[float]) -> dict[str, Any]:
    """From the 2nd to the 98th percentile, with a little room."""
    lo, hi = values[floor(TAIL * (len(values) - 1))], values[ceil((1 - TAIL) * (len(values) - 1))]
    if not hi > lo:
        lo, hi = lo - (abs(lo) or 1.0) / 2, hi + (abs(hi) or 1.0) / 2
    room = (hi - lo) * 0.04
    lo, hi = lo - room, hi + room
    return {"lo": lo, "hi": hi, "ticks": ticks(lo, hi)}
