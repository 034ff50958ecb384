"""Probe accuracies: SAE, residual stream, token-only baseline and randomised copies, paired, with chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import LedgerError
from ..ruling import Ruling
from ..text import clean, number
from . import intervals, marks
from .chart import WIDTH, Chart
from .evidence import Evidence, Table, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear
from .svg import line, text

SAE, RESIDUAL, TOKENS, COPY = "SAE", "residual stream", "tokens only (embedding)", "SAE of a randomised copy"
LOOKS = {name: marks.arm(i) for i, name in enumerate((SAE, RESIDUAL, TOKENS, COPY))}
COLUMNS_OF = {SAE: "sae", RESIDUAL: "residual", TOKENS: "tokens"}
TRAINED = "trained"
COLUMNS = ("line", "probe on", *intervals.COLUMNS, "units", "chance")
MARGIN = 60
"""Room for the verdicts beside the lines."""


@dataclass(frozen=True)
class Line:
    """Accuracies that are to be compared with each other."""

    name: str
    points: dict[str, Point]
    judged: tuple[Ruling, ...]
    units: str


def draw(evidence: Sequence[Evidence]) -> Figure:
    """Of all artifacts of ``mi.probing.probes:probes`` of one subject, concept and null."""
    whole = [(e, e.table()) for e in evidence]
    lines = [*_of_the_subject(whole), *_of_copies(whole), *_over_runs(whole)]
    if not lines:
        raise LedgerError("no probe of the trained model among these artifacts: there is nothing to compare with")
    chances = [float(t.facts["chance"]) for _, t in whole]
    chance = sum(chances) / len(chances)
    first = evidence[0]
    what = clean(", ".join(str(v) for v in (first.about("concept"), first.about("null")) if v))
    chart = Chart(f"Probe accuracy: {what}, {first.subject}")
    chart.legend(
        [
            *(
                marks.Entry(n, drawn=[marks.mark(k, 14, 0)])
                for n, k in LOOKS.items()
                if any(n in x.points for x in lines)
            ),
            marks.level_entry("chance", "chance"),
            *marks.verdict_entries(r.state for x in lines for r in x.judged),
        ]
    )
    panel = chart.lines(
        "Accuracy on held-out examples",
        [x.name for x in lines],
        "accuracy",
        lambda a, b: Linear(0.0, 1.0, a, b),
        MARGIN,
    )
    chart.add([text(WIDTH - 8, panel.y.start - 9, "verdicts", "tick", "end")])
    chart.add(panel.upright(chance, "chance"))
    for i, x in enumerate(lines):
        _draw_line(chart, panel, i, x)
    said = "; ".join(f"{x.name}: {', '.join(f'{n} {p.words}' for n, p in x.points.items())}" for x in lines)
    sentence = f"Probe accuracy of {what}, chance {number(chance)}. {said}. {verdict_sentence(evidence)}"
    caption = (
        "Share of held-out examples on which a logistic probe is right. Tokens only: the embeddings of the text's tokens, which "
        "no layer has touched. A randomised copy is the subject with random weights, with an SAE trained on it. Bars are 95 % "
        "intervals over examples; '5 × 128' is five training runs with probes fitted on 128 examples each, and intervals over "
        "runs. A top-k probe reads the k columns whose class means differ most. Chance: the share of held-out examples in the class that most training "
        "examples have, averaged over the artifacts. The axis is whole. Verdicts: of claims that "
        "compare what is on the line."
    )
    return chart.figure(
        "probes",
        evidence,
        what,
        caption=caption,
        sentence=sentence,
        columns=COLUMNS,
        rows=((x.name, n, *p.cells, x.units, chance) for x in lines for n, p in x.points.items()),
    )


def _weights(evidence: Evidence) -> str:
    return str(evidence.spec.get("weights", TRAINED))


def _is_run(evidence: Evidence) -> bool:
    """Whether it is one of several training runs: then its SAE alone was probed."""
    return set(evidence.root["params"]["arms"]) == {"sae"}


def _reading(evidence: Evidence, table: Table, reading: str) -> str:
    if reading.startswith("top_"):
        return f"top-{reading[4:]} probe"
    n = evidence.root["params"]["few"] if reading == "few" else table.facts["examples"]["train"]
    return f"all columns, {n} examples"


def _of_the_subject(whole: Sequence[tuple[Evidence, Table]]) -> Iterator[Line]:
    """The trained model: dense probes on all and on few examples, then sparse ones."""
    for e, table in whole:
        if _is_run(e) or _weights(e) != TRAINED:
            continue
        sparse = sorted({int(name.rpartition("_")[2]) for name in table.columns if "_top_" in name})
        for reading in ("full", "few", *(f"top_{k}" for k in sparse)):
            points = {
                arm: intervals.of_mean(table.column(f"{column}_{reading}"))
                for arm, column in COLUMNS_OF.items()
                if f"{column}_{reading}" in table.columns
            }
            if not points:
                continue
            yield Line(_reading(e, table, reading), points, tuple(_of_columns(e, reading)), "examples")


def _of_columns(evidence: Evidence, reading: str) -> list[Ruling]:
    """Rulings about two columns of this reading, of one artifact."""
    found = []
    for ruling in evidence.judged():
        probe = (ruling.row.get("measured") or {}).get("probe")
        if isinstance(probe, list) and all(str(p).endswith(f"_{reading}") for p in probe):
            found.append(ruling)
    return found


def _of_copies(whole: Sequence[tuple[Evidence, Table]]) -> Iterator[Line]:
    """One run of the trained model beside one of each kind of copy."""
    real = next(((e, t) for e, t in whole if not _is_run(e) and _weights(e) == TRAINED), None)
    for e, table in whole:
        if _is_run(e) or _weights(e) == TRAINED or real is None:
            continue
        points = {
            SAE: real[1].column("sae_full"),
            COPY: table.column("sae_full"),
            TOKENS: real[1].column("tokens_full"),
        }
        judged = [r for r in e.rulings if r.row.get("estimate") is not None]
        name = f"{clean(_weights(e))}, 1 × {table.facts['examples']['train']} examples"
        yield Line(name, {n: intervals.of_mean(v) for n, v in points.items()}, tuple(judged), "examples")


def _over_runs(whole: Sequence[tuple[Evidence, Table]]) -> Iterator[Line]:
    """Several runs of the trained model beside as many of each kind of copy, on few examples."""
    runs = [(e, t) for e, t in whole if _is_run(e) and "sae_few" in t.columns]
    real = [t.mean("sae_few") for e, t in runs if _weights(e) == TRAINED]
    for scheme in dict.fromkeys(_weights(e) for e, _ in runs):
        copies = [(e, t) for e, t in runs if _weights(e) == scheme]
        if scheme == TRAINED or not real:
            continue
        points = {SAE: intervals.of_runs(real), COPY: intervals.of_runs([t.mean("sae_few") for _, t in copies])}
        judged = {id(r): r for e, _ in copies for r in e.judged(design="runs")}
        few = copies[0][0].root["params"]["few"]
        yield Line(f"{clean(scheme)}, {len(copies)} × {few} examples", points, tuple(judged.values()), "runs")


def _draw_line(chart: Chart, panel: Any, place: int, found: Line) -> None:
    y = panel.y.at(place)
    values = [p.value for p in found.points.values() if p.value is not None]
    if len(values) > 1:
        chart.add([line(panel.x.at(min(values)), y, panel.x.at(max(values)), y, "pair")])
    for shift, (name, point) in enumerate(found.points.items()):
        look, at = LOOKS[name], y + 6 * (shift - (len(found.points) - 1) / 2)
        if point.value is None:
            continue
        if point.lo is not None and point.hi is not None:
            chart.add(marks.level_interval(at, panel.x.at(point.lo), panel.x.at(point.hi), f"arm-{look.hue}"))
        chart.add([marks.mark(look, panel.x.at(point.value), at)])
    for i, ruling in enumerate(found.judged):
        chart.add([marks.verdict_mark(ruling.state, WIDTH - 14 - 14 * i, y)])
