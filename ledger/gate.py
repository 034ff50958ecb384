"""The gate: what a run must be before anything may rest on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from .claim import EXAMPLE_SUBJECT, Claim, promise_hash
from .errors import LedgerError
from .family import conjunctions
from .row import key_of
from .ruling import rulings
from .run import Run, check_chain
from .scores import missing_scores
from .text import label

ALLOWABLE = ("dirty", "drift", "unexpected", "unsealed")


def problems(
    run: Run,
    *,
    require: Sequence[str] = (),
    max_age: timedelta | None = None,
    allow: Iterable[str] = (),
    registered: Iterable[Claim] = (),
    now: datetime | None = None,
) -> list[str]:
    """Every reason why the run does not pass the gate; empty if it does.

    Required claims must pass in every cell, family and controls included. No row may be in drift,
    deviated, broken, unexpectedly refused, without its controls, judged on a changed promise, or
    unexpectedly failed; the tree must have been clean, the chain whole, the scores there, and the run
    sealed. With ``registered`` every registered cell must have a row that judged what
    it promises now.
    """
    allowed = set(allow)
    unknown = allowed - set(ALLOWABLE)
    if unknown:
        raise LedgerError(f"--allow {', '.join(sorted(unknown))}: expected {', '.join(ALLOWABLE)}")
    found = [f"chain: {p}" for p in check_chain(run.path)]
    found += missing_scores(run)
    if "unsealed" not in allowed:
        found += [f"run: {p}" for p in run.problems]
    if not run.rows:
        found.append("run: no rows; a gate over nothing would always be open")
    if "dirty" not in allowed:
        git = run.header.get("git") or {}
        if git.get("dirty") is None:
            found.append("run: made outside a git repository: nobody can tell which code ran")
        elif git.get("commit") is None:
            found.append("run: made before the first commit: nobody can tell which code ran. Commit, then run again")
        elif git["dirty"]:
            found.append("run: made from a dirty tree: its commit is not the code that ran. Commit, then run again")
    if max_age is not None:
        found += _age(run, max_age, now or datetime.now(UTC))
    ruled = rulings(run.rows)
    for r in ruled:
        row, name = r.row, f"{label(r.row)} on {r.row['subject']}"
        let_through = (row["status"] == "drift" and "drift" in allowed) or (
            row["status"] == "decided" and not row["control_problems"] and "unexpected" in allowed
        )
        if r.attention and not let_through:
            found.append(f"{name}: {r.word}: {r.note or 'see the row'}" if r.note else f"{name}: {r.word}")
        if row["subject"] == EXAMPLE_SUBJECT:
            found.append(f"{name}: judged on the scaffold's example numbers")
        if row.get("promise_changed"):
            found.append(f"{name}: its promise was changed after a look at data (run {row['promise_changed']['run']})")
    rows = {key_of(r): r for r in run.rows}
    for c in registered:
        judged = rows.get(key_of({"claim": c.id, "subject": c.subject, "params": c.params}))
        if judged is None:
            found.append(f"{c.label} on {c.subject}: registered at {c.where}, and not in this run")
        elif judged["registered_hash"] != promise_hash(c.promise):
            found.append(f"{c.label} on {c.subject}: promises something else at {c.where} than what this run judged")
    found += [
        f"{c['claim']} on {c['subject']}: required for every cell, and {c['passed']} of {c['cells']} cells pass"
        for c in conjunctions(run.rows)
        if c["claim"] in require and c["verdict"] != "pass"
    ]
    for claim in require:
        mine = [r for r in ruled if r.row["claim"] == claim]
        if not mine:
            found.append(f"{claim}: required, and not in this run")
        for r in mine:
            if r.state != "pass":
                found.append(f"{label(r.row)} on {r.row['subject']}: required to pass, and is {r.word}")
    return list(dict.fromkeys(found))


def _age(run: Run, max_age: timedelta, now: datetime) -> list[str]:
    try:
        made = datetime.fromisoformat(str(run.header.get("time")).replace("Z", "+00:00"))
        age = now - made
    except (ValueError, TypeError):
        return [f"run: its time {run.header.get('time')!r} cannot be read"]
    if age < timedelta(minutes=-5):
        return [f"run: made in the future ({run.header.get('time')})"]
    return [f"run: {_days(age)} old, at most {_days(max_age)} are allowed"] if age > max_age else []


def _days(age: timedelta) -> str:
    return f"{age / timedelta(days=1):.3g} days"


def parse_age(text: str) -> timedelta:
    """``30d``, ``12h`` or ``2w``."""
    match = re.fullmatch(r"(\d+)([hdw])", text.strip())
    if not match:
        raise LedgerError(f"age {text!r}: expected a number with h, d or w, e.g. 30d")
    hours = {"h": 1, "d": 24, "w": 168}[match[2]]
    return timedelta(hours=min(int(match[1]) * hours, 10**6))
