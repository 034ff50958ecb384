"""The gate: what a run must be before anything may rest on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from .errors import LedgerError
from .family import conjunctions
from .ruling import rulings
from .run import Run, check_chain
from .text import label

ALLOWABLE = ("dirty", "drift", "unexpected", "unsealed")


def problems(
    run: Run,
    *,
    require: Sequence[str] = (),
    max_age: timedelta | None = None,
    allow: Iterable[str] = (),
    now: datetime | None = None,
) -> list[str]:
    """Every reason why the run does not pass the gate; empty if it does.

    Required claims must pass in every cell, family and controls included. No row may be in drift,
    deviated, broken, unexpectedly refused, without its controls, judged on a changed promise, or
    unexpectedly failed; the tree must have been clean, the chain whole, and the run sealed.
    """
    allowed = set(allow)
    unknown = allowed - set(ALLOWABLE)
    if unknown:
        raise LedgerError(f"--allow {', '.join(sorted(unknown))}: expected {', '.join(ALLOWABLE)}")
    found = [f"chain: {p}" for p in check_chain(run.path)]
    if "unsealed" not in allowed:
        found += [f"run: {p}" for p in run.problems]
    if not run.rows:
        found.append("run: no rows; a gate over nothing would always be open")
    if "dirty" not in allowed:
        git = run.header.get("git") or {}
        if git.get("dirty"):
            found.append("run: made from a dirty tree: its commit is not the code that ran. Commit, then run again")
        elif git.get("commit") is None:
            found.append("run: made outside a git repository: nobody can tell which code ran")
    if max_age is not None:
        found += _age(run, max_age, now or datetime.now(UTC))
    ruled = rulings(run.rows)
    for r in ruled:
        row, name = r.row, f"{label(r.row)} on {r.row['subject']}"
        if r.attention and not (row["status"] == "drift" and "drift" in allowed):
            found.append(f"{name}: {r.word}: {r.note or 'see the row'}" if r.note else f"{name}: {r.word}")
        elif row["verdict"] == "fail" and row["expected"] is None and "unexpected" not in allowed:
            found.append(f"{name}: fail")
        if row.get("promise_changed"):
            found.append(f"{name}: its promise was changed after a look at data (run {row['promise_changed']['run']})")
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
