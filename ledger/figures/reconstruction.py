"""Reconstruction: what every coder of a subject leaves unexplained, with L0, live latents and loss recovered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..ruling import Ruling
from ..text import clean, number, rule
from . import intervals, marks
from .chart import WIDTH, Chart
from .evidence import Evidence, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear
from .svg import text

CONTROLS = "mi.coders.controls:"
KINDS = ("trained coder", "control coder", "coder of a randomised copy")
LOOKS = {kind: marks.arm(i) for i, kind in enumerate(KINDS)}
COLUMNS = (
    *("coder", "kind", "site", "FVU", "lo", "hi", "level", "interval from", "why not"),
    *("L0", "live latents", "loss recovered", "loss recovered lo", "loss recovered hi", "documents"),
)
RIGHT = 290
"""Room for the numbers beside the lines."""
AT = {"FVU": WIDTH - 222, "L0": WIDTH - 170, "live": WIDTH - 118, "loss kept": WIDTH - 44}
"""Right edges of the columns of numbers."""


@dataclass(frozen=True)
class Coder:
    """One measured coder."""

    evidence: Evidence
    name: str
    kind: str
    fvu: Point
    judged: tuple[Ruling, ...]
    recovered: Point | None
    facts: Any


def draw(evidence: Sequence[Evidence], losses: Sequence[Evidence]) -> Figure:
    """Of all artifacts of one subject of ``mi.metrics.reconstruction:reconstruction`` and ``.loss_recovered``."""
    coders = [_coder(e, losses) for e in evidence]
    coders.sort(key=lambda c: KINDS.index(c.kind))
    subject = evidence[0].subject
    chart = Chart(f"Reconstruction: {subject}")
    bounds = sorted({r.row["bound"] for c in coders for r in c.judged})
    chart.legend(
        [
            *(marks.Entry(k, drawn=[marks.mark(LOOKS[k], 14, 0)]) for k in KINDS if any(c.kind == k for c in coders)),
            *marks.bound_entries(r for c in coders for r in c.judged),
            *marks.verdict_entries(r.state for c in coders for r in c.judged),
        ]
    )
    values = [v for c in coders for v in c.fvu[:3] if v is not None]
    panel = chart.lines(
        "Fraction of variance unexplained (FVU)",
        [c.name for c in coders],
        "FVU: 0 is perfect, 1 is no better than the mean",
        lambda a, b: Linear.around(values, a, b, keep=(0.0, 1.0)),
        RIGHT,
    )
    head = panel.y.start - 9
    for words, x in AT.items():
        chart.add([text(x, head, words, "tick", "end")])
    for bound in bounds:
        chart.add(panel.upright(bound, "bound"))
    for i, coder in enumerate(coders):
        _line(chart, panel, i, coder)
    sentence = _sentence(coders, [*evidence, *losses])
    caption = (
        "FVU on held-out documents with its interval over documents, 95 % or as judged. L0: latents that fire on a token. "
        "Live: latents that fire at all on these documents. Loss kept: share of the language model's loss, above that of the "
        "mean in the site's place, that is kept with the coder spliced in. A control coder has the sizes of the trained one "
        "and no training; a randomised copy is the subject with random weights."
    )
    used = [*evidence, *losses]
    return chart.figure(
        "reconstruction",
        used,
        caption=caption,
        sentence=sentence,
        columns=COLUMNS,
        rows=map(_row, coders),
    )


def _coder(evidence: Evidence, losses: Sequence[Evidence]) -> Coder:
    table = evidence.table()
    facts, name = table.facts, clean(table.facts["coder"])
    weights, build = str(evidence.spec.get("weights", "trained")), _built_by(evidence)
    control = build.removeprefix(CONTROLS) if build.startswith(CONTROLS) else ""
    kind = KINDS[1] if control else KINDS[0] if weights == "trained" else KINDS[2]
    label = f"{name}, {clean(control or weights)}" if kind != KINDS[0] else name
    judged = [r for r in evidence.judged(design="ratio") if abs(r.row["estimate"] - facts["fvu"]) < 1e-9]
    fvu = (
        intervals.of_row(judged[0])
        if judged
        else intervals.of_ratio(table.column("sse"), table.column("sst"), table.units)
    )
    same = [
        loss
        for loss in losses
        if (loss.root["inputs"]["coders"], loss.table().facts["coder"])
        == (evidence.root["inputs"]["coders"], facts["coder"])
    ]
    return Coder(
        evidence, label.replace("_", " "), kind, fvu, tuple(judged), _recovered(same[0]) if same else None, facts
    )


def _built_by(evidence: Evidence) -> str:
    recipes = evidence.files.manifest["recipe"]["recipes"]
    return str(recipes[evidence.root["inputs"]["coders"]]["build"]).removeprefix("mi_assay.")


def _recovered(loss: Evidence) -> Point:
    columns = ["recovered_mean", "headroom_mean"]
    if judged := loss.judged(design="faithfulness", column=columns):
        return intervals.of_row(judged[0])
    table = loss.table()
    return intervals.of_share(table.column(columns[0]), table.column(columns[1]), 0.0)


def _line(chart: Chart, panel: Any, place: int, coder: Coder) -> None:
    y, point, look = panel.y.at(place), coder.fvu, LOOKS[coder.kind]
    if point.value is not None:
        if point.lo is not None and point.hi is not None:
            chart.add(marks.level_interval(y, panel.x.at(point.lo), panel.x.at(point.hi), f"arm-{look.hue}"))
        chart.add([marks.mark(look, panel.x.at(point.value), y)])
    kept = number(coder.recovered.value) if coder.recovered else ""
    live = f"{100 * coder.facts['alive_share']:.0f} %"
    for x, words in zip(AT.values(), (number(point.value), f"{coder.facts['l0_mean']:.1f}", live, kept), strict=True):
        chart.add([text(x, y + 4, words, "", "end")])
    for i, ruling in enumerate(coder.judged):
        chart.add([marks.verdict_mark(ruling.state, WIDTH - 14 - 14 * i, y)])


def _sentence(coders: Sequence[Coder], used: Sequence[Evidence]) -> str:
    said = []
    for c in coders:
        against = f" {rule(c.judged[0].row)}, {clean(c.judged[0].word)}" if c.judged else ""
        said.append(f"{c.name} ({c.kind}) {c.fvu.words}{against}")
    return f"Fraction of variance unexplained: {'; '.join(said)}. {verdict_sentence(used, most=6)}"


def _row(coder: Coder) -> tuple[Any, ...]:
    facts, kept = coder.facts, coder.recovered or Point(None)
    return (
        *(coder.name, coder.kind, facts["site_out"], *coder.fvu.cells),
        *(facts["l0_mean"], facts["alive_share"], kept.value, kept.lo, kept.hi, facts["documents_scored"]),
    )
