"""Seed stability: how well the latents of other training seeds match, against dictionaries that share nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import LedgerError
from ..ruling import Ruling
from ..text import number
from . import intervals, marks
from .chart import LEFT, RIGHT, WIDTH, Chart, Panel
from .cosine_histogram import CosineHistogram
from .evidence import Evidence, Table, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear
from .svg import polyline, rectangle, text, width_of

NULLS = {"geometric": "null: isotropic", "decoder": "null: like the decoders", "activations": "null: like activations"}
SETS = {"live": "live latents", "all": "all latents"}
ALL = "outline arm-1 dash-1"
HEADROOM = 1.35
"""Times the highest bin: above it stand the shares and the median."""
COLUMNS = ("shown", "cosines", "matched latents", *intervals.COLUMNS)


def draw(evidence: Evidence) -> Figure:
    """Of one artifact of ``mi.metrics.stability:stability``."""
    table = evidence.table()
    histogram = CosineHistogram.of(evidence)
    nulls = [kind for kind in NULLS if f"null_{kind}" in histogram.counts]
    if not nulls:
        raise LedgerError("the artifact has no null: cosines of matched latents mean nothing beside 0")
    thresholds = [float(t) for t in table.facts["thresholds"]]
    medians = {part: intervals.of_runs(table.column(f"{part}_median")) for part in SETS}
    shares = {
        (part, t): intervals.of_runs(table.column(f"{part}_share_{round(100 * t)}"))
        for part in SETS
        for t in thresholds
    }
    looks = {kind: marks.arm(i + 1) for i, kind in enumerate(nulls)}
    chart = Chart(f"Seed stability: {table.facts['coders'][0]}, {evidence.subject}")
    chart.legend(
        [
            marks.Entry("live latents", drawn=[rectangle(0, -5, 28, 10, "bar")]),
            marks.Entry("all latents", drawn=[polyline([(0, 5), (0, -5), (28, -5), (28, 5)], ALL)]),
            *(marks.Entry(NULLS[kind], look) for kind, look in looks.items()),
            marks.level_entry("threshold", "bound"),
            *marks.verdict_entries(r.state for kind in nulls for r in _judged(evidence, table, kind)),
        ]
    )
    panel = _histogram(chart, histogram, looks)
    _thresholds(chart, panel, [(t, shares["live", t]) for t in thresholds])
    _median(chart, panel, medians["live"], thresholds)
    _excess(chart, evidence, table, looks)
    sentence = _sentence(evidence, table, medians, shares, nulls)
    return chart.figure(
        "seed-stability",
        [evidence],
        table.facts["coders"][0],
        caption=_caption(len(table.units)),
        sentence=sentence,
        columns=COLUMNS,
        rows=_rows(evidence, table, histogram, medians, shares, nulls),
    )


def _histogram(chart: Chart, histogram: CosineHistogram, looks: Mapping[str, marks.Arm]) -> Panel:
    """Bars of live latents, an outline of all, and an outline with its own dash and mark for each null."""
    names = [*SETS, *(f"null_{kind}" for kind in looks)]
    most = max(share for name in names for share in histogram.shares(name))
    lowest = histogram.edges[min(histogram.filled(name).start for name in names)]
    top = chart.room(302) + 20
    x = Linear(min(0.0, lowest), 1.0, LEFT, WIDTH - RIGHT)
    panel = Panel(x, Linear(0, most * HEADROOM, top + 230, top))
    width = histogram.edges[1] - histogram.edges[0]
    chart.add(
        panel.frame(
            "Cosines of latents matched one to one, all pairs of seeds", "cosine", f"share per bin of {width:.2g}"
        )
    )
    shares = histogram.shares("live")
    for i in histogram.filled("live"):
        left, right, y = x.at(histogram.edges[i]), x.at(histogram.edges[i + 1]), panel.y.at(shares[i])
        chart.add([rectangle(left, y, right - left, panel.y.start - y, "bar")])
    chart.add([polyline(_outline(panel, histogram, "all"), ALL)])
    for kind, look in looks.items():
        name = f"null_{kind}"
        chart.add([polyline(_outline(panel, histogram, name), f"outline {look.kind}")])
        shares = histogram.shares(name)
        highest = max(range(len(shares)), key=shares.__getitem__)
        middle = (histogram.edges[highest] + histogram.edges[highest + 1]) / 2
        chart.add([marks.mark(look, x.at(middle), panel.y.at(shares[highest]) - 8)])
    return panel


def _outline(panel: Panel, histogram: CosineHistogram, name: str) -> list[tuple[float, float]]:
    """The upper edge of a histogram."""
    filled, shares, edges = histogram.filled(name), histogram.shares(name), histogram.edges
    points = [(panel.x.at(edges[filled.start]), panel.y.start)]
    for i in filled:
        y = panel.y.at(shares[i])
        points += [(panel.x.at(edges[i]), y), (panel.x.at(edges[i + 1]), y)]
    return [*points, (panel.x.at(edges[filled.stop]), panel.y.start)]


def _thresholds(chart: Chart, panel: Panel, shares: Sequence[tuple[float, Point]]) -> None:
    """Lines with the share of matched live latents at or above them."""
    for threshold, share in shares:
        chart.add(panel.upright(threshold, "bound"))
        x = panel.x.at(threshold) + 5
        chart.add([text(x, panel.y.end + 11, f"≥ {threshold:g}:", "level-label")])
        chart.add([text(x, panel.y.end + 25, f"{_percent(share.value)} live", "level-label")])


def _median(chart: Chart, panel: Panel, median: Point, thresholds: Sequence[float]) -> None:
    """The interval above the histogram, with its words on the side where no threshold runs through them."""
    if median.value is None or median.lo is None or median.hi is None:
        return
    words, y = "median, live", panel.y.end + 46
    left, right = panel.x.at(median.lo), panel.x.at(median.hi)
    chart.add(marks.level_interval(y, left, right, ""))
    chart.add([marks.tick(panel.x.at(median.value), y)])
    crossed = any(right < panel.x.at(t) < right + 8 + width_of(words) for t in thresholds)
    place = (left - 8, "end") if crossed else (right + 8, "start")
    chart.add([text(place[0], y + 4, words, "level-label", place[1])])


def _judged(evidence: Evidence, table: Table, kind: str) -> list[Ruling]:
    excess = table.mean(f"excess_{kind}")
    return [r for r in evidence.judged() if abs(r.row["estimate"] - excess) < 1e-9]


def _excess(chart: Chart, evidence: Evidence, table: Table, looks: Mapping[str, marks.Arm]) -> None:
    points = {kind: _excess_point(evidence, table, kind) for kind in looks}
    values = [v for p in points.values() for v in p[:3] if v is not None]
    panel = chart.lines(
        "Median of live latents less the null's",
        [NULLS[kind] for kind in looks],
        "difference of cosines",
        lambda a, b: Linear.around(values, a, b, keep=(0.0,)),
    )
    chart.add(panel.upright(0.0, "zero"))
    for i, (kind, point) in enumerate(points.items()):
        y = panel.y.at(i)
        if point.value is None:
            continue
        if point.lo is not None and point.hi is not None:
            chart.add(marks.level_interval(y, panel.x.at(point.lo), panel.x.at(point.hi), f"arm-{looks[kind].hue}"))
        judged = _judged(evidence, table, kind)
        x = panel.x.at(point.value)
        chart.add([marks.verdict_mark(judged[0].state, x, y) if judged else marks.mark(looks[kind], x, y)])


def _excess_point(evidence: Evidence, table: Table, kind: str) -> Point:
    judged = _judged(evidence, table, kind)
    return intervals.of_row(judged[0]) if judged else intervals.of_runs(table.column(f"excess_{kind}"))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * max(share, 0.0):.1f} %"


def _caption(seeds: int) -> str:
    return (
        f"Above: cosines of latents matched one to one, over all {seeds * (seeds - 1) // 2} pairs of {seeds} training "
        "seeds; each histogram has the sum 1. Each null matches dictionaries that share nothing, of the sizes of the "
        "live sets, in the same way: cosines are to be compared with these, not with 0. Beside each threshold: the "
        "share of matched live latents at or above it. Bar: median over live latents with its 95 % interval over seeds. "
        "Below: that median less each null's, as judged, seeds as units."
    )


def _sentence(
    evidence: Evidence,
    table: Table,
    medians: Mapping[str, Point],
    shares: Mapping[tuple[str, float], Point],
    nulls: Sequence[str],
) -> str:
    said = [f"{words}: {medians[part].words}" for part, words in SETS.items()]
    against = [f"{NULLS[kind]} {number(table.mean(f'null_{kind}_median'))}" for kind in nulls]
    above = [f"{_percent(p.value)} at or above {t:g}" for (part, t), p in shares.items() if part == "live"]
    return (
        f"Median cosine of matched latents, {'; '.join(said)}. {'; '.join(against)}. Of the matched live latents, "
        f"{', '.join(above)}. {verdict_sentence([evidence])}"
    )


def _rows(
    evidence: Evidence,
    table: Table,
    histogram: CosineHistogram,
    medians: Mapping[str, Point],
    shares: Mapping[tuple[str, float], Point],
    nulls: Sequence[str],
) -> Iterator[tuple[Any, ...]]:
    for part, words in SETS.items():
        yield f"median, {words}", "", histogram.total(part), *medians[part].cells
    for kind in nulls:
        null = Point(table.mean(f"null_{kind}_median"))
        yield f"median, {NULLS[kind]}", "", histogram.total(f"null_{kind}"), *null.cells
        excess = _excess_point(evidence, table, kind)
        yield f"median of live latents less {NULLS[kind]}", "", None, *excess.cells
    for (part, t), share in shares.items():
        yield f"share, {SETS[part]}", f"{t:g} and above", histogram.above(part, t), *share.cells
    sets = {**SETS, **{f"null_{kind}": NULLS[kind] for kind in nulls}}
    for name, words in sets.items():
        shares_of, edges = histogram.shares(name), histogram.edges
        for i in histogram.filled(name):
            between = f"{edges[i]:g} to {edges[i + 1]:g}"
            yield f"histogram, {words}", between, histogram.counts[name][i], *Point(shares_of[i]).cells
