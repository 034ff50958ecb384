"""Content: everything that the scripts of the page know, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cost import in_words, total_cost
from ..errors import LedgerError
from ..figures.figure import Figure
from ..origin import origins
from ..row import key_of
from ..ruling import Ruling
from ..run import Run
from ..text import clean
from .artifact_trees import artifact_trees
from .axes import axes
from .compare import comparison
from .forms import HEADER, SEAL, misfit
from .history import history, listed
from .island import pack
from .latents import latents
from .overview import SubjectSummary, badge_of
from .private import passable, without_secrets
from .records import check_run, record, undrawable
from .units import unit_lanes


def content(
    run: Run,
    found: Sequence[Ruling],
    subjects: Sequence[SubjectSummary],
    earlier: Sequence[Run],
    compared: Sequence[Run],
    store: Path | None,
    figures: Sequence[Figure],
    left_out: Sequence[str] = (),
) -> dict[str, Any]:
    """The island of one run; the arguments are those of :func:`ledger.report.page.render`.

    Raises:
        LedgerError: a row, of this or a compared run, or a field of the run record that cannot be drawn; it is named.
    """
    return {
        "run": _run_facts(run),
        "subjects": [
            {"name": s.name, "rows": s.rows, "unexpected": s.unexpected, "headline": s.headline} for s in subjects
        ],
        "axes": axes(r.row for r in found),
        "rows": pack(_records(run, found)),
        "units": pack(unit_lanes(run)),
        "history": _histories(run, found, earlier),
        "earlier": without_secrets(listed(earlier), "an earlier run"),
        "left_out": without_secrets([clean(why) for why in left_out], "what is wrong with an earlier run"),
        "artifacts": artifact_trees(without_secrets(origins(run), f"run {run.id}"), found),
        "compare": [{"with": other.id, **_compared(other, run)} for other in compared],
        "figures": without_secrets([_figure_link(f) for f in figures], "a figure"),
        "latents": latents([r.row for r in found], run.id, store),
    }


def _figure_link(figure: Figure) -> dict[str, Any]:
    return {"id": figure.id, "title": figure.title, "subject": figure.subject, "claims": figure.claims}


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


def _compared(other: Run, run: Run) -> dict[str, Any]:
    check_run(other)
    return comparison(passable(other), run)


def _histories(run: Run, found: Sequence[Ruling], earlier: Sequence[Run]) -> dict[int, list[dict[str, Any]]]:
    """By the place of a row among the records; rows that no earlier run has are left out."""
    points = history(run, earlier)
    return {at: points[key] for at, ruling in enumerate(found) if (key := key_of(ruling.row)) in points}


def _run_facts(run: Run) -> dict[str, Any]:
    """The run record and the seal, as the run page shows them.

    Raises:
        LedgerError: a field of either cannot be drawn.
    """
    header: Mapping[str, Any] = run.header
    seal = run.seal or {}
    for name, part, forms in (("run record", header, HEADER), ("seal", seal, SEAL)):
        found = misfit(part, forms)
        if found:
            raise LedgerError(f"{run.path.name}: the {name} cannot be drawn: {found}. Nothing was written")
    git = header.get("git") or {}
    command = header.get("command") or []
    return {
        "id": run.id,
        "rows": len(run.rows),
        **{key: header.get(key) for key in ("time", "lock", "hardware", "mi_assay")},
        "git": {"commit": git.get("commit") and clean(git["commit"]), "dirty": git.get("dirty")},
        "command": [clean(word) for word in command],
        **{key: seal.get(key) for key in ("seconds", "exitstatus")},
        "cost": in_words(*total_cost(run.rows)),
        "sealed": run.seal is not None,
        "problems": run.problems,
    }
