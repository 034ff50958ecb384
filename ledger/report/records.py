"""Records: what the page knows of one row."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from ..deciding import what_would_decide
from ..errors import LedgerError
from ..ruling import Ruling
from ..run import Run
from ..text import label, units_of
from .axes import axis_key
from .forms import HEADER, ROW, is_number, misfit

_AS_THEY_ARE = (
    *("claim", "params", "subject", "statement", "report", "section", "source", "where", "nodeid", "tier", "status"),
    *("verdict", "family_verdict", "family_method", "family_missing", "expected", "expected_why", "reported", "rule"),
    *("bound", "quantity", "unit", "design", "scope", "family", "family_size", "role", "alpha", "looks", "rope"),
    *("controls", "control_problems", "supersedes", "superseded_by", "deviations", "registered_hash", "executed_hash"),
    *("estimate", "lo", "hi", "level", "n", "method", "calibration", "flags", "limits", "adjusted", "p_pass", "p_fail"),
    *("counts", "extra", "mde", "units_needed", "limited_by", "attempt", "replay", "alpha_spent", "promise_changed"),
    *("seen_before", "measured", "unconfirmed", "data", "cost", "seconds", "time", "reason"),
)


def record(ruling: Ruling, at: int) -> dict[str, Any]:
    """One flat record; keys whose value is null are left out.

    Raises:
        LedgerError: the row cannot be drawn, see :func:`check_row`.
    """
    row = ruling.row
    check_row(row)
    kept = {key: row.get(key) for key in _AS_THEY_ARE}
    flags = row.get("flags") or []
    said = {
        "at": at,
        "label": label(row),
        "word": ruling.word,
        "state": ruling.state,
        "attention": ruling.attention,
        "remarks": list(ruling.remarks),
        "axis": axis_key(row),
        "units_text": units_of(row),
        "forced": row.get("limited_by") in flags,
        "decide": what_would_decide(row) if row["verdict"] == "inconclusive" else None,
        "promise": _promise(row),
        "artifacts": row.get("artifacts") or [],
        "command": f"pytest {quote(row['nodeid'])}",
    }
    return {key: value for key, value in {**kept, **said}.items() if value not in (None, "", [], {})}


def _promise(row: Mapping[str, Any]) -> dict[str, Any]:
    """Registered fields whose value is not the row's own under that name; ``n`` and ``measured`` of a row are what was executed."""
    own = {**row, "controls": [c["id"] for c in row["controls"]], "n": None, "measured": None}
    return {k: v for k, v in row["registered"].items() if v not in (None, {}) and (k not in own or own[k] != v)}


def check_row(row: Mapping[str, Any]) -> None:
    """What the page takes for granted and a ledger row does not promise.

    Raises:
        LedgerError: a field of another form than :data:`.forms.ROW` has it, limits that are not in order, or a stored
            level that is not a pair.
    """
    found = misfit(row, ROW)
    if found:
        raise LedgerError(found)
    pairs = dict(row.get("limits") or {})
    if row.get("estimate") is not None:
        pairs["own"] = [row["lo"], row["hi"]]
    for level, pair in pairs.items():
        ordered = isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair))
        if not ordered or not pair[0] <= pair[1]:
            raise LedgerError(f"its limits at level {level!s:.20} are {pair!s:.60}. Expected [lower, upper]")


def check_run(run: Run) -> None:
    """What the page takes for granted of a run that is not the one it shows: see :func:`check_row`.

    Raises:
        LedgerError: its record or one of its rows cannot be drawn; the message names it.
    """
    found = misfit(run.header, HEADER)
    if found:
        raise LedgerError(f"{run.path.name}: the run record cannot be drawn: {found}")
    for row in run.rows:
        try:
            check_row(row)
        except LedgerError as exc:
            raise undrawable(run, row, exc) from None


def undrawable(run: Run, row: Mapping[str, Any], why: object) -> LedgerError:
    """A row that cannot be drawn stops the report: a page that leaves rows out would look complete."""
    return LedgerError(
        f"{run.path.name}: {label(row)} on {row['subject']} (row {row['index']}) cannot be drawn: {why}. "
        f"Check the file with: verify {run.id}"
    )
