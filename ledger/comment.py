"""The comment under a pull request: what it changes in the verdicts, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from .diff import Change, cell_changes, drift_appeared, drift_resolved, moved_far, state_of
from .errors import LedgerError
from .markdown import code, escape
from .row import key_of
from .ruling import Ruling, headline, rulings
from .run import Run
from .terminal import GLYPHS
from .text import clean, interval, label, middle

MARKER = "<!-- mi-assay -->"
"""First line of every such comment: the next one replaces it."""
BUDGET = 60_000  # UTF-16 units; GitHub takes 65,536
ID, SENTENCE, NUMBERS, SUBJECTS = 120, 300, 160, 10
FEW = 10
_HEAD = ("| verdict | claim | subject | what differs |", "|---|---|---|---|")
_URL = re.compile(r"https://[A-Za-z0-9_.~/:#?=&%-]{1,400}")
_ORDER = ("alarm", "goalposts", "flip", "shown", "family", "status", "wording", "added", "removed", "moved")


@dataclass(frozen=True)
class Cell:
    """One claim cell that reads otherwise in the second run; ``kinds`` say how, the most serious first."""

    old: Ruling | None
    new: Ruling | None
    changes: tuple[Change, ...]
    kinds: tuple[str, ...]

    @property
    def shown(self) -> Ruling:
        found = self.new or self.old
        assert found is not None
        return found


def changed_cells(before: Run, after: Run) -> list[Cell]:
    """Cells that differ: new alarms first, then moved goalposts, flips, and the rest down to other numbers."""
    a, b = ({key_of(r.row): r for r in rulings(run.rows)} for run in (before, after))
    cells = [_cell(a.get(key), b.get(key)) for key in dict.fromkeys([*b, *a])]
    return sorted((c for c in cells if c.kinds), key=lambda c: _ORDER.index(c.kinds[0]))


def _cell(old: Ruling | None, new: Ruling | None) -> Cell:
    found = tuple(cell_changes(old.row, new.row)) if old and new else ()
    kinds = {c.kind for c in found}
    if new and new.attention and not (old and old.attention) and (old or new.row["status"] != "not_run"):
        kinds.add("alarm")  # a new claim that did not run is no news: its model is not on this machine
    if old and new and old.word != new.word:
        kinds.add("shown")  # a control that went missing changes what a pass is worth, and nothing in its row
    if not (old and new):
        kinds.add("added" if new else "removed")
    return Cell(old, new, found, tuple(k for k in _ORDER if k in kinds))


def render_comment(before: Run, after: Run, *, report_url: str | None = None, stranger: bool = False) -> str:
    """Markdown of fewer than 60,000 UTF-16 units; empty if no row differs.

    ``report_url``: where the report of ``after`` lies. ``stranger``: the runs come from somebody else's machine; the comment says so.

    Raises:
        LedgerError: a ``report_url`` that is not a plain https address.
    """
    if report_url is not None and not _URL.fullmatch(report_url):
        raise LedgerError(f"report address {report_url[:80]!r}: expected https://..., without blanks or brackets")
    cells = changed_cells(before, after)
    if not cells:
        return ""
    told = [c for c in cells if not (_small_move(c) or _idle(c))]
    moved_goals = sum("goalposts" in c.kinds for c in cells)
    lines = [MARKER, "### What changes in the verdicts", "", f"**{_diff_line(cells)}**", ""]
    if moved_goals:
        what = f"{moved_goals} claim{'s' * (moved_goals != 1)} now promise{'s' * (moved_goals == 1)} something else"
        lines += [
            "> [!CAUTION]",
            f"> **MOVED GOALPOSTS: {what}.** Their verdicts before and after answer two questions.",
        ]
        lines += [""]
    lines += [*_subjects(before, after, cells), ""]
    foot = _foot(before, after, cells, report_url, stranger)
    left = BUDGET - _size([*lines, *foot]) - 400  # for the lines around the tables
    added = sum(c.kinds == ("added",) for c in told)  # of these none wants a person
    first = [c for c in told if added <= FEW or c.kinds != ("added",)]
    apart = [c for c in told if added > FEW and c.kinds == ("added",)]
    missing = 0
    for title, group in (("", first), (f"{len(apart)} claims added, none of which wants a person", apart)):
        rows, left = _fitting(group, left)
        missing += len(group) - len(rows)
        if rows:
            table = [*_HEAD, *rows]
            fold = ["", f"<details><summary>{title}</summary>", "", *table, "", "</details>"]
            lines += fold if title else table
    if missing:
        lines += ["", f"Left out: {missing} more changed rows, for want of room."]
    return "\n".join([*lines, "", *foot]) + "\n"


def _fitting(cells: list[Cell], left: int) -> tuple[list[str], int]:
    """The first rows that fit into ``left`` units, and what is left then."""
    rows: list[str] = []
    for row in map(_row, cells):
        if _size([row]) > left:
            return rows, 0
        left -= _size([row])
        rows.append(row)
    return rows, left


def _size(lines: list[str]) -> int:
    return sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines)


def _diff_line(cells: list[Cell]) -> str:
    """``3 pass → inconclusive · 1 drift new · 0 resolved · 2 claims added``."""
    turned = Counter(
        (state_of(c.old), state_of(c.new)) for c in cells if c.old and c.new and state_of(c.old) != state_of(c.new)
    )
    parts = [f"{n} {a} → {b}" for (a, b), n in turned.most_common()]
    parts += [f"{sum(drift_appeared(c.old, c.new) for c in cells)} drift new"]
    parts += [f"{sum(drift_resolved(c.old, c.new) for c in cells)} resolved"]
    for kind in ("added", "removed"):
        n = sum(kind in c.kinds for c in cells)
        parts += [f"{n} claim{'s' * (n != 1)} {kind}"] if n else []
    return " · ".join(parts)


def _subjects(before: Run, after: Run, cells: list[Cell]) -> list[str]:
    """How each subject with a change comes out now, and came out before where that is another sentence."""
    names = list(dict.fromkeys(c.shown.row["subject"] for c in cells))
    lines = []
    then, now = rulings(before.rows), rulings(after.rows)
    for name in names[:SUBJECTS]:
        old, new = ([r for r in run if r.row["subject"] == name] for run in (then, now))
        was = f" Before: {headline(old)}" if old and headline(old) != headline(new) else ""
        lines.append(f"- {_id(name)}: {headline(new) if new else 'no rows any more.'}{was}")
    return lines + ([f"- and {len(names) - SUBJECTS} more subjects"] if len(names) > SUBJECTS else [])


def _row(c: Cell) -> str:
    r = c.shown
    what = [*map(_said, c.changes)]
    if not c.changes and c.new:
        what += [_numbers(c.new)]
    if c.new and c.new.note:
        what.append(escape(_cut(c.new.note)))
    claim = f"{_id(label(r.row))}<br>{escape(_cut(r.row['statement']))}"
    return f"| {_verdicts(c)} | {claim} | {_id(r.row['subject'])} | {'<br>'.join(w for w in what if w)} |"


def _verdicts(c: Cell) -> str:
    """``● pass → ○ **inconclusive**``; bold is what wants a look."""
    old, new = (f"{GLYPHS[r.state][0]} {r.word}" if r else "" for r in (c.old, c.new))
    if c.new is None:
        return f"{old}, now **gone**"
    if c.new.attention or (c.old and c.old.word != c.new.word):
        new = f"{GLYPHS[c.new.state][0]} **{c.new.word}**"
    return f"{old} → {new}" if c.old and old != new else new if c.old else f"new: {new}"


def _said(change: Change) -> str:
    how = {"re-judged": " (re-judged: same scores)", "re-measured": " (re-measured: other scores)"}.get(
        change.measured, ""
    )
    match change.kind:
        case "goalposts":
            return f"**GOALPOSTS MOVED** {escape(_cut(change.detail))}{how}"
        case "flip":
            return escape(_cut(change.detail)) + how
        case "moved":
            return f"{escape(_cut(f'{change.before} → {change.after}'))}{how}"
        case "wording":
            return f"reworded: {escape(_cut(change.detail))}"
        case _:
            return escape(_cut(change.detail))


def _numbers(r: Ruling) -> str:
    return escape(interval(r.row)[:NUMBERS])


def _id(name: str) -> str:
    return code(middle(clean(name), ID))


def _cut(text: str) -> str:
    """Both ends of a long text: a comparison ends with its second half."""
    return middle(clean(text), SENTENCE)


def _small_move(c: Cell) -> bool:
    """Nothing but other numbers, by at most half of the interval's width."""
    return bool(c.kinds == ("moved",) and c.old and c.new and not moved_far(c.old.row, c.new.row))


