"""Standalone: a drawing of the page as an SVG file that needs no page, and as a PNG."""

from __future__ import annotations

import copy
import re
from functools import cache
from xml.etree.ElementTree import Element, tostring

from ..errors import LedgerError
from ..report.palette import ASSETS, tokens
from .svg import element

ZOOM = 2
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_USE = re.compile(r"var\(--([\w-]+)\)")


@cache
def light_style() -> str:
    """The figures' style sheet with every token replaced by its light value."""
    values = tokens()
    css = _COMMENT.sub("", (ASSETS / "figures.css").read_text("utf-8"))
    if unknown := sorted(set(_USE.findall(css)) - set(values)):
        raise LedgerError(
            f"figures.css uses {', '.join(f'--{name}' for name in unknown)}, which tokens.css does not define"
        )
    return "\n".join(line for line in _USE.sub(lambda m: values[m[1]], css).splitlines() if line.strip())


def standalone(svg: Element) -> str:
    """The drawing as a file: on its own background, with its own style."""
    alone = copy.deepcopy(svg)
    alone.set("xmlns", "http://www.w3.org/2000/svg")
    style = element("style")
    style.text = light_style()
    ground = element("rect", {"width": "100%", "height": "100%", "fill": tokens()["bg"]})
    alone[1:1] = [style, ground]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(alone, "unicode")}\n'


def png(svg: Element) -> bytes:
    """The standalone drawing in pixels, twice its size.

    Raises:
        LedgerError: the extra ``figures`` is not installed.
    """
    try:
        import resvg_py
    except ImportError:
        raise LedgerError(
            'PNG needs the extra "figures": pip install "mi-assay[figures]". SVG and CSV need nothing (--format svg,csv)'
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=standalone(svg), zoom=ZOOM, sans_serif_family="DejaVu Sans"))
