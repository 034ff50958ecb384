"""answers: what a scorer said, read item by item; what cannot be read stays in its place as None."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .scorer import Answers, Explanation

NULL = "null"
NO_LIST = "no list"
BROKEN = "broken list"
LENGTH = "wrong length"
SEVERAL = "several lists"
CUT = "cut short"
NO_EXPLANATION = "no explanation"
WHYS = (NULL, NO_LIST, BROKEN, LENGTH, SEVERAL, CUT, NO_EXPLANATION)
"""Why answers are missing."""

# delphi's prompts ask for "a valid Python list", so Python's spelling counts as well as JSON's.
_ITEMS = {"0": 0, "1": 1, "true": 1, "false": 0, "null": None, "True": 1, "False": 0, "None": None}
_ITEM = "|".join(_ITEMS)
_LIST = re.compile(rf"\[\s*(?:(?:{_ITEM})(?:\s*,\s*(?:{_ITEM}))*\s*)?\]")
_WRONG = re.compile(rf"\s*(?:[\[{{]|[\"']?(?:[\d.]+|{_ITEM})[\"']?\s*,)")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)
_MARK = re.compile(r"\[EXPLANATION\]:\s*")

Values = tuple[int | None, ...]


def parse(text: str, n: int, *, cut: bool = False) -> Answers:
    """Read a list of exactly ``n`` answers.

    The list is JSON's or Python's, of 0, 1, true, false and null, alone, under ``"answers"``, in code fences or among
    other words. A null keeps its place. There are ``n`` values whatever the text; all of them are None if it has no
    list, a broken one, only lists of another length (none is cut or padded), or different lists of this length.

    Args:
        text: what the scorer said; thoughts in ``<think>`` tags are no answer.
        n: examples that were asked about.
        cut: whether the scorer was stopped before it had finished: then nothing of it counts.
    """
    if cut:
        return Answers((None,) * n, text, CUT)
    found, why = _lists(_THOUGHT.sub(" ", text))
    right = {values for values in found if len(values) == n}
    if len(right) == 1:
        values = right.pop()
        return Answers(values, text, NULL if None in values else None)
    if right:
        why = SEVERAL
    elif found and why != BROKEN:
        why = LENGTH
    return Answers((None,) * n, text, why)


def render(values: Sequence[int | None]) -> str:
    """The list that a scorer is asked for."""
    return json.dumps(list(values))


def parse_explanation(text: str, *, cut: bool = False) -> Explanation:
    """What stands after ``[EXPLANATION]:``, where delphi's prompt asks for it; up to the next one, if there are more.

    delphi takes "Explanation could not be parsed." for an explanation; here there is then none.
    """
    if cut:
        return Explanation("", text, CUT)
    parts = _MARK.split(_THOUGHT.sub(" ", text))
    said = parts[1].strip() if len(parts) > 1 else ""
    return Explanation(said, text, None if said else NO_EXPLANATION)


def _lists(text: str) -> tuple[list[Values], str]:
    """Every list of answers in a text, and why there is none if there is none."""
    whole = _whole(text)
    if whole is not None:
        return whole
    found, why = [], NO_LIST
    for start, end in _brackets(text):
        if end is None:  # a list that never ends, and whatever it would have had inside
            why = BROKEN
            break
        match = _LIST.fullmatch(text, start, end)
        if match:
            found.append(_values(match[0]))
        elif _begins(text[start + 1 : end]):
            why = BROKEN
    # Beside a list that cannot be read, nobody knows which one was meant.
    return found if why != BROKEN else [], why


def _begins(inside: str) -> bool:
    """Whether what stands in brackets is a list of answers that went wrong, and not a word or a number in brackets."""
    return _WRONG.match(inside) is not None


def _values(listed: str) -> Values:
    return tuple(_ITEMS[item] for item in re.findall(_ITEM, listed))


def _whole(text: str) -> tuple[list[Values], str] | None:
    """The answers of a text that is one JSON object: brackets in its other strings are no lists."""
    fenced = _FENCED.fullmatch(text)
    try:
        said = json.loads(fenced[1] if fenced else text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    pairs = said if isinstance(said, list) and said and all(isinstance(pair, tuple) for pair in said) else []
    named = [value for key, value in pairs if key == "answers"]
    if not named:
        return None
    if not all(isinstance(value, list) and all(_answers(item) for item in value) for value in named):
        return [], BROKEN
    return [tuple(None if item is None else int(item) for item in value) for value in named], NO_LIST


def _answers(item: Any) -> bool:
    return item is None or (type(item) in (int, bool) and item in (0, 1))


def _brackets(text: str) -> Iterator[tuple[int, int | None]]:
    """Outermost pairs of square brackets; the last without an end if it has none."""
    depth = start = 0
    for match in re.finditer(r"[\[\]]", text):
        if match[0] == "[":
            start = match.start() if depth == 0 else start
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                yield start, match.end()
    if depth:
        yield start, None
