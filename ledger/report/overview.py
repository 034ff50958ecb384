"""What the page says without scripts: how many claims came out unexpectedly, and which; then the rows of each subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..ruling import Ruling, folded, headline
from ..terminal import GLYPHS
from ..text import clean, interval, label, rule, units_of
from .links import claim_link

STATIC_ROWS = 200
"""Rows that are readable with scripts off; a page of thousands would open slowly for everybody else."""
ATTENTION_ROWS = 50


@dataclass(frozen=True)
class Line:
    """One row as text.

    Attributes:
        badge: what is wrong, where something is; shown inverted.
        link: route of its claim page.
    """

    glyph: str
    state: str
    word: str
    badge: str
    label: str
    subject: str
    statement: str
    numbers: str
    needs: str
    units: str
    note: str
    link: str


@dataclass(frozen=True)
class SubjectSummary:
    """The rows of one subject, counted; nothing is added up over subjects."""

    name: str
    rows: int
    unexpected: int
    not_run: int
    headline: str


@dataclass(frozen=True)
class Overview:
    """The part of the page that is there before any script.

    Attributes:
        unexpected: rows that came out otherwise than expected, broke or deviated, at most ``ATTENTION_ROWS``.
        not_run: rows that were never judged, folded by the reason.
        more: rows of ``unexpected`` that are not listed.
    """

    sentence: str
    waiting: str
    unexpected: list[Line]
    more: int
    not_run: list[Line]
    subjects: list[SubjectSummary]
    rows: list[Line]
    rows_left: int


def overview(found: Sequence[Ruling]) -> Overview:
    """The overview of rows in the order in which they are given (:func:`ledger.ruling.rulings`)."""
    unexpected = [r for r in found if r.attention and r.row["status"] != "not_run"]
    not_run = [r for r in found if r.row["status"] == "not_run"]
    judged = len(found) - len(not_run)
    sentence = (
        f"{_count(len(unexpected), 'claim')} of {judged} came out unexpectedly."
        if unexpected
        else f"None of {_count(judged, 'claim')} came out unexpectedly."
        if judged
        else "No claim was judged."
    )
    waiting = f"{_count(len(not_run), 'claim')} {'was' if len(not_run) == 1 else 'were'} not run." if not_run else ""
    shown = [r for r in found if r.row["status"] != "not_run"]
    return Overview(
        sentence,
        waiting,
        [_line(r) for r in unexpected[:ATTENTION_ROWS]],
        max(0, len(unexpected) - ATTENTION_ROWS),
        [_line(r) for r in folded(not_run)][:ATTENTION_ROWS],
        _subjects(found),
        [_line(r) for r in shown[:STATIC_ROWS]],
        max(0, len(shown) - STATIC_ROWS),
    )


def _subjects(found: Iterable[Ruling]) -> list[SubjectSummary]:
    groups: dict[str, list[Ruling]] = {}
    for r in found:
        groups.setdefault(r.row["subject"], []).append(r)
    summaries = []
    for name, mine in groups.items():
        not_run = sum(r.row["status"] == "not_run" for r in mine)
        unexpected = sum(r.attention and r.row["status"] != "not_run" for r in mine)
        summaries.append(SubjectSummary(name, len(mine), unexpected, not_run, headline(mine)))
    return sorted(summaries, key=lambda s: s.not_run - s.rows)  # the one on which most was judged comes first


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"


def badge_of(r: Ruling) -> str:
    """The word of the inverted badge: what is unexpected about a row; empty where nothing is."""
    row = r.row
    if not r.attention:
        return "deviated" if row["status"] == "deviated" else ""
    if row["status"] != "decided":
        return str(row["status"]).replace("_", " ")
    return "unsupported" if row["control_problems"] else "refuted"


def _line(r: Ruling) -> Line:
    row = r.row
    return Line(
        glyph=GLYPHS[r.state][0],
        state=r.state,
        word=r.word,
        badge=badge_of(r),
        label=label(row),
        subject=row["subject"],
        statement=clean(row["statement"]),
        numbers=interval(row),
        needs=rule(row),
        units=units_of(row),
        note=r.note,
        link=claim_link(label(row), row["subject"]),
    )
