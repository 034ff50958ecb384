"""Seed stability: how well the latents of other training seeds match, against dictionaries that share nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..errors import LedgerError
from ..ruling import Ruling
from ..text import number
from . import intervals, marks
from .chart import LEFT, RIGHT, WIDTH, Chart, Panel
from .evidence import Evidence, Table, labels, verdict_sentence
from .figure import Figure
from .identity import identity
from .intervals import Point
from .scale import Linear
from .svg import polyline, rectangle

NULLS = {"geometric": "null: isotropic", "decoder": "null: like the decoders", "activations": "null: like activations"}
SETS = {"live": "live latents", "all": "all latents"}
BIN = 0.02
COLUMNS = ("shown", "pair of seeds", *intervals.COLUMNS)


def draw(evidence: Evidence) -> Figure:
    """Of one artifact of ``mi.metrics.stability:stability``.

    It keeps summaries per pair of seeds, the cosines of single latents are in its picture only: the histogram is of
    pairs.
    """
    table, pairs = evidence.table(), evidence.table("pairs")
    nulls = {kind: pairs.column(f"null_{kind}_median") for kind in NULLS if f"null_{kind}_median" in pairs.columns}
    if not nulls:
        raise LedgerError("the artifact has no null: cosines of matched latents mean nothing beside 0")
    medians = {part: pairs.column(f"{part}_median") for part in SETS}
    centre = {part: intervals.of_runs(table.column(f"{part}_median")) for part in SETS}
    looks = {kind: marks.arm(i + 1) for i, kind in enumerate(nulls)}
    thresholds = [float(t) for t in table.facts["thresholds"]]
    chart = Chart(f"Seed stability: {table.facts['coders'][0]}, {evidence.subject}")
    chart.legend(
        [
            marks.Entry("live latents", drawn=[rectangle(0, -5, 28, 10, "bar")]),
            marks.Entry("all latents", drawn=[polyline([(0, 5), (0, -5), (28, -5), (28, 5)], "outline arm-1 dash-2")]),
            *(marks.Entry(words, looks[kind]) for kind, words in NULLS.items() if kind in nulls),
            marks.level_entry("threshold", "bound"),
            *marks.verdict_entries(r.state for kind in nulls for r in _judged(evidence, table, kind)),
        ]
    )
    _histogram(chart, medians, nulls, looks, centre["live"], thresholds)
    shares = _shares(chart, pairs, thresholds)
    _excess(chart, evidence, table, nulls, looks)
    n = len(table.units)
    caption = (
        f"Above: a histogram over {len(pairs.units)} pairs of {n} training seeds of the median cosine of latents matched one "
        "to one; the nulls match dictionaries that share nothing, the same way. A cosine is to be compared with these, "
        "not with 0. Bar: median over live latents with its 95 % interval over seeds. Middle: share of matched pairs of "
        "latents in each range of cosines. Below: median less each null's, as judged, seeds as units."
    )
    said = [f"{words}: {centre[part].words}" for part, words in SETS.items()]
    against = [f"{NULLS[kind]} {number(_mean(values))}" for kind, values in nulls.items()]
    sentence = (
        f"Median cosine of matched latents, {'; '.join(said)}. {'; '.join(against)}. {verdict_sentence([evidence])}"
    )
    return Figure(
        id=identity("seed-stability", evidence, table.facts["coders"][0]),
        title=chart.title,
        caption=caption,
        sentence=sentence,
        subject=evidence.subject,
        claims=labels([evidence]),
        artifacts=(evidence.digest,),
        svg=chart.svg(sentence),
        columns=COLUMNS,
        rows=tuple(_rows(pairs, medians, nulls, centre, shares, evidence, table)),
    )


def _histogram(
    chart: Chart,
    medians: Mapping[str, Sequence[float]],
    nulls: Mapping[str, Sequence[float]],
    looks: Mapping[str, marks.Arm],
    centre: Point,
    thresholds: Sequence[float],
) -> None:
    counts = {name: _counted(values) for name, values in {**medians, **nulls}.items()}
    most = max(max(c.values()) for c in counts.values())
    top = chart.room(262) + 20
    x = Linear(min(0.0, *(at * BIN for c in counts.values() for at in c)), 1.0, LEFT, WIDTH - RIGHT)
    panel = Panel(x, Linear(0, most * 1.25, top + 190, top))
    chart.add(panel.frame("Median cosine of matched latents, by pair of seeds", "cosine", "pairs of seeds"))
    for t in thresholds:
        chart.add(panel.upright(t, "bound"))
    for at, count in sorted(counts["live"].items()):
        left, right, y = x.at(at * BIN), x.at((at + 1) * BIN), panel.y.at(count)
        chart.add([rectangle(left, y, right - left, panel.y.start - y, "bar")])
    chart.add([polyline(_outline(panel, counts["all"]), "outline arm-1 dash-2")])
    for kind, look in looks.items():
        chart.add([polyline(_outline(panel, counts[kind]), f"outline {look.kind}")])
        chart.add([marks.mark(look, x.at(_mean(nulls[kind])), panel.y.at(max(counts[kind].values())) - 8)])
    if centre.value is not None and centre.lo is not None and centre.hi is not None:
        y = panel.y.at(most * 1.17)
        chart.add(marks.level_interval(y, x.at(centre.lo), x.at(centre.hi), ""))
        chart.add([marks.tick(x.at(centre.value), y)])


def _counted(values: Sequence[float]) -> dict[int, int]:
    found: dict[int, int] = {}
    for value in values:
        at = int(value / BIN // 1)
        found[at] = found.get(at, 0) + 1
    return found


def _outline(panel: Panel, counts: Mapping[int, int]) -> list[tuple[float, float]]:
    """The upper edge of a histogram."""
    first, last = min(counts), max(counts)
    points = [(panel.x.at(first * BIN), panel.y.start)]
    for at in range(first, last + 1):
        y = panel.y.at(counts.get(at, 0))
        points += [(panel.x.at(at * BIN), y), (panel.x.at((at + 1) * BIN), y)]
    return [*points, (panel.x.at((last + 1) * BIN), panel.y.start)]


def _shares(chart: Chart, pairs: Table, thresholds: Sequence[float]) -> list[tuple[str, str, float]]:
    """Shares of matched pairs of latents between the thresholds: ``(set, range, share)``."""
    edges = [f"below {thresholds[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(thresholds))]
    edges.append(f"{thresholds[-1]:g} and above")
    found = []
    for part, words in SETS.items():
        above = [1.0, *(_mean(pairs.column(f"{part}_share_{round(100 * t)}")) for t in thresholds), 0.0]
        found += [(words, edge, above[i] - above[i + 1]) for i, edge in enumerate(edges)]
    panel = chart.lines(
        "Matched latents by cosine", edges, "share of matched pairs of latents", lambda a, b: Linear(0, 1, a, b)
    )
    for i, (words, _, share) in enumerate(found):
        y = panel.y.at(i % len(edges)) - 9
        if words == SETS["live"]:
            chart.add([rectangle(panel.x.start, y, panel.x.at(share) - panel.x.start, 18, "bar")])
        else:
            right = panel.x.at(share)
            chart.add(
                [
                    polyline(
                        [(panel.x.start, y), (right, y), (right, y + 18), (panel.x.start, y + 18)],
                        "outline arm-1 dash-2",
                    )
                ]
            )
    return found


def _judged(evidence: Evidence, table: Table, kind: str) -> list[Ruling]:
    excess = _mean(table.column(f"excess_{kind}"))
    return [r for r in evidence.judged() if abs(r.row["estimate"] - excess) < 1e-9]


def _excess(
    chart: Chart, evidence: Evidence, table: Table, nulls: Mapping[str, Any], looks: Mapping[str, marks.Arm]
) -> None:
    points = {kind: _excess_point(evidence, table, kind) for kind in nulls}
    values = [v for p in points.values() for v in p[:3] if v is not None]
    panel = chart.lines(
        "Median less the null's",
        [NULLS[kind] for kind in nulls],
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


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rows(
    pairs: Table,
    medians: Mapping[str, Sequence[float]],
    nulls: Mapping[str, Sequence[float]],
    centre: Mapping[str, Point],
    shares: Sequence[tuple[str, str, float]],
    evidence: Evidence,
    table: Table,
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [(f"median, {SETS[part]}", "mean over seeds", *p.cells) for part, p in centre.items()]
    for kind in nulls:
        rows.append((f"median less {NULLS[kind]}", "mean over seeds", *_excess_point(evidence, table, kind).cells))
    for part, values in medians.items():
        rows += [(f"median, {SETS[part]}", pair, *Point(v).cells) for pair, v in zip(pairs.units, values, strict=True)]
    for kind, values in nulls.items():
        rows += [(f"median, {NULLS[kind]}", pair, *Point(v).cells) for pair, v in zip(pairs.units, values, strict=True)]
    rows += [(f"share of {words}, {edge}", "mean over pairs", *Point(share).cells) for words, edge, share in shares]
    return rows
