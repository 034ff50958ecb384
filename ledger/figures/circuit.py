"""What the figures of circuits share: sizes asked for and kept, random sets, and the place of the empty circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from ..errors import LedgerError
from ..text import clean
from . import marks
from .chart import GAP_WIDTH, Panel
from .evidence import Evidence, Table
from .intervals import Point
from .marks import not_measured
from .scale import Slots
from .svg import line, rectangle

EMPTY = "cannot be measured: a circuit without latents has nothing to read"
NONE, ALL = "none", "all"


@dataclass(frozen=True)
class Sizes:
    """Latents asked for per coder, and latents kept in all."""

    asked: tuple[int, ...]
    kept: Mapping[int, int]
    coders: int

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Sizes:
        """From the facts of a reading."""
        kept = {int(k): int(n) for k, n in facts["sizes"].items()}
        if not kept:
            raise LedgerError("no sizes of circuits")
        return cls(tuple(sorted(kept)), kept, len(facts["coders"]))

    @property
    def as_asked(self) -> bool:
        """Whether every circuit has as many latents as were asked for, in one coder."""
        return all(self.kept[k] == k for k in self.asked)

    @property
    def ticks(self) -> tuple[str, ...]:
        """Labels: what was asked for, with what was kept where it differs."""
        return tuple(str(k) if self.kept[k] == k else f"{k} ({self.kept[k]} kept)" for k in self.asked)

    @property
    def axis(self) -> str:
        """What the labels count."""
        return "latents in the circuit" if self.as_asked else "latents asked for per coder (kept in all coders)"

    def slots(self, start: float, end: float) -> Slots:
        """A place for the empty circuit, one per size, one for everything."""
        return Slots((NONE, *self.ticks, ALL), start, end)


class Draws(NamedTuple):
    """Random sets of one kind and size: scores, sorted."""

    kind: str
    scores: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Linear between the two nearest."""
        at = share * (len(self.scores) - 1)
        low = min(int(at), len(self.scores) - 2) if len(self.scores) > 1 else 0
        high = min(low + 1, len(self.scores) - 1)
        return self.scores[low] + (at - low) * (self.scores[high] - self.scores[low])


def draws(evidence: Evidence, part: str, kind: str, score: Callable[[float], float] = float) -> Draws | None:
    """Mean scores of the random sets in one folder of the artifact, None if it has none."""
    if not evidence.has(part):
        return None
    table: Table = evidence.table(part)
    return Draws(kind, tuple(sorted(score(table.mean(name)) for name in table.columns)))


def band(panel: Panel, place: float, found: Draws, kind: str) -> list[Element]:
    """Where 90 % of the random sets lie, and their median, across one place."""
    assert isinstance(panel.x, Slots)
    left, width = panel.x.at(place) - panel.x.step / 2, panel.x.step
    top, bottom = panel.y.at(found.quantile(0.95)), panel.y.at(found.quantile(0.05))
    middle = panel.y.at(found.quantile(0.5))
    return [
        rectangle(left, top, width, max(bottom - top, 1.0), f"band {kind}"),
        line(left, middle, left + width, middle, f"median {kind}"),
    ]


def empty_circuit(panel: Panel) -> list[Element]:
    """The first place is a gap: an empty circuit is no zero."""
    return not_measured(panel.x.at(0), panel.y.end, panel.y.start, GAP_WIDTH)


def named(evidence: Evidence, *keys: str) -> str:
    """What the circuit is of, as the rows say it."""
    parts = [str(evidence.about("concept") or evidence.root.get("label") or evidence.digest[:12])]
    layers = {"one": "one layer", "all": "several layers"}
    for key in ("layers", *keys):
        value = evidence.about(key)
        if value not in (None, "none"):
            parts.append(layers.get(str(value), str(value)))
    return clean(", ".join(parts))


def point(panel: Panel, place: float, found: Point, look: marks.Arm, state: str | None = None) -> list[Element]:
    """A number with its interval; a verdict's mark where one was given, a gap where there is no number."""
    x = panel.x.at(place)
    if found.value is None:
        return not_measured(x, panel.y.end, panel.y.start, GAP_WIDTH)
    drawn = [marks.verdict_mark(state, x, panel.y.at(found.value))] if state else []
    if not state:
        drawn = [marks.mark(look, x, panel.y.at(found.value))]
    if found.lo is None or found.hi is None:
        return drawn
    return [*marks.upright_interval(x, panel.y.at(found.lo), panel.y.at(found.hi), f"arm-{look.hue}"), *drawn]


def random_entries(kinds: Mapping[str, str]) -> list[marks.Entry]:
    """The legend's entries of random sets."""
    return [
        marks.Entry(
            f"random sets, {words}",
            drawn=[rectangle(0, -6, 28, 12, f"band {kind}"), line(0, 0, 28, 0, f"median {kind}")],
        )
        for kind, words in kinds.items()
    ]


def random_cells(found: Draws) -> tuple[Any, ...]:
    """Median, 5 % and 95 % of random sets, as the cells of an estimate and its limits."""
    about = f"median, 5 and 95 % of {len(found.scores)} random sets"
    return found.quantile(0.5), found.quantile(0.05), found.quantile(0.95), None, about, ""
