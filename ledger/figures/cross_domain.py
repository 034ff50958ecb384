"""Cross-domain 2 x 2: what a coder trained on one domain explains of the other."""

from __future__ import annotations

from typing import Any

from ..ruling import Ruling
from ..text import clean, number
from . import intervals, marks
from .chart import Chart
from .evidence import Evidence, Table, verdict_sentence
from .figure import Figure
from .intervals import Point
from .svg import line, rectangle, text

SIDES = ("a", "b")
COLUMNS = (
    "trained on",
    "evaluated on",
    "FVU",
    "lo",
    "hi",
    "level",
    "interval from",
    "why not",
    "cost of the change",
    "L0",
)
LEFT, CELL, HEIGHT = 150, 252, 122


def draw(evidence: Evidence) -> Figure:
    """Of one artifact of ``mi.metrics.cross_domain:cross_domain``."""
    table = evidence.table()
    names = {side: clean(table.facts["names"][side]) for side in SIDES}
    cells = {(train, side): _cell(table, train, side) for train in SIDES for side in SIDES}
    costs = {side: float(table.facts["degradation"][side]["fvu"]) for side in SIDES}
    judged = {side: _judged(evidence, names[side], costs[side]) for side in SIDES}
    chart = Chart(f"Cross-domain: {names['a']} and {names['b']}, {evidence.subject}")
    chart.legend(marks.verdict_entries(r.state for found in judged.values() for r in found))
    top = chart.room(2 * HEIGHT + 74) + 44
    for j, side in enumerate(SIDES):
        x = LEFT + j * CELL + CELL / 2
        chart.add([text(x, top - 10, f"evaluated on {names[side]}", "panel-title", "middle")])
    for i, train in enumerate(SIDES):
        y = top + i * HEIGHT
        chart.add([text(LEFT - 12, y + HEIGHT / 2 + 4, f"trained on {names[train]}", "panel-title", "end")])
        for j, side in enumerate(SIDES):
            _draw_cell(
                chart, LEFT + j * CELL, y, cells[train, side], None if train == side else (costs[side], judged[side])
            )
    said = [f"trained on {names[t]}, evaluated on {names[e]}: FVU {cells[t, e].words}" for t, e in cells]
    lost = [f"changing to {names[s]} costs {number(costs[s])}" for s in SIDES]
    sentence = f"{'; '.join(said)}. {'; '.join(lost)}. {verdict_sentence([evidence])}"
    caption = (
        f"Fraction of variance unexplained (FVU; 0 is perfect, 1 is no better than the mean) over {len(table.units)} held-out "
        "documents, with its 95 % interval over documents. The fuller the fill, the less is unexplained. Below it what "
        "the change of domain costs: FVU of the coder of the other domain less that of the domain's own, same documents, as judged."
    )
    return chart.figure(
        "cross-domain",
        [evidence],
        *names.values(),
        caption=caption,
        sentence=sentence,
        columns=COLUMNS,
        rows=_rows(table, names, cells, costs),
    )


def _cell(table: Table, train: str, side: str) -> Point:
    inside = [i for i, b in enumerate(table.column("eval_b")) if b == float(side == "b")]
    errors, total = table.column(f"sse_{train}"), table.column("sst")
    return intervals.of_ratio([errors[i] for i in inside], [total[i] for i in inside], [table.units[i] for i in inside])


def _judged(evidence: Evidence, domain: str, cost: float) -> list[Ruling]:
    return [r for r in evidence.judged(domain=domain) if abs(r.row["estimate"] - cost) < 1e-9]


def _draw_cell(chart: Chart, x: float, y: float, found: Point, change: tuple[float, list[Ruling]] | None) -> None:
    explained = min(max(1 - (found.value or 0.0), 0.0), 1.0)
    middle = x + CELL / 2
    chart.add([rectangle(x, y, CELL, HEIGHT, "cell", **{"fill-opacity": explained})])
    spread = None if found.lo is None or found.hi is None else found.hi - found.lo
    chart.add([text(middle, y + 34, f"FVU {number(found.value, spread)}", "cell-value", "middle")])
    if found.lo is not None:
        chart.add([text(middle, y + 54, f"[{number(found.lo, spread)}, {number(found.hi, spread)}]", "", "middle")])
    if change is None:
        chart.add([text(middle, y + 92, "its own domain", "", "middle")])
        return
    cost, judged = change
    chart.add([line(x + 40, y + 64, x + CELL - 40, y + 64, "axis")])
    said = intervals.of_row(judged[0]).words if judged else number(cost)
    chart.add([text(middle, y + 84, "the change of domain costs", "", "middle")])
    chart.add([text(middle, y + 104, said, "", "middle")])
    for i, ruling in enumerate(judged):
        chart.add([marks.verdict_mark(ruling.state, x + 14 * (i + 1), y + 80)])


def _rows(
    table: Table, names: dict[str, str], cells: dict[tuple[str, str], Point], costs: dict[str, float]
) -> list[tuple[Any, ...]]:
    return [
        (
            names[train],
            names[side],
            *point.cells,
            None if train == side else costs[side],
            table.facts["cells"][f"{train}_{side}"]["l0_mean"],
        )
        for (train, side), point in cells.items()
    ]
