"""Marks: what tells arms apart (shape and dash beside colour), what a verdict looks like, what an interval looks like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import cos, pi, sin
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ..ruling import Ruling
from ..text import rule
from .svg import element, line, polygon, text

HUES = 5
STATES = ("pass", "fail", "inconclusive")


class Arm(NamedTuple):
    """How one series looks. ``hue``, ``shape`` and ``dash`` count from 1, as the classes and tokens do."""

    hue: int
    shape: int
    dash: int

    @property
    def kind(self) -> str:
        """Classes of its line."""
        return f"arm-{self.hue} dash-{self.dash}"


def arm(number: int) -> Arm:
    """The look of the series with this number, from 0. No two of the first 25 share both shape and dash."""
    shape, turn = number % HUES, number // HUES % HUES
    return Arm(shape + 1, shape + 1, (shape + turn) % HUES + 1)


def mark(look: Arm, x: float, y: float, *, hollow: bool = False, size: float = 4.6) -> Element:
    """The mark of an arm. Circle and diamond are left to verdicts."""
    return polygon(_outline(look.shape, x, y, size), f"mark arm-{look.hue}{' hollow' if hollow else ''}")


def _outline(shape: int, x: float, y: float, s: float) -> list[tuple[float, float]]:
    if shape == 1:  # square
        return [(x - s, y - s), (x + s, y - s), (x + s, y + s), (x - s, y + s)]
    if shape in (2, 3):  # triangle, on its foot or on its tip
        up = s * (1.15 if shape == 2 else -1.15)
        return [(x, y - up), (x + 1.15 * s, y + up * 0.8), (x - 1.15 * s, y + up * 0.8)]
    if shape == 4:  # cross
        t, r = s / 2.6, s * 1.15
        upright = [
            (-t, -r),
            (t, -r),
            (t, -t),
            (r, -t),
            (r, t),
            (t, t),
            (t, r),
            (-t, r),
            (-t, t),
            (-r, t),
            (-r, -t),
            (-t, -t),
        ]
        return [(x + dx, y + dy) for dx, dy in upright]
    radii = [s * 1.35, s * 0.6] * 5  # star
    return [(x + r * sin(i * pi / 5), y - r * cos(i * pi / 5)) for i, r in enumerate(radii)]


def verdict_mark(state: str, x: float, y: float, size: float = 4.6) -> Element:
    """Pass: filled circle. Fail: filled diamond. Anything else: hollow circle."""
    kind = f"verdict-mark {state if state in STATES else 'inconclusive'}"
    if state == "fail":
        r = size * 1.2
        return polygon([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], kind)
    return element("circle", {"cx": x, "cy": y, "r": size, "class": kind})


def upright_interval(x: float, y_lo: float, y_hi: float, kind: str, cap: float = 3.5) -> list[Element]:
    """An interval along a vertical axis, with caps."""
    return [
        line(x, y_lo, x, y_hi, f"interval {kind}"),
        *(line(x - cap, y, x + cap, y, f"interval {kind}") for y in (y_lo, y_hi)),
    ]


def level_interval(y: float, x_lo: float, x_hi: float, kind: str, cap: float = 3.5) -> list[Element]:
    """An interval along a horizontal axis, with caps."""
    return [
        line(x_lo, y, x_hi, y, f"interval {kind}"),
        *(line(x, y - cap, x, y + cap, f"interval {kind}") for x in (x_lo, x_hi)),
    ]


def chosen(x: float, y: float) -> Element:
    """A ring around what was chosen."""
    return element("circle", {"cx": x, "cy": y, "r": 8, "class": "chosen"})


def tick(x: float, y: float) -> Element:
    """An estimate that is no arm's."""
    return line(x, y - 6, x, y + 6, "interval")


def arrowhead(x: float, y: float, up: bool = True) -> Element:
    """What lies beyond the axis."""
    s = -5.0 if up else 5.0
    return polygon([(x - 4, y), (x + 4, y), (x, y + s)], "beyond")


def not_measured(x: float, top: float, bottom: float, width: float, words: str = "cannot be measured") -> list[Element]:
    """A gap in place of a number that does not exist, and why."""
    middle = (top + bottom) / 2
    label = text(0, 0, words, "gap-label", "middle")
    label.set("transform", f"translate({x + 4:.1f} {middle:.1f}) rotate(-90)")
    return [
        element("rect", {"x": x - width / 2, "y": top, "width": width, "height": bottom - top, "class": "gap"}),
        label,
    ]


class Entry(NamedTuple):
    """One entry of a legend: a series, or with ``drawn`` anything else."""

    label: str
    look: Arm | None = None
    hollow: bool = False
    drawn: Sequence[Element] = ()


def level_entry(label: str, kind: str) -> Entry:
    """The legend's entry of a level."""
    return Entry(label, drawn=[line(0, 0, 28, 0, f"level {kind}")])


def bound_entries(rulings: Iterable[Ruling]) -> list[Entry]:
    """The legend's entries of bounds, in the words of the rule."""
    words = {(r.row["bound"], rule(r.row)) for r in rulings}
    return [level_entry(f"claimed {said}", "bound") for _, said in sorted(words)]


def verdict_entries(states: Iterable[str]) -> list[Entry]:
    """The legend's entries of the verdicts that are drawn."""
    seen = {state if state in STATES else "inconclusive" for state in states}
    return [Entry(s, drawn=[verdict_mark(s, 14, 0)]) for s in STATES if s in seen]
