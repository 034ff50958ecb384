"""Circuit sizes in the running model: what a circuit kept alone keeps of the logit difference, by K."""

from __future__ import annotations

from typing import Any

from ..ruling import Ruling
from . import intervals, marks
from .chart import LEFT, RIGHT, WIDTH, Chart, Panel
from .circuit import ALL, NONE, Draws, Sizes, band, draws, empty_circuit, named, point, random_cells, random_entries
from .evidence import Evidence, Table, verdict_sentence
from .figure import Figure
from .intervals import Point
from .scale import Linear

ERRORS = {"kept": "error kept", "ablated": "error ablated"}
LOOKS = {error: marks.arm(i) for i, error in enumerate(ERRORS)}
EMPTY = "cannot be measured: with everything ablated there is no circuit; this is where the scale begins"
COLUMNS = ("shown", "error", "asked for per coder", "kept", *intervals.COLUMNS)
DODGE = 0.13
"""Of a place: arms that would lie upon each other stand side by side."""


def draw(evidence: Evidence) -> Figure | None:
    """Of one artifact of ``mi.circuits.causal:causal``; None where a circuit was asked about another concept."""
    if evidence.about("other"):
        return None
    table = evidence.table()
    sizes = Sizes.of(table.facts)
    judged = {
        (error, k): found
        for error in ERRORS
        for k in sizes.asked
        if (found := evidence.judged(design="faithfulness", column=[f"kept_k{k}_{error}", f"headroom_{error}"]))
    }
    shares = {(error, k): _share(table, error, k, judged) for error in ERRORS for k in sizes.asked}
    everything = intervals.of_share(
        [a - b for a, b in zip(table.column("none_ablated"), table.column("all_ablated"), strict=True)],
        table.column("headroom_ablated"),
        0.0,
    )
    random = {k: drawn for k in sizes.asked if (drawn := _random(evidence, table, k))}
    bounds = sorted({r.row["bound"] for rulings in judged.values() for r in rulings})
    what = named(evidence, "attribution")
    chart = Chart(f"Circuit kept alone: {what}, {evidence.subject}")
    chart.legend(
        [
            *(marks.Entry(f"circuit, {words}", drawn=[marks.mark(LOOKS[e], 14, 0)]) for e, words in ERRORS.items()),
            *(random_entries({"matched": "as often active, error kept"}) if random else []),
            marks.level_entry("ceiling: the model as it is", "ceiling"),
            *marks.bound_entries(r for rulings in judged.values() for r in rulings),
            *marks.verdict_entries(r.state for rulings in judged.values() for r in rulings),
        ]
    )
    top = chart.room(302) + 20
    values = [v for p in (*shares.values(), everything) for v in p[:3] if v is not None]
    values += [d.quantile(q) for d in random.values() for q in (0.05, 0.95)]
    y = Linear.around([*values, *bounds], top + 230, top, keep=(0.0, 1.03))
    panel = Panel(sizes.slots(LEFT, WIDTH - RIGHT), y)
    chart.add(panel.frame("Share of the logit difference that the circuit alone keeps", sizes.axis, "share"))
    for k, drawn in random.items():
        chart.add(band(panel, sizes.asked.index(k) + 1, drawn, "matched"))
    chart.add(panel.level(1.0, "ceiling"))
    for bound in bounds:
        chart.add(panel.level(bound, "bound"))
    chart.add(empty_circuit(panel))
    for (error, k), share in shares.items():
        place = sizes.asked.index(k) + 1 + (-DODGE if error == "kept" else DODGE)
        chart.add(point(panel, place, share, LOOKS[error]))
        if share.value is not None:
            step, x, height = (13 if error == "ablated" else -13), panel.x.at(place), panel.y.at(share.value)
            rulings = judged.get((error, k), [])
            chart.add(marks.verdict_mark(r.state, x + step * i, height) for i, r in enumerate(rulings, 1))
    chart.add(point(panel, len(sizes.asked) + 1 + DODGE, everything, LOOKS["ablated"]))
    caption = (
        f"Means over {len(table.units)} held-out questions of the logit difference with only the circuit's latents left, "
        "less that with everything ablated, as a share of the model's own. Latents that are not kept take their means; "
        "so does the coder's error in one arm. 'All' keeps every latent and ablates the error. Bars are 95 % intervals, "
        "or as judged where a claim was, with its mark beside. Boxes: where 90 % of the random sets lie, and their median."
    )
    said = [f"with {sizes.kept[k]} latents, {ERRORS[error]}, {p.words}" for (error, k), p in shares.items()]
    sentence = (
        f"Share of the logit difference that a circuit of {what} keeps alone: {'; '.join(said)}. "
        f"The empty circuit cannot be measured. {verdict_sentence([evidence])}"
    )
    return chart.figure(
        "circuit-kept",
        [evidence],
        what,
        caption=caption,
        sentence=sentence,
        columns=COLUMNS,
        rows=_rows(sizes, shares, everything, random),
    )


def _share(table: Table, error: str, k: int, judged: dict[tuple[str, int], list[Ruling]]) -> Point:
    if (error, k) in judged:
        return intervals.of_row(judged[error, k][0])
    return intervals.of_share(table.column(f"kept_k{k}_{error}"), table.column(f"headroom_{error}"), 0.0)


def _random(evidence: Evidence, table: Table, k: int) -> Draws | None:
    headroom, empty = table.mean("headroom_kept"), table.mean("all_kept")
    if headroom <= 0:
        return None
    return draws(evidence, f"random/only_matched_k{k}", "matched", lambda value: (value - empty) / headroom)


def _rows(
    sizes: Sizes, shares: dict[tuple[str, int], Point], everything: Point, random: dict[int, Draws]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for error, words in ERRORS.items():
        rows.append(("circuit", words, NONE, 0, *Point(None, why_not=EMPTY).cells))
        rows += [("circuit", words, k, sizes.kept[k], *shares[error, k].cells) for k in sizes.asked]
    rows += [("random sets", ERRORS["kept"], k, sizes.kept[k], *random_cells(found)) for k, found in random.items()]
    return [*rows, ("circuit", ERRORS["ablated"], ALL, None, *everything.cells)]
