"""Steering sweep: success and perplexity by coefficient and arm, with what was chosen and what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from ..errors import LedgerError
from ..text import clean, number
from . import intervals, marks
from .chart import LEFT, RIGHT, WIDTH, Chart, Panel
from .evidence import Evidence, Table, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear, Logarithmic, Slots
from .svg import polyline

BASELINE = "baseline"
WORDS = {
    "dom": "difference of means",
    "caa": "CAA",
    "latent": "SAE latent",
    "random": "random direction",
    "random-latent": "random latent",
}
WORST = 50.0
"""Times the unsteered perplexity; what lies above is drawn at the axis's end, with an arrowhead."""
SPREAD = 0.62
"""Of a place: how far apart the arms stand."""
COLUMNS = (
    *("arm", "coefficient", "split", "prompts", "success", "perplexity", "fluent", "chosen on validation"),
    *("success lo", "success hi", "level", "interval from", "why not"),
)


@dataclass(frozen=True)
class Sweep:
    """The facts of ``mi.steering.sweep:sweep``."""

    rows: tuple[Mapping[str, Any], ...]
    chosen: Mapping[str, float]
    undecided: Mapping[str, str]
    cap: float

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Sweep:
        """From the facts of the artifact's table."""
        if not (facts["measurable"] and facts["arms"]):
            raise LedgerError("nothing was steered: " + "; ".join(map(str, facts.get("not_measurable_because", []))))
        arms = facts["arms"]
        chosen = {str(a): float(found["coefficient"]) for a, found in arms.items() if found["decided"]}
        undecided = {str(a): str(found["because"]) for a, found in arms.items() if not found["decided"]}
        rows = tuple(row for row in facts["sweep"])
        return cls(rows, chosen, undecided | {str(a): str(w) for a, w in facts["absent"].items()}, float(facts["cap"]))

    @property
    def arms(self) -> list[str]:
        """Names, as they were swept; the baseline is none."""
        return list(dict.fromkeys(str(row["arm"]) for row in self.rows if row["arm"] != BASELINE))

    @property
    def coefficients(self) -> list[float]:
        """All that were tried, from the most negative to the largest; 0 is the baseline, which is none."""
        return sorted({float(row["coefficient"]) for row in self.rows} - {0.0})

    def row(self, split: str, arm: str, coefficient: float) -> Mapping[str, Any] | None:
        """One condition, None where it was not run."""
        wanted = (split, arm, coefficient)
        return next((r for r in self.rows if (r["split"], r["arm"], r["coefficient"]) == wanted), None)


def draw(evidence: Evidence) -> Figure:
    """Of one artifact of ``mi.steering.sweep:sweep``."""
    table = evidence.table()
    sweep = Sweep.of(table.facts)
    base = sweep.row("validation", BASELINE, 0.0)
    if base is None:
        raise LedgerError("the sweep has no unsteered row on validation prompts")
    tested = {arm: _tested(table, arm) for arm in (BASELINE, *sweep.chosen)}
    looks = {arm: marks.arm(i) for i, arm in enumerate(sweep.arms)}
    places = {arm: (i - (len(looks) - 1) / 2) * SPREAD / max(len(looks), 1) for i, arm in enumerate(looks)}
    what = clean(table.facts.get("concept") or "")
    chart = Chart(f"Steering sweep: {what}, {evidence.subject}")
    limit = sweep.cap * float(base["perplexity"])
    _legend(chart, sweep, looks, limit)
    slots = Slots(tuple(f"{c:g}" for c in sweep.coefficients), LEFT, WIDTH - RIGHT)
    top = chart.room(282) + 20
    success = Panel(slots, Linear(0.0, 1.03, top + 210, top))
    chart.add(success.frame("Success: share of continuations that show the concept", "coefficient", "success"))
    chart.add(success.level(float(base["success"]), "baseline"))
    top = chart.room(252) + 20
    seen = [float(row["perplexity"]) for row in sweep.rows if row["split"] == "validation"]
    high = max(2 * limit, min(2 * max(seen), WORST * float(base["perplexity"])))
    perplexity = Panel(slots, Logarithmic(min(1.0, *seen), high, top + 180, top))
    chart.add(perplexity.frame("Perplexity under the unsteered model (logarithmic axis)", "coefficient", "perplexity"))
    chart.add(perplexity.level(float(base["perplexity"]), "baseline"))
    chart.add(perplexity.level(limit, "bound"))
    for panel, key in ((success, "success"), (perplexity, "perplexity")):
        for arm, look in looks.items():
            chart.add(_series(panel, sweep, arm, key, look, places[arm]))
    _test_panel(chart, sweep, tested, looks)
    sentence = _sentence(evidence, sweep, tested, what)
    return chart.figure(
        "steering-sweep",
        [evidence],
        what,
        caption=_caption(sweep, base, tested, limit),
        sentence=sentence,
        columns=COLUMNS,
        rows=_rows(sweep, tested),
    )


def _words(arm: str) -> str:
    """What the field calls an arm; others by their own name."""
    return WORDS.get(arm) or clean(arm)


def _tested(table: Table, arm: str) -> Point:
    """Success on test prompts, at the coefficient that validation prompts chose."""
    return intervals.of_mean(table.column(f"{arm}_success"))


