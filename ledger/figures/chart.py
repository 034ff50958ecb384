"""Chart: panels one below the other, a legend, and the finished drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from ..text import middle
from . import marks
from .evidence import Evidence, labels
from .figure import Figure
from .identity import identity
from .scale import Linear, Logarithmic, Scale, Slots
from .svg import CHARACTER, element, line, printable, text, width_of

WIDTH = 680
LEFT, RIGHT = 62, 14
LINE = 17
"""Pixels from one line of text to the next."""
GAP_WIDTH = 34
ROW = 24
"""Height of one line of a panel of lines."""


@dataclass(frozen=True)
class Panel:
    """A plotting area with its two scales; the y scale runs upward."""

    x: Scale
    y: Linear | Logarithmic

    def frame(self, title: str, x_label: str, y_label: str) -> list[Element]:
        """Axes with ticks and labels, and the title above."""
        left, right, bottom, top = self.x.start, self.x.end, self.y.start, self.y.end
        found = [text(left, top - 9, title, "panel-title")]
        for y, label in self.y.marks():
            found += [line(left, y, right, y, "grid"), text(left - 6, y + 4, label, "tick", "end")]
        found += [line(left, bottom, right, bottom, "axis"), line(left, top, left, bottom, "axis")]
        for x, label in self.x.marks():
            if not isinstance(self.x, Slots):
                found.append(line(x, bottom, x, bottom + 4, "axis"))
            found.append(text(x, bottom + 16, label, "tick", "middle"))
        found.append(text((left + right) / 2, bottom + 33, x_label, "axis-label", "middle"))
        up = text(0, 0, y_label, "axis-label", "middle")
        up.set("transform", f"translate({left - 46:.1f} {(top + bottom) / 2:.1f}) rotate(-90)")
        return [*found, up]

    def level(self, value: float, kind: str) -> list[Element]:
        """A horizontal line across the panel, such as chance or a bound; nothing where it lies beyond the axis."""
        y = self.y.at(value)
        return [line(self.x.start, y, self.x.end, y, f"level {kind}")] if self.y.holds(value) else []

    def upright(self, value: float, kind: str) -> list[Element]:
        """A vertical line; nothing where it lies beyond the axis."""
        assert not isinstance(self.x, Slots)
        x = self.x.at(value)
        return [line(x, self.y.start, x, self.y.end, f"level {kind}")] if self.x.holds(value) else []


@dataclass(frozen=True)
class Lines:
    """A plotting area with one line per thing, and its horizontal axis."""

    x: Linear
    y: Slots

    def upright(self, value: float, kind: str) -> list[Element]:
        """A vertical line across all of them; nothing where it lies beyond the axis."""
        x = self.x.at(value)
        return [line(x, self.y.start, x, self.y.end, f"level {kind}")] if self.x.holds(value) else []


class Chart:
    """A drawing that grows downward."""

    def __init__(self, title: str) -> None:
        self.title = printable(title, 100)
        self.below = 24.0
        self.body: list[Element] = [text(4, 14, self.title, "figure-title")]

    def add(self, elements: Iterable[Element]) -> None:
        """Put elements on top of what is there."""
        self.body.extend(elements)

    def room(self, height: float) -> float:
        """Take so many pixels below everything; returns where they begin."""
        top, self.below = self.below, self.below + height
        return top

    def legend(self, entries: Sequence[marks.Entry], left: float = 4.0) -> None:
        """What the marks mean, on as many lines as it takes."""
        x, y = left, self.room(LINE) + 10
        for entry in entries:
            needed = 34 + width_of(entry.label) + 20
            if x > left and x + needed > WIDTH:
                x, y = left, self.room(LINE) + 10
            if entry.look is not None:
                self.add([line(x, y - 4, x + 28, y - 4, f"series {entry.look.kind}")])
                self.add([marks.mark(entry.look, x + 14, y - 4, hollow=entry.hollow)])
            for drawn in entry.drawn:
                self.add([element("g", {"transform": f"translate({x:.1f} {y - 4:.1f})"}, drawn)])
            self.add([text(x + 34, y, entry.label, "legend")])
            x += needed
        self.below += 4

    def lines(
        self,
        title: str,
        names: Sequence[str],
        x_label: str,
        scale: Callable[[float, float], Linear],
        right: float = RIGHT,
    ) -> Lines:
        """A panel with one named line per entry, and a horizontal axis that ``scale(start, end)`` makes; ``right``: its margin."""
        longest = max(map(width_of, names), default=0.0)
        left = min(max(longest + 16, LEFT), WIDTH * 0.46)
        top = self.room(len(names) * ROW + 74) + 22
        bottom = top + len(names) * ROW
        panel = Lines(scale(left, WIDTH - right), Slots(tuple(names), top, bottom))
        self.add([text(4, top - 9, title, "panel-title")])
        for x, label in panel.x.marks():
            self.add([line(x, top, x, bottom, "grid"), text(x, bottom + 16, label, "tick", "middle")])
        self.add([line(left, bottom, WIDTH - right, bottom, "axis")])
        fits = round((left - 16) / CHARACTER)  # rounding down would cut the longest name that fits
        for y, name in panel.y.marks():
            self.add([text(left - 10, y + 4, middle(name, fits), "line-label", "end")])
        self.add([text((left + WIDTH - right) / 2, bottom + 33, x_label, "axis-label", "middle")])
        return panel

    def svg(self, sentence: str) -> Element:
        """The drawing, with its accessible name."""
        name = element("title")
        name.text = self.title
        height = round(self.below + 2)
        root = element(
            "svg",
            {
                "viewBox": f"0 0 {WIDTH} {height}",
                "width": WIDTH,
                "height": height,
                "class": "chart",
                "role": "img",
                "aria-label": printable(sentence, 4000),
            },
            name,
        )
        root.extend(self.body)
        return root

    def figure(
        self,
        kind: str,
        used: Sequence[Evidence],
        *what: str,
        caption: str,
        sentence: str,
        columns: tuple[str, ...],
        rows: Iterable[tuple[Any, ...]],
    ) -> Figure:
        """The finished figure; ``kind`` and ``what`` are words of its id, ``used`` all artifacts that it is drawn from."""
        return Figure(
            id=identity(kind, used[0], *what),
            title=self.title,
            caption=caption,
            sentence=sentence,
            subject=used[0].subject,
            claims=labels(used),
            artifacts=tuple(e.digest for e in used),
            svg=self.svg(sentence),
            columns=columns,
            rows=tuple(rows),
        )
