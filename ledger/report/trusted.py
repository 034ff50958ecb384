"""The only file that hands text to the page unescaped: what this package wrote itself, or has escaped itself."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

from .island import encode


def own_text(text: str) -> Markup:
    """A script or style sheet of this package, which contains no ``</``.

    Raises:
        ValueError: it does contain one, and would end the element that it stands in.
    """
    if "</" in text or "<!--" in text:
        raise ValueError("an asset of the report contains '</' or '<!--', and would end its own element")
    return Markup(text)


def island(value: Any) -> Markup:
    """JSON in which ``<``, ``>`` and ``&`` are escaped."""
    return Markup(encode(value))


def drawing(svg: ElementTree.Element) -> Markup:
    """An SVG as ElementTree writes it, which escapes every text and attribute."""
    return Markup(ElementTree.tostring(svg, encoding="unicode"))
