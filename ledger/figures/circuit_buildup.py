"""Circuit build-up: probe accuracy of a circuit's part in the first layers, layer by layer."""

from __future__ import annotations

from typing import Any

from ..ruling import Ruling
from ..text import rule
from . import intervals, marks
from .chart import LEFT, RIGHT, WIDTH, Chart, Panel
from .circuit import EMPTY, NONE, Sizes, empty_circuit, named, point
from .evidence import Evidence, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear, Slots
from .svg import line, polyline, text

COLUMNS = ("shown", "latents per coder", "coders", "latents kept", *intervals.COLUMNS)
CHANCE = 0.5
BOUND = 9
"""Width of a bound in pixels: each mark has its own above or below it."""
SPREAD = 0.5
"""Of a place: how far apart the arms stand."""


def draw(evidence: Evidence) -> Figure | None:
    """Of one artifact of ``mi.circuits.probing:probing``; None where the circuit lies in one layer."""
    table = evidence.table()
    sizes = Sizes.of(table.facts)
    if sizes.coders < 2:
        return None
    depths = range(1, sizes.coders + 1)
    accuracy = {(k, n): intervals.of_mean(table.column(f"depth_k{k}_{n}")) for k in sizes.asked for n in depths}
    ceiling = intervals.of_mean(table.column("full"))
    judged = {
        (k, n): found
        for k in sizes.asked
        for n in depths
        if (found := evidence.judged(design="paired", probe=[f"circuit_k{k}", f"depth_k{k}_{n}"]))
    }
    looks = {k: marks.arm(i) for i, k in enumerate(sizes.asked)}
    what = named(evidence, "null")
    chart = Chart(f"Circuit build-up: {what}, {evidence.subject}")
    bounds = sorted({r.row["bound"] for rulings in judged.values() for r in rulings})
    chart.legend(
        [
            *(marks.Entry(f"{k} latents per layer", looks[k]) for k in sizes.asked),
            marks.level_entry("ceiling: all latents", "ceiling"),
            marks.level_entry("chance", "chance"),
            *marks.bound_entries(r for rulings in judged.values() for r in rulings),
            *marks.verdict_entries(r.state for rulings in judged.values() for r in rulings),
        ]
    )
    slots = Slots((NONE, *(_first(n) for n in depths)), LEFT, WIDTH - RIGHT)
    places = {k: (i - (len(looks) - 1) / 2) * SPREAD / max(len(looks), 1) for i, k in enumerate(looks)}
    top = chart.room(262) + 20
    panel = Panel(slots, Linear(0.0, 1.03, top + 190, top))
    chart.add(panel.frame("Probe accuracy on held-out examples", "layers that the probe may read", "accuracy"))
    chart.add(panel.level(CHANCE, "chance"))
    if ceiling.value is not None:
        chart.add(panel.level(ceiling.value, "ceiling"))
    chart.add(empty_circuit(panel))
    for k, look in looks.items():
        path = [(slots.at(n + places[k]), panel.y.at(accuracy[k, n].value or 0.0)) for n in depths]
        chart.add([polyline(path, f"series {look.kind}")])
        for n in depths:
            chart.add(point(panel, n + places[k], accuracy[k, n], look))
    if judged:
        _gain_panel(chart, slots, judged, bounds, looks, places)
    caption = (
        f"Above: share of {len(table.units)} held-out examples on which a probe is right that reads the circuit's latents in "
        "the first layers only; straight lines join what was measured, nothing is smoothed. Below: what the later layers "
        "add, as judged; the short line above or below each mark is the bound "
        "that it was judged against. Without a layer there is nothing to read, which is no zero. Bars are intervals, 95 % above."
    )
    said = "; ".join(f"{k} per layer, {_first(n)}: {p.words}" for (k, n), p in accuracy.items())
    sentence = f"Probe accuracy of a circuit of {what} by layers: {said}. Ceiling {ceiling.words}. {verdict_sentence([evidence])}"
    return chart.figure(
        "circuit-buildup",
        [evidence],
        what,
        caption=caption,
        sentence=sentence,
        columns=COLUMNS,
        rows=_rows(sizes, accuracy, judged, ceiling),
    )


def _first(n: int) -> str:
    return "first" if n == 1 else f"first {n}"


def _gain_panel(
    chart: Chart,
    slots: Slots,
    judged: dict[tuple[int, int], list[Ruling]],
    bounds: list[float],
    looks: dict[int, marks.Arm],
    places: dict[int, float],
) -> None:
    values = [v for rulings in judged.values() for r in rulings for v in (r.row["lo"], r.row["hi"])]
    top = chart.room(222) + 20
    panel = Panel(slots, Linear.around([*values, *bounds], top + 150, top, keep=(0.0,)))
    chart.add(panel.frame("Whole circuit less its first layers", "layers that the probe may read", "difference"))
    chart.add(panel.level(0.0, "zero"))
    chart.add(empty_circuit(panel))
    words: dict[float, str] = {r.row["bound"]: rule(r.row) for rulings in judged.values() for r in rulings}
    for bound, said in words.items():
        chart.add([text(slots.end - 2, panel.y.at(bound) + 4, said, "level-label", "end")])
    for (k, n), rulings in judged.items():
        for i, ruling in enumerate(rulings):
            place = n + places[k] + i * 10 / slots.step
            x, y = slots.at(place), panel.y.at(ruling.row["bound"])
            chart.add([line(x - BOUND / 2, y, x + BOUND / 2, y, "level bound")])
            chart.add(point(panel, place, intervals.of_row(ruling), looks[k], ruling.state))


def _rows(
    sizes: Sizes,
    accuracy: dict[tuple[int, int], Point],
    judged: dict[tuple[int, int], list[Ruling]],
    ceiling: Point,
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for k in sizes.asked:
        rows.append(("probe accuracy", k, 0, 0, *Point(None, why_not=EMPTY).cells))
    for (k, n), found in accuracy.items():
        rows.append(("probe accuracy", k, n, k * n, *found.cells))
    for (k, n), rulings in judged.items():
        rows += [("whole circuit less this", k, n, k * n, *intervals.of_row(r).cells) for r in rulings]
    return [*rows, ("ceiling: all latents", None, sizes.coders, None, *ceiling.cells)]
