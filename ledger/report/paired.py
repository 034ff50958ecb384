"""Paired: how far a row moved between two runs, unit by unit, where both scored the same units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import LedgerError
from ..home import sibling
from ..run import Run
from ..scores import read_scores
from ..text import clean

Row = Mapping[str, Any]
Pair = tuple[Row, Row]
_UNUSABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, LedgerError)


def paired_differences(before: Run, after: Run, pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """For each pair of rows, one per run, the mean difference per unit, the later minus the earlier one.

    ``{"estimate", "lo", "hi", "level", "n", "method"}``, the two-sided 95 % interval of mi's own paired contrast; or
    ``{"none": reason}``. Of a paired claim, a unit's number is its difference between the arms.
    """
    wanted = [(old, new, _obstacle(old, new)) for old, new in pairs]
    scores = [
        _scores(before, {old["data"] for old, _, why in wanted if why is None}),
        _scores(after, {new["data"] for _, new, why in wanted if why is None}),
    ]
    return [{"none": why} if why else _difference(old, new, scores) for old, new, why in wanted]


def _obstacle(old: Row, new: Row) -> str | None:
    """What can be said without the scores."""
    if old["estimate"] is None or new["estimate"] is None:
        return "one of the two has no scores"
    if old["data"] == new["data"]:
        return "the same scores: nothing was measured again"
    for name in ("quantity", "unit", "design"):
        if old[name] != new[name]:
            return f"another {name}: {clean(old[name])}, then {clean(new[name])}"
    if new["design"] not in ("mean", "paired"):
        return f"design {clean(new['design'])}: no number per unit that could be subtracted"
    return None


def _scores(run: Run, digests: set[str]) -> dict[str, Any] | str:
    """The stored contrasts of these data, or why there are none."""
    if not digests:
        return {}
    try:
        return {digest: stored for digest, stored in read_scores(run.scores_path) if digest in digests}
    except LedgerError:
        return f"the scores of run {run.id} are missing or damaged"


def _difference(old: Row, new: Row, scores: list[dict[str, Any] | str]) -> dict[str, Any]:
    samples = []
    for row, stored in zip((old, new), scores, strict=True):
        if isinstance(stored, str):
            return {"none": stored}
        if row["data"] not in stored:
            return {"none": "its scores are missing in one of the runs"}
        try:
            contrast = sibling("mi.contrasts.stored").rebuild(stored[row["data"]])
            samples.append(contrast.differences if contrast.design == "paired" else contrast.arms[0])
            changed = contrast.digest != row["data"]
        except _UNUSABLE:
            changed = True
        if changed:
            return {"none": "its scores were changed: they are not what was judged"}
    try:
        found = sibling("mi.claimable").paired(samples[1], samples[0]).interval()
    except _UNUSABLE as exc:
        return {"none": clean(exc)[:300]}
    names = ("estimate", "lo", "hi", "level", "n", "method")
    return {name: getattr(found, name) for name in names}
