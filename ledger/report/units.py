"""Per-unit scores for the page: where the dots of each lane lie, in about half a byte each, and which units stand out."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from ..errors import LedgerError
from ..run import Run
from ..scores import read_scores
from ..text import middle
from .lanes import Lane, Stored, lanes
from .private import without_secrets

LEVELS = 256
NAMED = 3
"""Units that are named at each end, where that many stand out."""
ID_WIDTH = 60
SHORT = 16
"""Hex digits of a data digest that tell the lanes of a page apart."""


def unit_lanes(run: Run) -> list[dict[str, Any]]:
    """The lanes of every data set that a judged row of the run names; no scores file, no lanes.

    Each has ``data`` (the first ``SHORT`` digits of the digest), ``dot``, and where there are values: ``n``, ``lo``,
    ``hi``, ``bits`` (see :func:`packed`), ``low`` and ``high`` (ids of the outermost units, from the end inwards).

    Raises:
        LedgerError: the scores are damaged, or are not those that a row was judged on.
    """
    units = {row["data"]: str(row["unit"]) for row in run.rows if row.get("estimate") is not None}
    if not units or not run.scores_path.exists():
        return []
    found = {}
    for digest, stored in read_scores(run.scores_path):
        if digest not in units:
            continue
        try:
            if _digest(stored) != digest:
                raise ValueError("they do not match this digest")
            found[digest] = [_entry(digest, lane) for lane in lanes(stored, units[digest])]
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            raise LedgerError(
                f"{run.scores_path.name}: the scores {digest[:SHORT]} cannot be drawn: {exc}. "
                f"Nothing was written. Check the run with: verify {run.id}"
            ) from None
    return [entry for digest in units if digest in found for entry in found[digest]]


def packed(values: Sequence[float]) -> tuple[float, float, str]:
    """``(lo, hi, bits)`` of at least one value: each rounded to the nearest of 256 levels from ``lo`` to ``hi``.

    In ``bits`` (base64, highest bit first) a 1 is a unit at the present level and a 0 one level up, from level 0.
    """
    lo, hi = min(values), max(values)
    counts = [0] * LEVELS
    for value in values:
        counts[round((value - lo) / (hi - lo) * (LEVELS - 1)) if hi > lo else 0] += 1
    bits = "0".join("1" * count for count in counts).rstrip("0")
    padded = bits + "0" * (-len(bits) % 8)
    return lo, hi, b64encode(int(padded, 2).to_bytes(len(padded) // 8, "big")).decode()


def _entry(digest: str, lane: Lane) -> dict[str, Any]:
    entry: dict[str, Any] = {"data": digest[:SHORT], "dot": lane.dot}
    if lane.ids and len(lane.values) != len(lane.ids):
        raise ValueError(f"{len(lane.values)} scores for {len(lane.ids)} units")
    if not lane.values:
        return entry
    entry["n"] = len(lane.values)
    entry["lo"], entry["hi"], entry["bits"] = packed(lane.values)
    order = sorted(range(len(lane.values)), key=lane.values.__getitem__)
    few = len(order) <= 2 * NAMED
    low = order[:NAMED] if few else _outermost(order, lane.values)
    high = order[NAMED:][::-1] if few else _outermost(order[::-1], lane.values)
    where = f"scores {digest[:SHORT]}"
    for end, named in (("low", low), ("high", high)):
        if named and lane.ids:
            entry[end] = [middle(without_secrets(str(lane.ids[i]), where), ID_WIDTH) for i in named]
    if lane.centre:
        entry["centre"] = [lane.centre[0], float(f"{lane.centre[1]:.9g}")]
    if lane.name:
        entry["name"] = lane.name
    if lane.judged:
        entry["judged"] = 1
    if lane.against:
        gaps = lane.values if lane.gaps is None else lane.gaps
        entry["against"] = lane.against
        entry["wins"] = [sum(g > 0 for g in gaps), sum(g == 0 for g in gaps), sum(g < 0 for g in gaps)]
    return entry


def _outermost(order: Sequence[int], values: Sequence[float]) -> list[int]:
    """The first few from one end, as far as it is clear which these are: of units with one value all or none."""
    head = order[: NAMED + 1]
    return list(takewhile(lambda i: values[i] != values[head[-1]], head[:NAMED]))


def _digest(stored: Stored) -> str:
    text = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
