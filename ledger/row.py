"""A ledger row: one claim cell in one run. Plain JSON; this module says what must be in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .claim import Claim, promise_hash
from .cost import no_cost

SCHEMA_VERSION = 1
Row = dict[str, Any]

STATUSES = ("decided", "drift", "deviated", "refused", "error", "crashed", "not_run")
"""decided: a verdict, as expected or with no expectation. drift: another verdict than expected.
deviated: executed and registered parameters differ. refused: input that must not be judged.
error: the test broke. crashed: its worker died. not_run: collected and never reached, or skipped."""

ALARMS = ("error", "crashed", "deviated", "drift", "not_run")
"""Statuses that always want a person. ``refused`` does too, unless it was expected."""

_NUMBER = (int, float, type(None))
_TEXT = (str, type(None))
REQUIRED: dict[str, type | tuple[type, ...]] = {
    "claim": str,
    "statement": str,
    "subject": str,
    "params": dict,
    "status": str,
    "verdict": _TEXT,
    "expected": _TEXT,
    "expected_why": _TEXT,
    "supersedes": _TEXT,
    "estimate": _NUMBER,
    "lo": _NUMBER,
    "hi": _NUMBER,
    "n": _NUMBER,
    "method": _TEXT,
    "rule": str,
    "bound": (int, float),
    "rope": _NUMBER,
    "level": _NUMBER,
    "alpha": (int, float),
    "quantity": str,
    "unit": str,
    "design": str,
    "scope": str,
    "report": str,
    "family": str,
    "family_size": int,
    "role": str,
    "flags": list,
    "deviations": list,
    "controls": list,
    "reason": (dict, type(None)),
    "reported": (dict, type(None)),
    "source": (dict, type(None)),
    "registered": dict,
    "registered_hash": str,
    "where": str,
    "nodeid": str,
    "index": int,
    "run": str,
}
JUDGED: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("attempt", "alpha_spent", "p_pass", "p_fail", "mde"), (int, float)),
    "units_needed": _NUMBER,
    "data": str,
    "executed_hash": _TEXT,
    "limited_by": str,
    "artifacts": list,
    "counts": dict,
    "extra": dict,
    "measured": dict,
    "unconfirmed": list,
    "adjusted": (dict, type(None)),
    "promise_changed": (dict, type(None)),
    "seen_before": (dict, type(None)),
}
"""What a judged row has besides."""
OPTIONAL: dict[str, type | tuple[type, ...]] = {"cost": (dict, type(None))}
"""What rows of older runs lack."""

_INSIDE: dict[str, dict[str, type | tuple[type, ...]]] = {
    "reason": {"detail": str, "fix": str},
    "adjusted": {"lo": (int, float), "hi": (int, float), "method": str, "m": int},
    "promise_changed": {"run": _TEXT, "keys": dict},
    "seen_before": {"claim": str, "run": _TEXT},
    "controls": {"id": str},
    "cost": {"estimated_usd": (int, float), "spent_usd": (int, float)},
    "deviations": {"key": str, "registered": object, "executed": object},
}


def undecided_row(claim: Claim, nodeid: str, index: int) -> Row:
    """A row that says everything the registration says, and no verdict yet."""
    promise = claim.promise
    return {
        "record": "row",
        "schema": SCHEMA_VERSION,
        "claim": claim.id,
        "subject": claim.subject,
        "params": dict(claim.params),
        "status": "not_run",
        "verdict": None,
        "expected": claim.expected,
        "expected_why": claim.expected_why,
        "reported": None if claim.reported is None else dict(claim.reported),
        "statement": claim.statement,
        "report": claim.report,
        "section": claim.section,
        "source": None if claim.source is None else dict(claim.source),
        "where": claim.where,
        "nodeid": nodeid,
        "index": index,
        "tier": claim.tier,
        "kind": claim.bound.kind,
        "rule": claim.bound.rule,
        "bound": claim.bound.value,
        "quantity": claim.quantity,
        "unit": claim.unit,
        "design": claim.design,
        "scope": claim.scope,
        "family": claim.family,
        "role": claim.role,
        "family_size": claim.family_size,
        "alpha": claim.alpha,
        "looks": claim.looks,
        "rope": claim.rope,
        "controls": [{"id": c, "required": True} for c in claim.controls],
        "supersedes": claim.supersedes,
        "registered": promise,
        "registered_hash": promise_hash(promise),
        "executed_hash": None,
        "deviations": [],
        "estimate": None,
        "lo": None,
        "hi": None,
        "level": None,
        "n": None,
        "method": None,
        "flags": [],
        "seconds": None,
        "cost": no_cost(),
        "reason": None,
    }


def problem_with(row: Any) -> str | None:
    """Why a parsed line is not a row that can be shown or judged; None if it is one."""
    if not isinstance(row, Mapping):
        return f"a {type(row).__name__} where an object was expected"
    if row.get("schema") != SCHEMA_VERSION:
        return f"schema {row.get('schema')!r}; this version reads schema {SCHEMA_VERSION}"
    judged = row.get("estimate") is not None
    more = {key: kind for key, kind in (JUDGED | OPTIONAL).items() if key in row or (judged and key in JUDGED)}
    problem = _misfit(row, {**REQUIRED, **more})
    if problem:
        return problem
    for key, shape in _INSIDE.items():
        value = row.get(key)
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            problem = _misfit(item, shape)
            if problem:
                return f"{key}: {problem}"
    numbers = [
        *(row.get("counts") or {}).values(),
        *(row.get("extra") or {}).values(),
        (row["reported"] or {}).get("value"),
    ]
    if not all(isinstance(x, _NUMBER) for x in numbers):
        return "'counts', 'extra' or 'reported' holds something else than a number"
    if not all(
        isinstance(x, list) and len(x) == 2 for x in (row.get("promise_changed") or {"keys": {}})["keys"].values()
    ):
        return "'promise_changed' holds something else than [then, now]"
    builds = (row.get("cost") or {}).get("builds") or {}
    if not isinstance(builds, dict) or not all(
        isinstance(x, list) and len(x) == 2 and all(type(usd) in (int, float) for usd in x) for x in builds.values()
    ):
        return "'cost' has builds that are not {digest: [estimated, spent]}"
    if not 1 <= row["family_size"] <= 100_000:
        return f"'family_size' is {row['family_size']}"
    if row["expected"] not in (None, "pass", "fail", "inconclusive", "refused"):
        return f"expected {row['expected'][:40]!r}"
    if row["status"] not in STATUSES:
        return f"status {row['status'][:40]!r}; expected one of {', '.join(STATUSES)}"
    if row["verdict"] not in (None, "pass", "fail", "inconclusive"):
        return f"verdict {row['verdict'][:40]!r}; expected pass, fail, inconclusive or null"
    if (row["verdict"] is None) == (row["status"] in ("decided", "drift")):
        return f"status {row['status']} with verdict {row['verdict']}"
    if row["rule"] not in ("above", "below", "within"):
        return f"rule {row['rule'][:40]!r}; expected above, below or within"
    if (judged or row["verdict"]) and any(row[k] is None for k in ("estimate", "lo", "hi", "level", "n", "method")):
        return "a verdict without an interval"
    return None


def _misfit(row: Any, shape: Mapping[str, type | tuple[type, ...]]) -> str | None:
    if not isinstance(row, Mapping):
        return f"a {type(row).__name__} where an object was expected"
    for key, kind in shape.items():
        if key not in row:
            return f"{key!r} is missing"
        value = row[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not object):
            return f"{key!r} is {type(value).__name__} {str(value)[:40]!r}"
    return None


def key_of(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a row is about, across runs: claim, subject, parameters."""
    params = row["params"]
    return row["claim"], row["subject"], ",".join(f"{k}={params[k]!r}" for k in sorted(params))


def wants_attention(row: Mapping[str, Any]) -> bool:
    """Whether a person must look at this row."""
    if row["status"] == "refused":
        return not row.get("refused_as_expected", row["expected"] == "refused")
    refuted = row["status"] == "decided" and row["verdict"] == "fail" and row["expected"] is None
    return refuted or row["status"] in ALARMS or bool(row.get("control_problems"))
