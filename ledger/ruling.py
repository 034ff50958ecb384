"""Ruling: how one row reads in a table: its word, its alarm, its note. Shared by terminal and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from .claim import EXAMPLE_SUBJECT
from .controls import with_controls
from .deciding import what_would_decide
from .family import adjust
from .row import wants_attention
from .text import clean

Row = Mapping[str, Any]
MANY = 3
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
    """All that a table says beside the row: what happened, what would decide it, and the remarks."""
    remarks: tuple[str, ...]
    """What a reader must know whatever the verdict; of the row alone."""


def named(claim: str, only: Iterable[str]) -> bool:
    """Whether a claim id matches one of the patterns (``microscope.*``)."""
    return any(fnmatchcase(claim, pattern) for pattern in only)


def settled(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows with what only the whole run can tell: family verdict, controls, what superseded them."""
    out = adjust(with_controls(rows))
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


def folded(found: Iterable[Ruling]) -> list[Ruling]:
    """One ruling for many claims on a subject that the same thing kept from running; a missing model stops dozens."""
    groups: dict[Any, list[Ruling]] = {}
    for r in found:
        same = (r.row["subject"], r.note) if r.row["status"] == "not_run" else id(r)
        groups.setdefault(same, []).append(r)
    shown: list[Ruling] = []
    for group in groups.values():
        more = len(group) - 1
        many = more >= MANY
        shown += [replace(group[0], note=f"{group[0].note} (and {more} more on this subject)")] if many else group
    return shown


def _ruling(row: Row) -> Ruling:
    status, verdict, family = row["status"], row["verdict"], row["family_verdict"]
    notes: list[str] = []
    if status == "drift":
        state, word = verdict, f"{verdict} (expected {row['expected']})"
    elif status == "decided":
        state = word = family
        if row["control_problems"]:
            state, word = "inconclusive", "pass, unsupported"
            notes += row["control_problems"]
        elif family != verdict:
            word = f"{verdict} → {family}"
            missing = row["family_missing"]
            absent = f"; {missing} member{'s' * (missing != 1)} did not run" if missing else ""
            notes.append(f"{verdict} on its own, {family} in its family ({row['family_method']}{absent})")
    else:
        state, word = (status if status in ("refused", "deviated") else "broken"), status.replace("_", " ")
    reason = row.get("reason")
    if reason and status != "decided":
        notes.append(f"{reason['detail'].rstrip('.')}. {reason['fix']}")
    elif verdict == "inconclusive" and not row["control_problems"]:
        notes.append(what_would_decide(row))
    remarks = _remarks(row)
    superseded = [f"superseded by {row['superseded_by']}"] if row["superseded_by"] else []
    note = clean("; ".join(n.rstrip(".") for n in notes + remarks + superseded))
    return Ruling(row, word, str(state), wants_attention(row), note, tuple(map(clean, remarks)))


def _remarks(row: Row) -> list[str]:
    """What a reader must know beside the verdict."""
    found = []
    if row["subject"] == EXAMPLE_SUBJECT:
        found.append("the scaffold's example numbers: put yours in, and the model's name")
    if row.get("calibration") not in (None, "calibrated"):
        found.append(f"interval {row['calibration']}")
    basis = (row.get("measured") or {}).get("basis")
    if basis:
        found.append(f"data reconstructed: {basis}")
    if row.get("promise_changed"):
        keys = ", ".join(f"{k} {a!r} → {b!r}" for k, (a, b) in row["promise_changed"]["keys"].items())
        found.append(
            f"PROMISE CHANGED since run {row['promise_changed']['run']}: {keys}. Put it back, or register a new id with "
            f"supersedes: {row['claim']}"
        )
    if row.get("seen_before"):
        found.append(
            f"registered after {row['seen_before']['claim']} was judged on these data (run {row['seen_before']['run']})"
        )
    if "negligible" in row.get("flags", []):
        found.append(f"negligible: the whole interval lies within ±{row['rope']:g}")
    if (row.get("attempt") or 1) > 1:
        found.append(f"attempt {row['attempt']}, judged at {row['level']:.2%}")
    return found


def headline(found: list[Ruling]) -> str:
    """``41 of 43 claims came out as expected, 2 without an expectation. 1 drifted, 1 error.``"""
    expecting = [r for r in found if r.row["expected"] is not None]
    without = len(found) - len(expecting)
    parts = []
    if expecting or not found:
        parts.append(f"{sum(not r.attention for r in expecting)} of {len(expecting)} claims came out as expected")
    if without:
        parts.append(f"{without} claim{'s' * (without != 1)} without an expectation")
    demoted = sum(r.row["status"] == "decided" and r.row["family_verdict"] != r.row["verdict"] for r in found)
    if demoted:
        parts.append(f"{demoted} inconclusive in {'its' if demoted == 1 else 'their'} family")
    names = {"drift": "drifted", "not_run": "not run"}
    counts = Counter(names.get(_alarm(r), _alarm(r)) for r in found if r.attention)
    listed = ", ".join(f"{n} {k}" for k, n in counts.items())
    return f"{', '.join(parts)}.{' ' if listed else ''}{listed}{'.' if listed else ''}"


def tally(found: list[Ruling]) -> str:
    """``1 drift, 12 pass, 3 fail, 20 inconclusive``."""
    counts = Counter((_alarm(r) if r.attention else r.state).replace("_", " ") for r in found)
    order = (
        "error",
        "crashed",
        "not run",
        "deviated",
        "drift",
        "unsupported",
        "pass",
        "fail",
        "inconclusive",
        "refused",
    )
    return ", ".join(f"{counts[k]} {k}" for k in order if k in counts) or "no rows"


def _alarm(r: Ruling) -> str:
    """What a row that wants attention is counted as."""
    if r.row["status"] != "decided":
        return str(r.row["status"])
    return "unsupported" if r.row["control_problems"] else r.state
