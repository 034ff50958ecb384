"""CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from .text import clean

# A spreadsheet takes what begins with one of these for a formula; LibreOffice and Excel skip blanks before it.
_FORMULA = re.compile(r"\s*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""A header line and one line per row, ending in ``\n``.

    Numbers are written with all their digits, None as an empty cell. Text is cleaned as :func:`.text.clean` does; if
    it begins as a formula would, an apostrophe comes before it.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([csv_cell(c) for c in columns])
    for row in rows:
        writer.writerow([csv_cell(value) for value in row])
    return file.getvalue()


def csv_cell(value: object) -> str:
    """One cell, before it is quoted."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return repr(value)
    raw, text = str(value), clean(value)
    # Also what the blanks were that cleaning took away: a tab alone opens a formula in some programs.
    if (_FORMULA.match(text) or _FORMULA.match(raw)) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
