"""SVG elements, made with ElementTree. Strings of artifacts become text, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from xml.etree.ElementTree import Element

from ..text import clean, middle

LONGEST = 90
CHARACTER = 6.6
"""Width of a character, on average, in the 12 px of the drawings' text."""
_NOT_XML = re.compile("[\ufffe\uffff]")


def element(tag: str, attributes: Mapping[str, object] | None = None, *children: Element) -> Element:
    """An element; numbers are rounded to a tenth of a pixel."""
    made = Element(tag, {name: _attribute(value) for name, value in (attributes or {}).items()})
    made.extend(children)
    return made


def text(x: float, y: float, words: object, kind: str = "", anchor: str = "start") -> Element:
    """A line of text. ``kind``: its classes; ``anchor``: start, middle or end."""
    attributes: dict[str, object] = {"x": x, "y": y}
    if kind:
        attributes["class"] = kind
    if anchor != "start":
        attributes["text-anchor"] = anchor
    made = element("text", attributes)
    made.text = printable(words)
    return made


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Element:
    """A straight line."""
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind})


def polyline(points: Iterable[tuple[float, float]], kind: str) -> Element:
    """A line through points, in pixels."""
    return element("polyline", {"points": _points(points), "class": kind})


def polygon(points: Iterable[tuple[float, float]], kind: str) -> Element:
    """A closed area, in pixels."""
    return element("polygon", {"points": _points(points), "class": kind})


def rectangle(x: float, y: float, width: float, height: float, kind: str, **more: object) -> Element:
    """A rectangle; ``more``: presentation attributes."""
    return element("rect", {"x": x, "y": y, "width": width, "height": height, "class": kind, **more})


def printable(words: object, longest: int = LONGEST) -> str:
    """Text without what could hide or reorder it, and of a length that fits."""
    return middle(_NOT_XML.sub(" ", clean(words)), longest)


def width_of(words: str) -> float:
    """About how wide a text is, in pixels."""
    return CHARACTER * len(words)


def pixels(value: float) -> str:
    """A coordinate: ``12``, ``12.5``."""
    return f"{round(value, 1) + 0.0:g}"  # + 0: no minus before a zero


def _attribute(value: object) -> str:
    return pixels(value) if isinstance(value, int | float) else printable(value, 4000)


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{pixels(x)},{pixels(y)}" for x, y in points)
