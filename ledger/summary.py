"""GitHub's surfaces: the step summary within its byte budget, and annotations on YAML lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from .family import conjunctions
from .home import command
from .markdown import code, escape, table_head, table_row
from .row import wants_attention
from .ruling import Ruling, folded, headline, rulings, tally
from .text import clean, label, middle

BUDGET = 900 * 1024  # GitHub drops a summary of over 1 MiB whole instead of cutting it
LAST_LINE = 1536  # bytes kept free for it
ANNOTATIONS = 9  # it shows ten per step; the tenth says how many more there are
SUBJECTS = 20
OPEN = 30  # so many rows need no fold
NAMED = 5

Row = Mapping[str, Any]


class _Page:
    """Lines as long as they fit, in UTF-8 bytes."""

    def __init__(self, budget: int) -> None:
        self.lines: list[str] = []
        self._left = budget

    def add(self, *lines: str) -> bool:
        """Add all of them, or none."""
        size = sum(len(line.encode()) + 1 for line in lines)
        if size > self._left:
            return False
        self._left -= size
        self.lines += lines
        return True


def render_summary(rows: Sequence[Row], header: Mapping[str, Any], budget: int = BUDGET) -> str:
    """A sentence per subject, the rows that want a person, then all others by subject and report.

    At most ``budget`` UTF-8 bytes (4,096 or more). A section that does not fit is left out whole, and the last line says which;
    only the list of rows that want a person is cut, since without it there is no summary.
    """
    found = rulings(rows)
    page = _Page(budget - LAST_LINE)
    git = header.get("git") or {}
    commit = f"{code(str(git.get('commit') or 'no git')[:10])}{' (dirty)' if git.get('dirty') else ''}"
    run = middle(clean(header.get("run")), 80)
    page.add(f"### Verdicts of run {code(run)}", "", f"Commit {commit}, {len(found)} rows: {tally(found)}.", "")
    subjects = list(dict.fromkeys(r.row["subject"] for r in sorted(found, key=lambda r: int(r.row["index"]))))
    for name in subjects[:SUBJECTS]:
        said = headline([r for r in found if r.row["subject"] == name])
        page.add(f"- {code(middle(clean(name), 80))}: **{said}**")
    if len(subjects) > SUBJECTS:
        page.add(f"- and {len(subjects) - SUBJECTS} more subjects")
    missing = _attention(page, [r for r in found if r.attention])
    lost = _others(page, rows, [r for r in found if not r.attention])
    left = missing + sum(n for n, _ in lost)
    which = [f"{missing} that want a person"] if missing else []
    which += [f"{n} of {name}" for n, name in lost[:NAMED]]
    which += [f"{sum(n for n, _ in lost[NAMED:])} of {len(lost) - NAMED} more sections"] if len(lost) > NAMED else []
    what = f"{left} of {len(found)} rows, for want of room ({'; '.join(which)})" if left else "nothing"
    return "\n".join([*page.lines, "", f"Left out: {what}. Every row: `{command()} table`."]) + "\n"


def _attention(page: _Page, found: list[Ruling]) -> int:
    """The rows that want a person, and how many of them did not fit."""
    if not found:
        return 0
    what = f"{len(found)} row{'s want' if len(found) > 1 else ' wants'} a person"
    page.add("", f"#### {what}", "", *table_head(subject=True))
    told: set[int] = set()
    for r in folded(found):
        if not page.add(table_row(r, subject=True)):
            break
        told.add(id(r.row))
    alike = {_alike(r) for r in found if id(r.row) in told}  # one line may stand for many rows that did not run
    return sum(id(r.row) not in told and _alike(r) not in alike for r in found)


def _alike(r: Ruling) -> object:
    return (r.row["subject"], r.note) if r.row["status"] == "not_run" else id(r)


def _others(page: _Page, rows: Sequence[Row], found: list[Ruling]) -> list[tuple[int, str]]:
    """A section per subject and report; the number of rows and the name of each that did not fit."""
    every = {(c["claim"], c["subject"]): c for c in conjunctions(rows)}
    sections: dict[tuple[str, str], list[Ruling]] = {}
    for r in found:
        sections.setdefault((r.row["subject"], r.row["report"]), []).append(r)
    lost = []
    for (subject, report), mine in sections.items():
        shown = dict.fromkeys((r.row["claim"], subject) for r in mine)
        closing = [line for key in shown if key in every for line in _conjunction(every[key])]
        title = f"{escape(subject)} · {escape(report)}: {tally(mine)}"
        fold = "<details open>" if len(found) <= OPEN else "<details>"
        head = ["", f"{fold}<summary>{title}</summary>", "", *table_head()]
        if not page.add(*head, *map(table_row, mine), *closing, "", "</details>"):
            lost.append((len(mine), f"{code(middle(clean(subject), 24))} {code(middle(clean(report), 24))}"))
    return lost


def _conjunction(c: Mapping[str, Any]) -> list[str]:
    cells = f"{c['passed']} of {c['cells']} cells pass"
    return ["", f"For every cell: {code(c['claim'])} on {code(c['subject'])}: **{c['verdict']}** ({cells})."]


def append_summary(path: Path, rows: Sequence[Row], header: Mapping[str, Any]) -> None:
    """Append to the step summary; a summary that cannot be written costs no verdict."""
    try:
        used = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as f:
            f.write(render_summary(rows, header, max(BUDGET - used, 4096)) + "\n")
    except OSError:
        return


def annotate(rows: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """One workflow annotation per row that wants attention, on the line of its registration."""
    wanted = [r for r in rows if wants_attention(r)]
    for row in wanted[:ANNOTATIONS]:
        name, _, line = str(row.get("where", "")).partition(":")
        folder = row["nodeid"].partition("::")[0].rpartition("/")[0]
        file = _data(f"{folder}/{name}" if folder else name, property_value=True)
        what = row["status"] if row["status"] != "drift" else f"{row['verdict']}, expected {row['expected']}"
        message = _data(f"{label(row)} on {row['subject']}: {what}")
        out.write(f"::error file={file},line={line or 1}::{message}\n")
    if len(wanted) > ANNOTATIONS:
        out.write(f"::error::and {len(wanted) - ANNOTATIONS} more claims want attention, see the summary\n")


def _data(text: str, *, property_value: bool = False) -> str:
    escaped = clean(text).replace("%", "%25")
    return escaped.replace(":", "%3A").replace(",", "%2C") if property_value else escaped
