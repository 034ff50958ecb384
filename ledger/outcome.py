"""Outcome: how a test's end and its assessment become one row, and what pytest shall call it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .claim import Claim
from .errors import LedgerError
from .judge import Deviated, Drift, Inconclusive, Judge, Refuted
from .row import Row, undecided_row
from .verdict import Verdict

RULINGS = (Refuted, Drift, Deviated, Inconclusive)


def settle(
    report: pytest.TestReport,
    call: pytest.CallInfo[None],
    claim: Claim,
    judge: Judge | None,
    index: int,
    strict: bool,
) -> tuple[Row, dict[str, Any] | None]:
    """The row of a finished test with its per-unit scores; sets the report's outcome where pytest can't know it."""
    row = undecided_row(claim, report.nodeid, index)
    row["seconds"] = round(call.duration, 6)
    error = call.excinfo.value if call.excinfo else None
    found = judge.assessment if judge else None
    judged = (
        found is not None and judge is not None and judge.calls == 1 and (error is None or isinstance(error, RULINGS))
    )
    if judged and found is not None:
        row.update(found.fields)
        expected = claim.expected
        drifted = expected is not None and found.verdict != expected
        row["status"] = "deviated" if found.verdict is None else "drift" if drifted else "decided"
        if isinstance(error, Inconclusive) and (strict or claim.strict):
            report.outcome = "failed"
            report.longrepr = f"[INCONCLUSIVE(strict)] {error.msg}"
        green = row["status"] == "decided" and (expected is not None or found.verdict is Verdict.PASS)
        if error is None and report.passed and not green:
            report.outcome = "failed"
            report.longrepr = (
                f"{found}\nThe test caught its own verdict. Let judge end it; "
                "a claim that is known to be false registers expected: fail."
            )
        return row, dict(found.stored)
    if error is not None and getattr(error, "refused", False):
        row["status"] = "refused"
        row["reason"] = _reason("refused", error.given, f"Expected {error.expected}. {error.fix}")  # type: ignore[attr-defined]
        foreseen = claim.expected == "refused" and (claim.expected_because or "") in str(error)
        row["refused_as_expected"] = foreseen
        if foreseen and report.when == "call":
            report.outcome, report.longrepr = "passed", None
        elif foreseen:  # a setup that passed would go on to run the test
            file, line, _ = report.location
            report.outcome, report.longrepr = "skipped", (file, line or 0, f"refused, as expected: {error}")
        return row, None
    if isinstance(error, pytest.skip.Exception):
        fix = getattr(error, "fix", "Meet the skip's condition to have this claim judged.")
        row["reason"] = _reason("skipped", str(error.msg), fix)
        return row, None
    row["status"] = "error"
    stored = None
    if found is not None:  # the data were seen: a look is a look, whatever the test did next
        row.update({**found.fields, "verdict": None})
        stored = dict(found.stored)
    if error is None and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{claim.label}: the claim ended without a judge call. Expected one: judge(contrast), or judge(contrast, above=...)."
        row["reason"] = _reason("no judge call", "the claim ended without a judge call", "Call judge(contrast) once.")
    else:
        ours = isinstance(error, LedgerError)  # its message says what to do
        message = _first_line(error)
        detail = message if ours else ": ".join(x for x in (type(error).__name__, message) if x)
        fix = "Mend the test and run again." if ours else "A broken test says nothing about the claim: mend it."
        row["reason"] = _reason(type(error).__name__, detail, fix)
    return row, stored


def packed(report: pytest.TestReport, claim: Claim, row: Row, stored: dict[str, Any] | None) -> tuple[Row, str]:
    """The row, and row and scores as one JSON string; what JSON cannot say costs its own claim, not the session."""
    try:
        return row, json.dumps({"row": row, "stored": stored}, allow_nan=False)
    except (TypeError, ValueError) as exc:
        what = f"the measurement is not JSON ({exc})"
        report.outcome, report.longrepr = "failed", f"{claim.label}: {what}"
        row = undecided_row(claim, report.nodeid, row["index"]) | {"cost": row["cost"]}
        row |= {"status": "error", "reason": _reason("not JSON", what, "Describe it in plain numbers and text.")}
        return row, json.dumps({"row": row, "stored": None})


def _reason(short: str, detail: str, fix: str) -> dict[str, str]:
    return {"short": short[:80], "detail": detail[:2000], "fix": fix}


def _first_line(error: BaseException | None) -> str:
    text = str(error).strip() if error is not None else ""
    return text.splitlines()[0] if text else ""
