"""Text for people: numbers, intervals, and strings that nobody here wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import floor, log10
from typing import Any

from .claim import cell_label
from .verdict import Bound

# C0 and C1 controls, bidirectional controls, zero-width and private-use characters, variation selectors, tags and lone
# surrogates: a sentence from a YAML file or a model must not move the cursor, fake a link or hide text.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e007f]"
)


def clean(value: object) -> str:
    """One line without control, bidirectional or zero-width characters."""
    return " ".join(_UNSAFE.sub(" ", str(value)).split())


def number(value: float | None, spread: float | None = None) -> str:
    """A signed number with as many decimals as its interval's width (``spread``) can carry."""
    if value is None:
        return "-"
    decimals = 3
    if spread and 0 < spread < 0.02:
        decimals = min(8, 1 - floor(log10(spread)) + 1)
    elif spread and spread > 50:
        decimals = 1
    return f"{value:+.{decimals}f}"


def interval(row: Mapping[str, Any]) -> str:
    """``+0.072 [+0.033, +0.117]``, with its level where that is not 95 %; nothing without an estimate."""
    if row.get("estimate") is None:
        return ""
    spread = row["hi"] - row["lo"]
    level = row.get("level") or 0.95
    at = "" if abs(level - 0.95) < 1e-9 else f" at {100 * level:.4g} %"
    return f"{number(row['estimate'], spread)} [{number(row['lo'], spread)}, {number(row['hi'], spread)}]{at}"


def rule(row: Mapping[str, Any]) -> str:
    """``> 0.02``."""
    return str(Bound(row["rule"], row["bound"]))


def label(row: Mapping[str, Any]) -> str:
    """Claim id with its parameters."""
    return clean(cell_label(row["claim"], row["params"]))


def middle(text: str, width: int) -> str:
    """Shortened in the middle, so that both ends of an id stay readable."""
    if len(text) <= width:
        return text
    keep = max(width - 1, 2)
    return f"{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}"


def units_of(row: Mapping[str, Any]) -> str:
    """``n=58+60``, ``n=180 (100 sets)``."""
    counts = row.get("counts") or {}
    if row.get("n") is None:
        return ""
    if set(counts) == {"a", "b"}:
        return f"n={counts['a']}+{counts['b']}"
    if "sets" in counts:
        return f"n={row['n']} ({counts['sets']} set{'s' * (counts['sets'] != 1)})"
    return f"n={row['n']}"


def reported(row: Mapping[str, Any]) -> str:
    """What the source said: its verdict, or its number."""
    said = row.get("reported")
    if not said:
        return ""
    if said.get("verdict"):
        return clean(said["verdict"])
    if said.get("value") is None:
        return clean(said.get("words", ""))
    return number(said["value"], row["hi"] - row["lo"] if row.get("estimate") is not None else None)
