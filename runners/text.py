"""Text for people: sizes, times, and strings that nobody here wrote."""

from __future__ import annotations

import re

from .errors import RunnersError

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def clean(value: object) -> str:
    """One line without control, bidirectional or zero-width characters."""
    return " ".join(_UNSAFE.sub(" ", str(value)).split())


def clean_line(text: str) -> str:
    """The same, with the spaces of a table."""
    return _UNSAFE.sub(" ", text)


def size(n: float) -> str:
    """``4.1 MB``, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 999.5:
            return f"{n:.0f} {unit}" if unit == "B" or n >= 99.5 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"


def span(seconds: float) -> str:
    """``0.4 s``, ``61 s``, ``12 min``, ``5 h``, ``30 d``: the unit that a person would use."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    for limit, per, unit in ((120, 1, "s"), (7200, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / per:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def parse_size(text: str) -> int:
    """Bytes of ``20GB``, ``500 MB``, ``1.5GiB`` or ``20000000000``.

    Raises:
        RunnersError: anything else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgGtT]?i?)[bB]?\s*", text)
    if not found or found[2].upper() == "I":
        raise RunnersError(f"size {text!r}: expected a number with a unit, such as 20GB or 500MB.")
    return int(float(found[1]) * {**_UNITS, **_BINARY}[found[2].upper()])


def parse_span(text: str) -> float:
    """Seconds of ``30d``, ``12h``, ``90m`` or ``45s``.

    Raises:
        RunnersError: anything else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", text)
    if not found:
        raise RunnersError(f"age {text!r}: expected a number with s, m, h, d or w, such as 30d.")
    return float(found[1]) * _SPANS[found[2]]
