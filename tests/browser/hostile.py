"""Text that nobody here wrote, put into every text field of a ledger, one payload at a time."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection, Iterator
from typing import Any

from ledgers import HEADER, RUN, Judged, every_state

from ledger.errors import LedgerError
from ledger.row import problem_with
from ledger.ruling import rulings

# Alone, because a string that holds several disarms itself: its own end tag closes the trap that it opened.
PAYLOADS = {
    "end tag": "</script><script>window.ran.push('end tag')</script>",
    "comment": "<!--<script>",
    "image": "<img src=x onerror=window.ran.push('image')>",
    "svg": "<svg onload=window.ran.push('svg')><a href=javascript:window.ran.push('a')>x</a></svg>",
    "attribute": "\" onmouseover=window.ran.push('attribute') x='",
    "style": "</style><style>body{display:none}</style>",
    "title": "</title></textarea></details><base href=https://evil.example/>",
    "entity": "&lt;b&gt; &#60;b&#62; &amp; &nbsp;",
    "address": "javascript:window.ran.push('address')",
    "template": "{{ 7 * 7 }} {% raw %} ${7 * 7} #{7}",
    "bidi": "\u202egpj.exe\u2066 and \u200bnothing\ufeff",
    "controls": "a\x1b[2J\x1b]0;title\x07b\r\n\tc\x00d\x9b31m",
    "separators": "one\u2028two\u2029three",
    "surrogate": "half \ud800 a pair",
    "private": "private \ue000 use \U000e0041 tag",
    "prototype": "__proto__",
    "formula": '=HYPERLINK("https://evil.example","x")',
    "yaml": "a: [b\n- !!python/object c: 'd",
    "long": "x" * 400,
}
CASES = (
    "paper.above-pass",
    "paper.drifts",
    "paper.strays",
    "paper.breaks",
    "paper.head-b",
    "paper.moved",
    "paper.again",
)
"""Rows that between them have every field that a page may show."""
ABOUT: dict[str, Any] = {
    "reported": {"verdict": "pass", "words": "well", "value": 0.1},
    "source": {"title": "a paper", "url": "https://example.org/", "section": "4"},
    "section": "comparison",
    "expected_why": "why",
    "supersedes": "paper.nobody",
    "controls": [{"id": "paper.absent", "required": True}],
    "promise_changed": {"run": "r0", "keys": {"statement": ["x", "y"]}},
    "seen_before": {"claim": "paper.old", "run": "r0"},
    "deviations": [{"key": "measured.k", "registered": "eight", "executed": "nine"}],
    "params": {"k": "v"},
    "measured": {"basis": "a table", "arm": "a"},
    "unconfirmed": ["k"],
    "flags": ["selected on test"],
    "reason": {"short": "why", "detail": "what", "fix": "how"},
    "artifacts": ["ab" * 32],
    "run": RUN,
}


def strings_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every text inside a record."""
    if isinstance(value, str):
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from strings_of(inner, (*path, key))


def put(record: dict[str, Any], path: tuple[Any, ...], text: str) -> dict[str, Any]:
    """A copy with ``text`` in one place."""
    changed = copy.deepcopy(record)
    at: Any = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = text
    return changed


def hostile_rows(payload: str, cases: Collection[str] = CASES) -> list[Judged]:
    """Each case once per text field, and once with the payload in all of them and in its unit ids; what no reader takes is left out."""
    rows: list[Judged] = []
    for judged in (j for j in every_state() if j.row["claim"] in cases and j.row["subject"] == "organism"):
        row, stored = {**judged.row, **ABOUT}, judged.stored
        if stored is not None:
            stored = {**stored, "units": [f"{payload} {k}" for k in range(len(stored["units"]))]}
            text = json.dumps(stored, sort_keys=True, separators=(",", ":"))
            row["data"] = hashlib.sha256(text.encode()).hexdigest()
        soaked = row
        for path in strings_of({key: value for key, value in row.items() if key not in ("record", "data")}):
            changed = put(row, path, payload)
            if problem_with(changed) is None and _readable(changed):
                rows.append(Judged(changed, stored))
                soaked = put(soaked, path, payload)
        rows.append(Judged(soaked, stored))
    return rows


def _readable(row: dict[str, Any]) -> bool:
    try:
        return bool(rulings([row]))
    except (LedgerError, KeyError, TypeError):
        return False


def hostile_header(payload: str) -> dict[str, Any]:
    """A run record with the payload in every text field and every name of a version."""
    header = copy.deepcopy(HEADER)
    for path in strings_of(HEADER):
        header = put(header, path, payload)
    header["lock"]["versions"][payload] = payload
    header["run"] = payload
    return header
