"""Which runs a report is made of, and where it goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..artifact_files import store_folder
from ..errors import LedgerError
from ..folders import find_run, run_files
from ..run import Run, read_run
from .page import render
from .private import passable
from .records import check_run

NAME = "report.html"
EARLIER = 20
"""Earlier runs whose verdicts a claim's history shows, the newest ones."""


def write_report(root: Path, names: Sequence[str] = (), output: Path | None = None, store: Path | None = None) -> Path:
    """Render the last of the named runs (default: the last run there is) beside it, or to ``output``.

    Other named runs are compared with it, or, where it is alone, the last one before it that can be. Runs that began
    earlier give the history of each claim; the page names those that cannot be used.

    Raises:
        LedgerError: a run that is not there or cannot be read, a row that cannot be drawn, or something like an access key
            in it. Nothing is written: an older report stays.
        OSError: the file cannot be written.
    """
    paths = sorted({find_run(root, name) for name in names}, key=lambda p: p.name) or [find_run(root, None)]
    shown = paths[-1]
    before = list({p.name: p for p in run_files(root, shown.parent) if p.name < shown.name}.values())
    runs = {p: read_run(p) for p in paths}
    compared = [runs[p] for p in paths[:-1]]
    earlier: list[Run] = []
    left_out = []
    for path in before[:EARLIER]:
        try:
            found = runs.get(path) or read_run(path)
            check_run(found)
            if not compared:  # the others lend numbers to the histories, this one its words to the page
                compared = [passable(found)]
            earlier.append(found)
        except LedgerError as exc:
            left_out.append(str(exc).replace(str(path), path.name))
    page = render(runs[shown], earlier[::-1], compared, store_folder(root, store), left_out[::-1])
    target = output or shown.with_name(NAME)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(page)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target
