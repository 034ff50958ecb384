"""Verification: every verdict of a run, recomputed from its stored per-unit scores, with no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from .attempts import alpha_of_attempt
from .claim import promise_hash
from .errors import LedgerError
from .home import sibling
from .run import Run, check_chain
from .scores import read_scores
from .text import label
from .verdict import Bound, Verdict


@dataclass
class Verification:
    """What was recomputed, and everything that did not come out as written."""

    rows: int = 0
    recomputed: int = 0
    problems: list[str] = field(default_factory=list)


def verify(run: Run) -> Verification:
    """Check the chain, then recompute estimate, interval and verdict of every judged row.

    Needs numpy and scipy; nothing else. Limits must agree to 1e-9 of their size or of the interval's
    width: other library versions may differ in the last bits, not more.
    """
    found = Verification(len(run.rows))
    found.problems += [*run.problems, *check_chain(run.path)]
    judged = [r for r in run.rows if r["estimate"] is not None]
    scores: dict[str, Mapping[str, Any]] = {}
    if judged:
        try:
            scores = dict(read_scores(run.scores_path))
        except LedgerError as exc:
            found.problems.append(str(exc))
    for row in judged:
        name = f"{label(row)} on {row['subject']}"
        stored = scores.get(row.get("data", ""))
        if stored is None:
            found.problems.append(f"{name}: its per-unit scores are not in {run.scores_path.name}")
            continue
        found.recomputed += 1
        found.problems += [f"{name}: {p}" for p in _check(row, stored)]
    return found


def _check(row: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    try:
        contrast = sibling("mi.contrasts.stored").rebuild(stored)
        registered = row["registered"]
        alpha = alpha_of_attempt(registered["alpha"], row["attempt"], registered["looks"])
        lo, hi = contrast.limits(alpha)
        bound = Bound(row["rule"], row["bound"])
        verdict: Verdict | None = bound.decide(lo, hi)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, LedgerError) as exc:
        return [f"cannot be recomputed: {exc}"]
    problems = []
    if contrast.digest != row["data"]:
        problems.append("its scores were changed: their digest is not the row's")
    for what, then, now in (
        ("level", row["level"], 1 - 2 * alpha),
        ("estimate", row["estimate"], contrast.estimate),
        ("lower limit", row["lo"], lo),
        ("upper limit", row["hi"], hi),
    ):
        if not isclose(then, now, rel_tol=1e-9, abs_tol=1e-9 * (hi - lo)):
            problems.append(f"{what} was written as {then!r} and comes out as {now!r}")
    if row["status"] == "deviated":
        verdict = None
    elif row.get("limited_by") in row.get("flags", []):
        verdict = Verdict.INCONCLUSIVE  # forced, for the reason that the row gives
    if row["verdict"] != verdict:
        problems.append(f"verdict was written as {row['verdict']} and comes out as {verdict}")
    if promise_hash(registered) != row["registered_hash"]:
        problems.append("its registration was changed: the hash does not fit")
    for key in ("rule", "bound"):
        if row["status"] != "deviated" and registered.get(key) != row[key]:
            problems.append(f"{key} {row[key]!r} is not the registered {registered.get(key)!r}")
    return problems