def _series(panel: Panel, sweep: Sweep, arm: str, key: str, look: marks.Arm, shift: float) -> list[Element]:
    """Validation prompts; the line breaks where a coefficient is not fluent or was not run."""
    drawn: list[Element] = []
    paths: list[list[tuple[float, float]]] = [[]]
    for place, coefficient in enumerate(sweep.coefficients):
        row = sweep.row("validation", arm, coefficient)
        if row is None:
            paths.append([])
            continue
        x, y = panel.x.at(place + shift), panel.y.at(float(row[key]))
        fluent = bool(row["fluent"])
        if fluent:
            paths[-1].append((x, y))
        else:
            paths.append([])
        if not panel.y.holds(float(row[key])):
            drawn.append(marks.arrowhead(x, y - 6))
        drawn.append(marks.mark(look, x, y, hollow=not fluent))
        if sweep.chosen.get(arm) == coefficient:
            drawn.append(marks.chosen(x, y))
    return [*(polyline(path, f"series {look.kind}") for path in paths if len(path) > 1), *drawn]


def _test_panel(chart: Chart, sweep: Sweep, tested: Mapping[str, Point], looks: Mapping[str, marks.Arm]) -> None:
    """Success on test prompts: one interval per arm, at its chosen coefficient and nowhere else."""
    lines = [BASELINE, *(arm for arm in looks if arm in sweep.chosen)]
    names = ["unsteered" if arm == BASELINE else f"{_words(arm)} at {sweep.chosen[arm]:g}" for arm in lines]
    panel = chart.lines(
        "Success on test prompts, at the chosen coefficient", names, "success", lambda a, b: Linear(0.0, 1.0, a, b)
    )
    if (base := tested[BASELINE].value) is not None:
        chart.add(panel.upright(base, "baseline"))
    for i, arm in enumerate(lines):
        found, y = tested[arm], panel.y.at(i)
        if found.value is None:
            continue
        if found.lo is not None and found.hi is not None:
            kind = f"arm-{looks[arm].hue}" if arm in looks else ""
            chart.add(marks.level_interval(y, panel.x.at(found.lo), panel.x.at(found.hi), kind))
        x = panel.x.at(found.value)
        chart.add([marks.mark(looks[arm], x, y) if arm in looks else marks.tick(x, y)])


def _legend(chart: Chart, sweep: Sweep, looks: Mapping[str, marks.Arm], limit: float) -> None:
    first = next(iter(looks.values()))
    chart.legend(
        [
            *(marks.Entry(_words(arm), look) for arm, look in looks.items()),
            marks.Entry("not fluent: refused", drawn=[marks.mark(first, 14, 0, hollow=True)]),
            marks.Entry("chosen", drawn=[marks.chosen(14, 0)]),
            marks.level_entry("unsteered", "baseline"),
            marks.level_entry(f"fluency cap: {limit:.3g}", "bound"),
        ]
    )


def _caption(sweep: Sweep, base: Mapping[str, Any], tested: Mapping[str, Point], limit: float) -> str:
    signs = {c > 0 for c in sweep.coefficients}
    one_sign = "" if len(signs) > 1 else " Only one sign of the coefficient was swept."
    left = "; ".join(f"{_words(arm)}: {clean(why)}" for arm, why in sweep.undecided.items())
    return (
        f"Marks: {base['n']} validation prompts, on which the coefficient of each arm was chosen: the most successful fluent "
        f"one, ringed. Hollow marks are not fluent, with a perplexity above {limit:.3g} ({sweep.cap:g} times that of the "
        "unsteered model); no line is drawn to them; an arrowhead marks what lies beyond the axis. Below: success on "
        f"test prompts with its 95 % interval, at the chosen coefficient only.{one_sign}{f' Undecided: {left}.' if left else ''}"
    )


def _sentence(evidence: Evidence, sweep: Sweep, tested: Mapping[str, Point], what: str) -> str:
    said = [f"unsteered {tested[BASELINE].words}"]
    for arm, coefficient in sweep.chosen.items():
        row = sweep.row("test", arm, coefficient)
        perplexity = f", perplexity {number(row['perplexity'])}" if row else ""
        said.append(f"{_words(arm)} at {coefficient:g} {tested[arm].words}{perplexity}")
    refused = sum(1 for row in sweep.rows if row["split"] == "validation" and not row["fluent"])
    return (
        f"Success of steering towards {what} on test prompts: {'; '.join(said)}. {refused} conditions were refused as not "
        f"fluent. {verdict_sentence([evidence])}"
    )


def _rows(sweep: Sweep, tested: Mapping[str, Point]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for row in sweep.rows:
        arm, coefficient = str(row["arm"]), float(row["coefficient"])
        chosen = coefficient == sweep.chosen.get(arm, 0.0 if arm == BASELINE else None)
        point = tested.get(arm) if row["split"] == "test" and chosen else None
        interval = (
            (point.lo, point.hi, point.level, point.source, point.why_not) if point else (None, None, None, "", "")
        )
        fluent = "yes" if row["fluent"] else "no"
        about = (arm, coefficient, row["split"], row["n"], row["success"], row["perplexity"], fluent)
        found.append((*about, "yes" if chosen and arm != BASELINE else "no", *interval))
    swept = set(sweep.arms)
    empty = (None,) * 5
    return found + [
        (a, *empty, "", "no", None, None, None, "", w) for a, w in sweep.undecided.items() if a not in swept
    ]