def _idle(c: Cell) -> bool:
    """A new claim that did not run: nothing can be said of it but that it is there."""
    return c.old is None and c.new is not None and c.new.row["status"] == "not_run"


def _foot(before: Run, after: Run, cells: list[Cell], report_url: str | None, stranger: bool) -> list[str]:
    rows = len({key_of(r) for run in (before, after) for r in run.rows})
    small, idle = sum(map(_small_move, cells)), sum(map(_idle, cells))
    counted = f"{rows - len(cells)} of {rows} rows unchanged."
    counted += f" {small} with the same verdict and other numbers, by at most half an interval." if small else ""
    counted += f" {idle} new and not run here." if idle else ""
    lines = [counted]
    lines += [f"Damaged: {_id(run.id)}: {escape(_cut(p))}" for run in (before, after) for p in run.problems[:3]]
    runs = " against ".join(f"{_id(run.id)} (commit {code(_commit(run))})" for run in (after, before))
    link = f" Every row: [artifacts of the run]({report_url})." if report_url else ""
    said = " Both runs are the pull request's own: its code judged, and its code wrote the rows." if stranger else ""
    return [*(x for line in lines for x in (line, "")), f"<sub>Run {runs}.{said}{link}</sub>"]


def _commit(run: Run) -> str:
    git = run.header["git"]
    return f"{str(git.get('commit') or 'no git')[:10]}{', dirty' if git.get('dirty') else ''}"
