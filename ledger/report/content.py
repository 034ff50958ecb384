"""Content: everything that the scripts of the page know, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LedgerError
from ..ruling import Ruling
from ..run import Run
from .axes import axes
from .island import pack
from .overview import SubjectSummary, badge_of
from .records import record, undrawable

FORMAT = 1


def content(run: Run, found: Sequence[Ruling], subjects: Sequence[SubjectSummary]) -> dict[str, Any]:
    """The island of one run.

    Raises:
        LedgerError: a row that cannot be drawn; it is named.
    """
    return {
        "format": FORMAT,
        "run": _run_facts(run),
        "subjects": [
            {"name": s.name, "rows": s.rows, "unexpected": s.unexpected, "headline": s.headline} for s in subjects
        ],
        "axes": axes(r.row for r in found),
        "rows": pack(_records(run, found)),
    }


def _records(run: Run, found: Sequence[Ruling]) -> list[dict[str, Any]]:
    records = []
    for at, ruling in enumerate(found):
        try:
            badge = badge_of(ruling)
            records.append(record(ruling, at) | ({"badge": badge} if badge else {}))
        except (LedgerError, KeyError, TypeError, ValueError, AttributeError) as exc:
            raise undrawable(
                run, ruling.row, exc if isinstance(exc, LedgerError) else f"{type(exc).__name__} {exc}"
            ) from None
    return records


def _run_facts(run: Run) -> dict[str, Any]:
    """The run record and the seal, as the run page shows them."""
    header: Mapping[str, Any] = run.header
    seal = run.seal or {}
    return {
        "id": run.id,
        "rows": len(run.rows),
        **{key: header.get(key) for key in ("time", "git", "lock", "hardware", "mi_assay", "command")},
        **{key: seal.get(key) for key in ("seconds", "exitstatus")},
        "sealed": run.seal is not None,
        "problems": run.problems,
    }
