"""Verification: every verdict of a run, recomputed from its stored per-unit scores, with no model."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import isclose
from typing import Any

from .assess import forcing_flags
from .attempts import Attempt, alpha_of_attempt
from .claim import promise_hash
from .errors import LedgerError
from .home import sibling
from .run import Run, check_chain
from .scores import missing_scores, read_scores
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

    Needs no model. Limits must agree to 1e-9 of their size or of the interval's
    width: other library versions may differ in the last bits, not more.
    """
    found = Verification(len(run.rows))
    found.problems += [*run.problems, *check_chain(run.path)]
    judged = [r for r in run.rows if r["estimate"] is not None]
    found.problems += missing_scores(run)
    scores: dict[str, Mapping[str, Any]] = {}
    if judged:
        with suppress(LedgerError):  # missing_scores has said why
            scores = dict(read_scores(run.scores_path))
    for row in judged:
        name = f"{label(row)} on {row['subject']}"
        stored = scores.get(row.get("data", ""))
        if stored is None:
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
        p_pass, p_fail = bound.p_values(contrast)
        attempt = Attempt(row["attempt"])
        if forcing_flags(row["claim"], registered, contrast, bound, alpha, attempt, bound.decide(lo, hi)):
            verdict = Verdict.INCONCLUSIVE
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, LedgerError) as exc:
        return [f"cannot be recomputed: {exc}"]
    problems = []
    if contrast.digest != row["data"]:
        problems.append("its scores were changed: their digest is not the row's")
    for what, then, now, size in (
        ("level", row["level"], 1 - 2 * alpha, 1.0),
        ("estimate", row["estimate"], contrast.estimate, hi - lo),
        ("lower limit", row["lo"], lo, hi - lo),
        ("upper limit", row["hi"], hi, hi - lo),
        ("p_pass", row["p_pass"], p_pass, 1e-3),
        ("p_fail", row["p_fail"], p_fail, 1e-3),
        ("mde", row["mde"], contrast.minimum_detectable_effect(alpha), hi - lo),
    ):
        if not isclose(then, now, rel_tol=1e-9, abs_tol=1e-9 * size):
            problems.append(f"{what} was written as {then!r} and comes out as {now!r}")
    for what in ("n", "method", "design", "calibration"):
        if row[what] != getattr(contrast, what):
            problems.append(f"{what} was written as {row[what]!r} and comes out as {getattr(contrast, what)!r}")
    strayed = row["executed_hash"] != row["registered_hash"]
    if row["status"] in ("deviated", "error"):  # an error after the look: judged, and worth no verdict
        verdict = None
    if row["status"] != "error" and strayed != (row["status"] == "deviated"):
        problems.append(f"executed as registered: {not strayed}, and its status is {row['status']}")
    if row["verdict"] != verdict:
        problems.append(f"verdict was written as {row['verdict']} and comes out as {verdict}")
    if promise_hash(registered) != row["registered_hash"]:
        problems.append("its registration was changed: the hash does not fit")
    for key in ("rule", "bound"):
        if row["status"] != "deviated" and registered.get(key) != row[key]:
            problems.append(f"{key} {row[key]!r} is not the registered {registered.get(key)!r}")
    return problems
