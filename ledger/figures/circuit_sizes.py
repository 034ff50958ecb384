"""Circuit sizes, read by probes: accuracy and faithfulness by K, with random sets, ceiling and chance."""

from __future__ import annotations

from typing import Any

from ..ruling import Ruling
from . import intervals, marks
from .chart import LEFT, RIGHT, WIDTH, Chart, Panel
from .circuit import (
    ALL,
    EMPTY,
    NONE,
    Draws,
    Sizes,
    band,
    draws,
    empty_circuit,
    named,
    point,
    random_cells,
    random_entries,
)
from .evidence import Evidence, Table, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear

KINDS = {"matched": "as often active", "any": "any latents"}
CIRCUIT = marks.arm(0)
CHANCE = 0.5
"""Of two balanced classes: what a probe that knows nothing is right on, and 0 on the scale of faithfulness."""
COLUMNS = ("shown", "asked for per coder", "kept", *intervals.COLUMNS)


def draw(evidence: Evidence) -> Figure:
    """Of one artifact of ``mi.circuits.probing:probing``."""
    table = evidence.table()
    sizes, ceiling = Sizes.of(table.facts), intervals.of_mean(table.column("full"))
    accuracy = {k: intervals.of_mean(table.column(f"circuit_k{k}")) for k in sizes.asked}
    judged = {
        k: found[0]
        for k in sizes.asked
        if (found := evidence.judged(design="faithfulness", probe=[f"circuit_k{k}", "full"]))
    }
    shares = {k: _share(table, k, judged) for k in sizes.asked}
    random = {
        (kind, k): drawn
        for kind in KINDS
        for k in sizes.asked
        if (drawn := draws(evidence, f"random/{kind}_k{k}", kind))
    }
    what = named(evidence, "null")
    chart = Chart(f"Circuit sizes: {what}, {evidence.subject}")
    chart.legend(
        [
            marks.Entry("circuit", drawn=[marks.mark(CIRCUIT, 14, 0)]),
            *random_entries({kind: words for kind, words in KINDS.items() if any(k == kind for k, _ in random)}),
            marks.level_entry("ceiling: all latents", "ceiling"),
            marks.level_entry("chance", "chance"),
            *marks.bound_entries(judged.values()),
            *marks.verdict_entries(r.state for r in judged.values()),
        ]
    )
    _accuracy_panel(chart, sizes, accuracy, ceiling, random)
    _share_panel(chart, sizes, shares, judged)
    sets = max((len(d.scores) for d in random.values()), default=0)
    caption = (
        f"Above: share of {len(table.units)} held-out examples on which a probe is right that reads the circuit's latents "
        f"only; boxes: where 90 % of {sets} random sets of the same size lie, and their median. Below: the share of what "
        "the probe on all latents knows above chance. Bars are 95 % intervals, or as judged where a claim was. The empty "
        "circuit is no zero: a probe would have nothing to read."
    )
    points = "; ".join(f"with {sizes.kept[k]} latents {accuracy[k].words}" for k in sizes.asked)
    sentence = (
        f"Probe accuracy of a circuit of {what}: {points}; with all latents {ceiling.words}. "
        f"The empty circuit cannot be measured. {verdict_sentence([evidence])}"
    )
    return chart.figure(
        "circuit-sizes",
        [evidence],
        what,
        caption=caption,
        sentence=sentence,
        columns=COLUMNS,
        rows=_rows(sizes, accuracy, shares, ceiling, random),
    )


def _share(table: Table, k: int, judged: dict[int, Ruling]) -> Point:
    if k in judged:
        return intervals.of_row(judged[k])
    return intervals.of_share(table.column(f"circuit_k{k}"), table.column("full"), CHANCE)


def _bounds(judged: dict[int, Ruling]) -> list[float]:
    return sorted({r.row["bound"] for r in judged.values()})


def _accuracy_panel(
    chart: Chart, sizes: Sizes, accuracy: dict[int, Point], ceiling: Point, random: dict[tuple[str, int], Draws]
) -> None:
    top = chart.room(262) + 20
    panel = Panel(sizes.slots(LEFT, WIDTH - RIGHT), Linear(0.0, 1.03, top + 190, top))
    chart.add(panel.frame("Probe accuracy on held-out examples", sizes.axis, "accuracy"))
    places = {k: i for i, k in enumerate(sizes.asked, 1)}
    for (kind, k), found in random.items():
        chart.add(band(panel, places[k], found, kind))
    chart.add(panel.level(CHANCE, "chance"))
    if ceiling.value is not None:
        chart.add(panel.level(ceiling.value, "ceiling"))
    chart.add(empty_circuit(panel))
    for k, measured in accuracy.items():
        chart.add(point(panel, places[k], measured, CIRCUIT))
    chart.add(point(panel, len(sizes.asked) + 1, ceiling, CIRCUIT))


def _share_panel(chart: Chart, sizes: Sizes, shares: dict[int, Point], judged: dict[int, Ruling]) -> None:
    values = [v for p in shares.values() for v in p[:3] if v is not None]
    top = chart.room(222) + 20
    y = Linear.around([*values, *_bounds(judged)], top + 150, top, keep=(0.0, 1.03))
    panel = Panel(sizes.slots(LEFT, WIDTH - RIGHT), y)
    chart.add(panel.frame("Faithfulness: share of the ceiling above chance", sizes.axis, "share"))
    for bound in _bounds(judged):
        chart.add(panel.level(bound, "bound"))
    chart.add(empty_circuit(panel))
    for place, k in enumerate(sizes.asked, 1):
        chart.add(point(panel, place, shares[k], CIRCUIT, judged[k].state if k in judged else None))


def _rows(
    sizes: Sizes,
    accuracy: dict[int, Point],
    shares: dict[int, Point],
    ceiling: Point,
    random: dict[tuple[str, int], Draws],
) -> list[tuple[Any, ...]]:
    nothing = Point(None, why_not=EMPTY).cells
    rows: list[tuple[Any, ...]] = [("probe accuracy", NONE, 0, *nothing), ("faithfulness", NONE, 0, *nothing)]
    for k in sizes.asked:
        rows.append(("probe accuracy", k, sizes.kept[k], *accuracy[k].cells))
        rows.append(("faithfulness", k, sizes.kept[k], *shares[k].cells))
        for kind, words in KINDS.items():
            if found := random.get((kind, k)):
                rows.append((f"random sets, {words}", k, sizes.kept[k], *random_cells(found)))
    return [*rows, ("probe accuracy", ALL, None, *ceiling.cells)]
