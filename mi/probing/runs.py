"""Runs of probes: one mean per run, where runs are the units. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..refusal import Refusal
from ..sample import Sample
from ..unit_table import UnitTable


def run_means(tables: Sequence[UnitTable], arm: str, column: str, **about: Any) -> Sample:
    """One mean of ``column`` per table of :func:`.probes.probes`, as a sample of runs.

    Args:
        tables: one for each run.
        arm: what was probed in them, one of the builder's arms.
        about: anything else that a :class:`mi.sample.Sample` takes.

    Raises:
        Refusal: two runs that probed the same rows.
    """
    require_different_runs(tables, arm)
    means = [float(table.column(column).mean()) for table in tables]
    return Sample(means, [f"run {k}" for k in range(len(tables))], unit="run", **about)


def require_different_runs(tables: Sequence[UnitTable], arm: str) -> None:
    """Refuse a coder, or a model, that is counted as several runs.

    Raises:
        Refusal: two tables whose ``arm`` had the same rows, whatever examples the probes were fitted on.
    """
    rows = [table.facts["rows"][arm] for table in tables]
    if len(set(rows)) < len(rows):
        raise Refusal(
            f"{len(rows)} runs, of which {len(set(rows))} probed rows of their own",
            "a coder trained, or a model randomised, for each run",
            "Look for a seed that does not reach the training.",
        )
