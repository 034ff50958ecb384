"""Lanes: what of the per-unit scores behind a row is drawn, and what one dot is, by the design of its contrast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

PAIRED = ("paired", "one-set")
Stored = Mapping[str, Any]


@dataclass(frozen=True)
class Lane:
    """Dots that are drawn on one line.

    Attributes:
        dot: what one dot is; where there are no values, why.
        values: one per unit, in the order of ``ids``, where the units have ids.
        centre: name and value of what the dots amount to.
        name: which arm, where there are more lanes than one.
        judged: whether the dots lie on the scale of the estimate, so that the bound can be drawn among them.
        against: what wins, ties and losses are counted against; empty where nothing is.
        gaps: differences from ``against``, one per unit; ``values`` where that is zero.
    """

    dot: str
    values: Sequence[float] = ()
    ids: Sequence[str] = ()
    centre: tuple[str, float] | None = None
    name: str = ""
    judged: bool = True
    against: str = ""
    gaps: Sequence[float] | None = None


def lanes(stored: Stored, unit: str) -> Iterator[Lane]:
    """What of one stored contrast is drawn, by its design.

    Raises:
        ValueError: arms that do not fit the design, or numbers that are none.
        LookupError: a part of the contrast is missing.
    """
    design = stored["design"]
    if design == "unpaired-summary":
        yield Lane("the source published means, SDs and numbers of units, and no scores")
        return
    arms = [_numbers(arm["values"]) for arm in stored["arms"]]
    own = [arm.get("units", stored["units"]) for arm in stored["arms"]]
    match design:
        case "mean" | "median":
            yield Lane(f"the score of one {unit}", arms[0], own[0], (design, _middle(arms[0], design)))
        case "runs" if len(arms) == 1:
            yield Lane(f"the score of one {unit}", arms[0], own[0], ("mean", _mean(arms[0])))
        case "paired" | "one-set" | "runs" if design in PAIRED or own[0] == own[1]:
            gaps = _minus(arms[0], arms[1])
            yield _difference(f"the difference of one {unit}, first arm minus second", gaps, own[0])
        case "unpaired" | "runs":
            for name, values, ids in zip(("first arm", "second arm"), arms, own, strict=True):
                yield Lane(f"the score of one {unit}", values, ids, ("mean", _mean(values)), name, judged=False)
        case "ratio" | "clustered":
            what = "the mean over one" if design == "clustered" else "numerator over denominator of one"
            values, ids = _ratios(arms[0], arms[1], own[0])
            yield Lane(f"{what} {unit}", values, ids, ("ratio of the sums", sum(arms[0]) / sum(arms[1])))
        case "ratio-difference":
            yield _ratio_difference(arms, own[0], unit)
        case "faithfulness":
            gaps = _minus(arms[0], arms[1])
            score, chance = f"the score of one {unit}", f"{stored['options']['chance']:g}"
            ratio = f"; the estimate is (mean - {chance}) of the circuit over (mean - {chance}) of its ceiling"
            yield Lane(score + ratio, arms[0], own[0], ("mean", _mean(arms[0])), "circuit", False, "its ceiling", gaps)
            yield Lane(score, arms[1], own[1], ("mean", _mean(arms[1])), "ceiling", False)
        case "random-sets":
            yield from _random_sets(arms[0], arms[1:], own[0], unit)
        case "similarity":
            yield from _similarity(arms[0], own[0], stored["options"]["texts"])
        case _:
            yield Lane(f"this version cannot draw the design {design!s:.40}")


def _difference(dot: str, values: Sequence[float], ids: Sequence[str], name: str = "") -> Lane:
    return Lane(dot, values, ids, ("mean", _mean(values)), name, against="zero")


def _ratio_difference(arms: Sequence[Sequence[float]], ids: Sequence[str], unit: str) -> Lane:
    (a, kept), (b, _) = _ratios(arms[0], arms[1], ids, arms[3]), _ratios(arms[2], arms[3], ids, arms[1])
    centre = ("difference of the ratios of sums", sum(arms[0]) / sum(arms[1]) - sum(arms[2]) / sum(arms[3]))
    dot = f"numerator over denominator of one {unit}, first pair minus second"
    return Lane(dot, _minus(a, b), kept, centre, against="zero")


def _random_sets(
    circuit: Sequence[float], sets: Sequence[Sequence[float]], ids: Sequence[str], unit: str
) -> Iterator[Lane]:
    by_unit = [own - _mean(others) for own, *others in zip(circuit, *sets, strict=True)]
    mean = _mean(circuit)
    by_set = [mean - _mean(s) for s in sets]
    names = [f"random set {k}" for k in range(1, len(sets) + 1)]
    yield _difference(
        f"the feature set minus the mean of {len(sets)} random sets, on one {unit}", by_unit, ids, f"per {unit}"
    )
    yield _difference("the mean of the feature set minus that of one random set", by_set, names, "per random set")


def _similarity(values: Sequence[float], pairs: Sequence[str], texts: Mapping[str, Sequence[str]]) -> Iterator[Lane]:
    lanes: dict[str, list[tuple[float, str]]] = {"within a topic": [], "across topics": []}
    for value, pair in zip(values, pairs, strict=True):
        (topic_a, block_a), (topic_b, block_b) = (texts[text] for text in pair.split("|", 1))
        if block_a != block_b:
            lanes["within a topic" if topic_a == topic_b else "across topics"].append((value, pair))
    for name, found in lanes.items():
        kept, ids = [v for v, _ in found], [p for _, p in found]
        yield Lane(
            "the similarity of one pair of texts of different blocks",
            kept,
            ids,
            ("mean", _mean(kept)),
            name,
            judged=False,
        )


def _ratios(
    top: Sequence[float], bottom: Sequence[float], ids: Sequence[str], also: Sequence[float] | None = None
) -> tuple[list[float], list[str]]:
    """Ratios of the units whose denominator is above 0; of one that weighs nothing there is no ratio."""
    found = [
        (a / b, unit)
        for a, b, c, unit in zip(top, bottom, bottom if also is None else also, ids, strict=True)
        if b > 0 and c > 0
    ]
    return [v for v, _ in found], [u for _, u in found]


def _minus(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [x - y for x, y in zip(a, b, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _middle(values: Sequence[float], which: str) -> float:
    return median(values) if which == "median" else _mean(values)


def _numbers(values: str | Sequence[float]) -> list[float]:
    """Outcomes are stored as a string of 0 and 1."""
    return [float(v) for v in values]
