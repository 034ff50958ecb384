"""The verdict table for terminals from 44 to 200 columns, with or without Unicode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from .family import conjunctions
from .home import command
from .ruling import Ruling, folded, headline, named, rulings, tally
from .text import clean, interval, label, middle, reported, rule, units_of

Markup = dict[str, bool]
Line = tuple[str, Markup]

GLYPHS = {
    "pass": ("●", "+"),
    "fail": ("◆", "x"),
    "inconclusive": ("○", "?"),
    "refused": ("⊘", "-"),
    "deviated": ("≠", "~"),
    "broken": ("!", "!"),
}
ASCII = {"…": "~", "→": "->", "±": "+/-", "·": "-", "─": "-", "●": "o", "┊": "|", "◂": "<", "▸": ">"}
ONE_LINE, TWO_LINES = 110, 72
STRIP = 21
SCREEN = 44  # lines of rows that a session shows unasked; with outcome and next command they fit into 60


@dataclass(frozen=True)
class Style:
    """Width in columns, and whether the stream can show more than ASCII."""

    width: int = 80
    unicode: bool = True

    def text(self, s: str) -> str:
        if self.unicode:
            return s
        for fancy, plain in ASCII.items():
            s = s.replace(fancy, plain)
        return s.encode("ascii", "replace").decode()


@dataclass(frozen=True)
class Columns:
    """Widths that the rows of one table share, and the axis of each quantity."""

    name: int
    subject: int
    axes: Mapping[tuple[str, str], tuple[float, float]]


def verdict_lines(
    rows: Iterable[Mapping[str, Any]],
    style: Style,
    show: str = "all",
    only: Sequence[str] = ("*",),
    limit: int | None = None,
) -> list[Line]:
    """Lines with their markup. ``show``: all rows, those that want ``attention``, or ``none``; of these the first ``limit``.

    Without a limit, ``attention`` stops at what one screen holds, and says how to see the rest.
    """
    found = rulings(rows, only)
    told = (r for r in found if show == "all" or (show == "attention" and r.attention))
    wanted = folded(told)
    shown = wanted[:limit]
    columns = Columns(
        name=min(max((len(label(r.row)) for r in shown), default=0), 44),
        subject=min(max((len(clean(r.row["subject"])) for r in shown), default=0), 14),
        axes=_axes(found),
    )
    lines: list[Line] = []
    told_of = 0
    for r in shown:
        more = [(style.text(text), markup) for text, markup in _row_lines(r, style, columns)]
        if show == "attention" and limit is None and lines and len(lines) + len(more) > SCREEN:
            break
        lines += more
        told_of += 1
    if told_of < len(shown):
        text = f"{len(shown) - told_of:,} more that want a person: {command()} table --attention"
        lines += [(t, {"red": True, "bold": True}) for t in wrap(text, style.width, subsequent_indent="    ")]
    if len(wanted) > len(shown):
        lines.append((f"{len(wanted) - len(shown):,} more rows (--limit 0)", {}))
    for c in (c for c in conjunctions(rows) if show == "all" and named(c["claim"], only)):
        text = (
            f"for every cell: {c['claim']} on {c['subject']}: {c['verdict']} ({c['passed']} of {c['cells']} cells pass)"
        )
        lines += [(t, {}) for t in wrap(style.text(clean(text)), style.width, subsequent_indent="    ")]
    alarm = {"red": True, "bold": True} if any(r.attention for r in found) else {}
    for text in (headline(found), tally(found)):
        lines += [(t, alarm) for t in wrap(style.text(text), style.width, subsequent_indent="    ")]
    return lines


def _markup(r: Ruling) -> Markup:
    """Colour carries action: nothing for what was expected."""
    if r.attention:
        return {"yellow": True} if r.row["status"] == "deviated" else {"red": True, "bold": True}
    return {"yellow": True} if r.row["expected"] is None and r.row["verdict"] == "inconclusive" else {}


def _row_lines(r: Ruling, style: Style, columns: Columns) -> list[Line]:
    row, width = r.row, style.width
    glyph = GLYPHS[r.state][0 if style.unicode else 1]
    # ASCII may need more room ("+/-"), so it is put in before anything is measured.
    name, subject, numbers, note = map(style.text, (label(row), clean(row["subject"]), _numbers(row), r.note))
    word = style.text(r.word)
    lines: list[Line] = []
    if width >= ONE_LINE:
        head = f"{glyph} {word:<22} {_strip(row, columns.axes)}  "
        both = f"{name:<{columns.name}}  {subject:<{columns.subject}}"
        room, indent = width - len(head), " " * len(head)
        if len(both) + 2 + len(numbers) <= room:
            lines.append((f"{head}{both}  {numbers}".rstrip(), _markup(r)))
        else:
            lines += [
                (head + t, _markup(r)) if not k else (indent + t, {}) for k, t in enumerate(_who(name, subject, room))
            ]
            lines += [(indent + t, {}) for t in wrap(numbers, room)]
    elif width >= TWO_LINES:
        head = f"{glyph} {word:<22} "
        room = width - len(head) - len(subject) - 2
        if len(name) <= room:
            lines.append((f"{head}{name:<{room}}  {subject}", _markup(r)))
        else:
            lines += [(head.rstrip(), _markup(r)), *((f"    {t}", {}) for t in _who(name, subject, width - 4))]
        lines += [(f"    {t}", {}) for t in wrap(numbers, width - 4)]
    else:
        lines.append((f"{glyph} {word}", _markup(r)))
        for part in (middle(name, width - 2), middle(subject, width - 2), *numbers.split("  ")):
            lines += [(f"  {t}", {}) for t in wrap(part, width - 2)]
    if note:
        lines += [(f"    {t}", {}) for t in wrap(note, max(width - 4, 30))]
    return lines


def _who(name: str, subject: str, room: int) -> list[str]:
    """Claim and subject on one line where they fit, each on its own and shortened where they do not."""
    both = f"{name}  {subject}"
    return [both] if len(both) <= room else [middle(name, room), middle(subject, room)]


def _numbers(row: Mapping[str, Any]) -> str:
    said = reported(row)
    parts = (f"{interval(row)} {rule(row)}".strip(), units_of(row), f"reported {said}" if said else "")
    return "  ".join(p for p in parts if p)


def _axes(found: Iterable[Ruling]) -> dict[tuple[str, str], tuple[float, float]]:
    """One axis per quantity and rule kind; subjects share a scale, never a row."""
    axes: dict[tuple[str, str], tuple[float, float]] = {}
    for r in found:
        row = r.row
        if row.get("estimate") is None:
            continue
        points = [row["lo"], row["hi"], row["bound"], *([-row["bound"]] if row["rule"] == "within" else [])]
        key = (str(row["quantity"]), str(row["design"]))
        lo, hi = axes.get(key, (points[0], points[0]))
        axes[key] = min(lo, *points), max(hi, *points)
    return axes


def _strip(row: Mapping[str, Any], axes: Mapping[tuple[str, str], tuple[float, float]]) -> str:
    """The interval as text: ``──●── ┊``, the bound as a dotted line."""
    if row.get("estimate") is None:
        return " " * STRIP
    lo, hi = axes[str(row["quantity"]), str(row["design"])]

    def at(x: float) -> int:
        return round((x - lo) / ((hi - lo) or 1) * (STRIP - 1))

    cells = [" "] * STRIP
    for i in range(at(row["lo"]), at(row["hi"]) + 1):
        cells[i] = "─"
    for bound in (row["bound"], *([-row["bound"]] if row["rule"] == "within" else [])):
        cells[at(bound)] = "┊"
    cells[at(row["estimate"])] = "●"
    return "".join(cells)
