"""Ruling: how one row reads in a table: its word, its alarm, its note. Shared by terminal and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .controls import with_controls
from .deciding import what_would_decide
from .family import with_adjusted_verdicts
from .row import wants_attention
from .text import clean

Row = Mapping[str, Any]
_RANK = {"error": 0, "crashed": 0, "refused": 0, "not_run": 0, "deviated": 1, "drift": 2}


@dataclass(frozen=True)
class Ruling:
    """One row, ready to be shown."""

    row: Row
    word: str
    state: str
    """pass, fail, inconclusive, refused, deviated or broken: what the glyph shows."""
    attention: bool
    note: str


def named(claim: str, only: Iterable[str]) -> bool:
    """Whether a claim id matches one of the patterns (``microscope.*``)."""
    return any(fnmatchcase(claim, pattern) for pattern in only)


def settled(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows with what only the whole run can tell: family verdict, controls, what superseded them."""
    out = with_adjusted_verdicts(with_controls(rows))
    superseded = {r["supersedes"]: r["claim"] for r in out if r.get("supersedes")}
    for row in out:
        row["superseded_by"] = superseded.get(row["claim"])
    return out


def rulings(rows: Iterable[Row], only: Iterable[str] = ("*",)) -> list[Ruling]:
    """Rows with their family-adjusted word; those that want attention first, then as registered.

    Families and controls are settled on all rows, whichever are then picked by ``only``.
    """
    found = [_ruling(row) for row in settled(rows) if named(row["claim"], only)]
    return sorted(found, key=lambda r: _RANK.get(r.row["status"], 3) if r.attention else 4)


def _ruling(row: Row) -> Ruling:
    status, verdict, family = row["status"], row["verdict"], row["family_verdict"]
    notes = []
    if status == "drift":
        state = word = verdict or status
        word = f"{verdict} (expected {row['expected']})"
    elif status == "decided":
        state = word = family
        if row["control_problems"]:
            state, word = "inconclusive", "pass, unsupported"
            notes += row["control_problems"]
        elif family != verdict:
            word = f"{verdict} → {family}"
            notes.append(f"{verdict} on its own, {family} in its family ({row['family_method']})")
    else:
        state, word = (status if status in ("refused", "deviated") else "broken"), status.replace("_", " ")
    reason = row.get("reason")
    if reason and status != "decided":
        notes.append(f"{reason['detail']}. {reason['fix']}")
    elif verdict == "inconclusive" and not row["control_problems"]:
        notes.append(what_would_decide(row))
    if row.get("promise_changed"):
        keys = ", ".join(f"{k} {a!r} → {b!r}" for k, (a, b) in row["promise_changed"]["keys"].items())
        notes.append(f"PROMISE CHANGED since run {row['promise_changed']['run']}: {keys}")
    if "negligible" in row.get("flags", []):
        notes.append(f"negligible: the whole interval lies within ±{row['rope']:g}")
    if row.get("attempt", 1) and row.get("attempt", 1) > 1:
        notes.append(f"attempt {row['attempt']}, judged at {row['level']:.2%}")
    if row["superseded_by"]:
        notes.append(f"superseded by {row['superseded_by']}")
    return Ruling(row, word, str(state), wants_attention(row), clean("; ".join(notes)))


def headline(found: list[Ruling]) -> str:
    """``41 of 43 claims came out as expected. 1 drifted, 1 error.``"""
    unexpected = [r for r in found if r.attention]
    without = sum(r.row["expected"] is None and not r.attention for r in found)
    total = len(found) - without
    text = f"{total - len(unexpected)} of {total} claims came out as expected" if total else ""
    if without:
        text += f"{', ' if text else ''}{without} claim{'s' * (without != 1)} without an expectation"
    counts: dict[str, int] = {}
    for r in unexpected:
        key = "unsupported" if r.row["control_problems"] and r.row["status"] == "decided" else r.row["status"]
        counts[key] = counts.get(key, 0) + 1
    names = {"drift": "drifted", "not_run": "not run"}
    listed = ", ".join(f"{n} {names.get(k, k)}" for k, n in counts.items())
    return f"{text}. {listed[:1].upper()}{listed[1:]}." if listed else f"{text}."


def tally(found: list[Ruling]) -> str:
    """``1 drift, 12 pass, 3 fail, 20 inconclusive``."""
    counts: dict[str, int] = {}
    for r in found:
        key = r.row["status"] if r.attention or r.state == "refused" else r.state
        counts[key.replace("_", " ")] = counts.get(key.replace("_", " "), 0) + 1
    order = ("error", "crashed", "not run", "deviated", "drift", "pass", "fail", "inconclusive", "refused")
    return ", ".join(f"{counts[k]} {k}" for k in sorted(counts, key=lambda k: order.index(k) if k in order else 99))
