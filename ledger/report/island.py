"""The data of the page: JSON that no browser can take for markup, in columns that repeat nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LedgerError

# "<" alone is not enough to escape: the plain text "<!--<script>" would swallow the page's own end tag.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def encode(value: Any) -> str:
    """JSON for a ``<script type="application/json">``.

    Raises:
        LedgerError: something that is not JSON, NaN included.
    """
    try:
        text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as exc:
        raise LedgerError(f"the report cannot hold this: {exc}. Expected plain JSON with finite numbers") from None
    return text.translate(_ESCAPES)


def pack(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Records as columns: ``{"length": n, "columns": {key: [kind, ...]}}``, each in the shortest of three forms.

    ``["same", value]``; ``["each", [value, ...]]``; ``["of", [distinct, ...], [index, ...]]``. A key that a record
    lacks is null. ``unpack`` in island.js is the inverse.
    """
    keys = dict.fromkeys(key for record in records for key in record)
    columns = {key: _column([record.get(key) for record in records]) for key in keys}
    return {"length": len(records), "columns": columns}


def _column(values: list[Any]) -> list[Any]:
    places: dict[str, int] = {}
    distinct: list[Any] = []
    indices: list[int] = []
    size = 0
    for value in values:
        text = encode(value)
        size += len(text) + 1
        if text not in places:
            places[text] = len(distinct)
            distinct.append(value)
        indices.append(places[text])
    if len(distinct) == 1:
        return ["same", distinct[0]]
    folded = sum(len(text) + 1 for text in places) + sum(len(str(i)) + 1 for i in indices)
    return ["of", distinct, indices] if folded < size else ["each", values]
