"""Forms: what a field of a row or of a run record must be for the page to draw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

HUGE = 1e150
"""Numbers are smaller than this in size: the product of two is still a number, and so is each coordinate."""

Form = tuple[str, Callable[[Any], bool]]
"""What is expected, in words, and whether a value is that."""


def is_number(value: Any) -> bool:
    """Whether a value can be drawn as a number; booleans, NaN and infinities cannot."""
    return type(value) in (int, float) and -HUGE < value < HUGE


def _each(what: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(what, value))


def _values(what: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Mapping) and all(v is None or what(v) for v in value.values())


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool) or is_number(value)


_TEXT: Form = ("text", _is_text)
_FLAG: Form = ("true or false", lambda value: isinstance(value, bool))
_NUMBER: Form = (f"a number within ±{HUGE:g}", is_number)
_SHARE: Form = ("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)
_TEXTS: Form = ("a list of text", _each(_is_text))
_OBJECT: Form = ("an object", lambda value: isinstance(value, Mapping))

ROW: dict[str, Form] = {
    **dict.fromkeys(("estimate", "lo", "hi", "n", "bound", "rope", "p_pass", "p_fail", "mde", "units_needed"), _NUMBER),
    **dict.fromkeys(("attempt", "seconds", "reported.value", "reported.lo", "reported.hi", "reported.n"), _NUMBER),
    **dict.fromkeys(("adjusted.lo", "adjusted.hi", "adjusted.m"), _NUMBER),
    **dict.fromkeys(("cost.estimated_usd", "cost.spent_usd"), _NUMBER),
    **dict.fromkeys(("level", "alpha", "alpha_spent", "adjusted.level"), _SHARE),
    **dict.fromkeys(("section", "tier", "calibration", "looks", "time", "limited_by", "reason.short"), _TEXT),
    **dict.fromkeys(("reported.verdict", "reported.words", "adjusted.method"), _TEXT),
    **dict.fromkeys(("artifacts", "flags", "unconfirmed"), _TEXTS),
    **dict.fromkeys(("counts", "extra"), ("an object of numbers", _values(is_number))),
    "source": ("an object of text", _values(_is_text)),
    "replay": _FLAG,
}
"""Fields of a row beyond what :func:`ledger.row.problem_with` promises of them, by their path; each may be null or absent."""

HEADER: dict[str, Form] = {
    **dict.fromkeys(("time", "mi_assay", "git.commit", "lock.sha256"), _TEXT),
    "git.dirty": _FLAG,
    **dict.fromkeys(("git", "lock"), _OBJECT),
    **dict.fromkeys(("lock.versions", "hardware"), ("an object of text and numbers", _values(_is_plain))),
    "command": _TEXTS,
}
"""Of a run record."""

SEAL: dict[str, Form] = {"seconds": _NUMBER, "exitstatus": _NUMBER}
"""Of a seal."""


def misfit(record: Mapping[str, Any], forms: Mapping[str, Form]) -> str | None:
    """The first field that cannot be drawn: what it is and what was expected; None if all can be."""
    for path, (expected, fits) in forms.items():
        value: Any = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None and not fits(value):
            return f"{path!r} is {value!r:.60}. Expected {expected}"
    return None
