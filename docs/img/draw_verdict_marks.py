"""Draws the sample sheets of docs/verdict_marks.md, one per theme.

python docs/img/draw_verdict_marks.py
"""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from ledger.report.palette import palette  # noqa: E402
from ledger.terminal import GLYPHS  # noqa: E402

WIDTH, ROW, TOP = 680, 34, 44
PLOT, SCALE, BADGE = 400, 36, 560
"""Where an estimate stands, half the length of its interval, and where the badge begins."""

# state of the glyph, word of the chip, alarm badge, colour token, what the plot shows
STATES = (
    ("pass", "pass", "", "pass", "disc"),
    ("fail", "fail", "", "fail", "diamond"),
    ("inconclusive", "inconclusive", "", "inc", "ring"),
    ("fail", "fail (expected pass)", "drift", "fail", "diamond ringed"),
    ("deviated", "deviated", "deviated", "muted", "disc ringed struck"),
    ("refused", "refused", "", "muted", "k differs between arms"),
    ("broken", "error", "error", "fg", "no BOS in 3 of 64 texts"),
    ("broken", "not run", "not run", "fg", "needs a GPU"),
    ("pass", "pass → inconclusive", "", "inc", "ring family"),
    ("pass", "superseded by paper.new", "", "muted", "disc old"),
)


def sheet(theme: str) -> str:
    """The SVG of one theme; the same bytes every time."""
    colour = palette(theme)
    height = TOP + ROW * len(STATES) + 10
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-label": f"Every verdict mark, {theme} theme: glyph, ASCII, word, and what the plot shows",
            "font-family": "system-ui, sans-serif",
            "font-size": "14",
        },
    )
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": colour["bg"]})
    for x, heading in ((16, "glyph"), (70, "ASCII"), (130, "word"), (PLOT - SCALE, "in a plot"), (BADGE, "badge")):
        _text(svg, x, 26, heading, colour["muted"])
    ET.SubElement(svg, "path", {"d": f"M12 {TOP - 8}H{WIDTH - 12}", "stroke": colour["hairline"]})
    for k, (state, word, badge, token, plot) in enumerate(STATES):
        _row(svg, TOP + ROW * k + ROW / 2, colour, (state, word, badge, token, plot))
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _row(svg: ET.Element, y: float, colour: dict[str, str], state: tuple[str, ...]) -> None:
    glyph_of, word, badge, token, plot = state
    hue = colour[token]
    after = "→" in word
    glyph, plain = GLYPHS["inconclusive" if after else glyph_of]
    for x, text in ((22, glyph), (80, plain), (130, word)):
        drawn = _text(svg, x, y + 5, text, hue if x != 80 else colour["fg"])
        if "old" in plot:
            drawn.set("text-decoration", "line-through")
    if badge:
        ET.SubElement(svg, "rect", {"x": "2", "y": f"{y - 13:g}", "width": "5", "height": "26", "fill": colour["fg"]})
        _badge(svg, BADGE, y, badge, colour, dashed=glyph_of == "broken")
    shape, *more = plot.split()
    if shape not in ("disc", "diamond", "ring"):
        _text(svg, PLOT - SCALE, y + 5, plot, colour["muted"])
        return
    line = colour["muted" if "old" in more else "fg"]
    if "family" in more:
        _line(svg, PLOT - 1.5 * SCALE, PLOT + 1.5 * SCALE, y, line, 1.5)
    _line(svg, PLOT - SCALE, PLOT + SCALE, y, line, 4)
    _marker(svg, shape, y, hue, colour["bg"])
    if "ringed" in more:
        ring = {"cx": f"{PLOT}", "cy": f"{y:g}", "r": "11", "fill": "none", "stroke": colour["fg"], "stroke-width": "2"}
        ET.SubElement(svg, "circle", ring)
    if "struck" in more:
        ET.SubElement(
            svg,
            "path",
            {"d": f"M{PLOT - 9} {y + 9:g}L{PLOT + 9} {y - 9:g}", "stroke": colour["fg"], "stroke-width": "2"},
        )


def _marker(svg: ET.Element, shape: str, y: float, hue: str, ground: str) -> None:
    if shape == "diamond":
        ET.SubElement(svg, "path", {"d": f"M{PLOT} {y - 8:g}l8 8l-8 8l-8 -8z", "fill": hue})
        return
    hollow = {"fill": ground, "stroke": hue, "stroke-width": "2.5"} if shape == "ring" else {"fill": hue}
    ET.SubElement(svg, "circle", {"cx": f"{PLOT}", "cy": f"{y:g}", "r": "6", **hollow})


def _badge(svg: ET.Element, x: float, y: float, word: str, colour: dict[str, str], *, dashed: bool) -> None:
    """The alarm: no hue at all, foreground and background exchanged, and a border that forced colours keep."""
    box = {"x": f"{x:g}", "y": f"{y - 12:g}", "width": f"{len(word) * 8 + 18:g}", "height": "24", "fill": colour["fg"]}
    ET.SubElement(
        svg,
        "rect",
        {**box, "stroke": colour["bg" if dashed else "fg"], "stroke-dasharray": "4 3" if dashed else "none"},
    )
    _text(svg, x + 9, y + 5, word, colour["bg"])


def _line(svg: ET.Element, x1: float, x2: float, y: float, hue: str, width: float) -> None:
    ET.SubElement(svg, "path", {"d": f"M{x1:g} {y:g}H{x2:g}", "stroke": hue, "stroke-width": f"{width:g}"})


def _text(svg: ET.Element, x: float, y: float, text: str, fill: str) -> ET.Element:
    found = ET.SubElement(svg, "text", {"x": f"{x:g}", "y": f"{y:g}", "fill": fill})
    found.text = text
    return found


if __name__ == "__main__":
    for theme in ("light", "dark"):
        (HERE / f"verdict_marks_{theme}.svg").write_text(sheet(theme), encoding="utf-8")
