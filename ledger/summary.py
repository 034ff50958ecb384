"""GitHub's surfaces: the step summary within its byte budget, and annotations on YAML lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from .markdown import code, verdict_table
from .row import wants_attention
from .text import clean, label

BUDGET = 900 * 1024  # GitHub drops a summary of over 1 MiB whole instead of cutting it
ANNOTATIONS = 9  # it shows ten per step; the tenth says how many more there are


def render_summary(rows: Sequence[Mapping[str, Any]], header: Mapping[str, Any], budget: int = BUDGET) -> str:
    """The verdict table within ``budget`` bytes; whole rows are left out, and the last line says so."""
    git = header.get("git") or {}
    commit = str(git.get("commit") or "no git")[:10]
    top = f"### Verdicts of run {code(header.get('run'))}\n\ncommit {code(commit)}{' (dirty)' if git.get('dirty') else ''}\n\n"
    lo, hi = 0, len(rows)
    text = top + verdict_table(rows)
    if len(text.encode()) <= budget:
        return text
    while lo < hi:  # the most rows that fit
        mid = (lo + hi + 1) // 2
        lo, hi = (mid, hi) if len((top + verdict_table(rows, limit=mid)).encode()) <= budget else (lo, mid - 1)
    return top + verdict_table(rows, limit=lo)


def append_summary(path: Path, rows: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> None:
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
