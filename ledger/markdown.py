"""Verdict tables in Markdown, with everything that Markdown would act on made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .family import conjunctions
from .home import command
from .ruling import Ruling, folded, headline, rulings, tally
from .terminal import GLYPHS
from .text import clean, interval, label, reported, rule, units_of

_ACTIVE = re.compile(r"[\\`*_\[\]<>#!|~@&$]|:(?=//)|(?<=(?i:www))\.|(?<=(?i:gh))-(?=\d)")
_COLUMNS = ("estimate [interval]", "needs", "n", "source reported", "note")
_INVISIBLE = "&#8203;"  # GitHub looks for @name, #123 and GH-123 after it has decoded entities


def escape(value: object) -> str:
    """Text that renders as itself: no tables broken, nobody mentioned, no links, images or HTML."""
    return _ACTIVE.sub(lambda m: f"&#{ord(m[0])};{_INVISIBLE if m[0] in '@#-' else ''}", clean(value))


def code(value: object) -> str:
    """An id in a code span; one of nothing holds a blank, since two backticks would open a span that ends elsewhere."""
    return f"`{clean(value).replace('`', chr(39)).replace('|', '¦') or ' '}`"


def verdict_table(
    rows: Iterable[Mapping[str, Any]],
    *,
    limit: int | None = None,
    only: Sequence[str] = ("*",),
    attention: bool = False,
) -> str:
    """One table per subject, rows that want attention first; ``limit`` rows over all of them."""
    rows = list(rows)
    found = [r for r in rulings(rows, only) if r.attention or not attention]
    parts = [f"**{headline(found)}** {tally(found).capitalize()}."]
    picked = folded(found)[:limit]  # attention first, whatever the subject
    for subject in dict.fromkeys(r.row["subject"] for r in picked):
        mine = [r for r in picked if r.row["subject"] == subject]
        parts += ["", f"**Subject {code(subject)}**", "", *_table(mine)]
    shown = {(r.row["claim"], r.row["subject"]) for r in picked}
    for c in (c for c in conjunctions(rows) if (c["claim"], c["subject"]) in shown):
        parts += [
            "",
            f"For every cell: {code(c['claim'])} on {code(c['subject'])}: **{c['verdict']}** ({c['passed']} of {c['cells']} cells pass).",
        ]
    hidden = len(found) - sum(line.startswith("| ") and not line.startswith("| verdict") for line in parts)
    if hidden > 0:
        parts += ["", f"{hidden} more rows: `{command()} table`."]
    return "\n".join(parts) + "\n"


def _table(found: Iterable[Ruling]) -> list[str]:
    return [*table_head(), *map(table_row, found)]


def table_head(*, subject: bool = False) -> list[str]:
    """The two lines that open a table; with a column for the subject where rows of several stand in it."""
    columns = ["verdict", "claim", *(["subject"] if subject else []), *_COLUMNS]
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]


def table_row(r: Ruling, *, subject: bool = False) -> str:
    """One row of it."""
    word = f"**{r.word}**" if r.attention else r.word
    cells = (
        f"{GLYPHS[r.state][0]} {word}",
        f"{code(label(r.row))}<br>{escape(r.row['statement'])}",
        *([code(r.row["subject"])] if subject else []),
        interval(r.row) or "–",
        rule(r.row),
        units_of(r.row).removeprefix("n=") or "–",
        escape(reported(r.row)) or "–",
        escape(r.note) or "",
    )
    return f"| {' | '.join(cells)} |"
