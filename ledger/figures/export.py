"""``python -m ledger figures``: figures as files, for papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from ..csvfile import csv_text
from ..errors import LedgerError
from ..ruling import named
from ..run import Run
from ..text import clean
from .figure import Figure
from .found import figures_of
from .standalone import png, standalone

FORMATS: Mapping[str, Callable[[Figure], bytes]] = {
    "svg": lambda figure: standalone(figure.svg).encode(),
    "png": lambda figure: png(figure.svg),
    "csv": lambda figure: csv_text(figure.columns, figure.rows).encode(),
}


def formats_here() -> list[str]:
    """All formats; without PNG where its extra is not installed."""
    return [form for form in FORMATS if form != "png" or find_spec("resvg_py")]


def export(
    run: Run, store: Path, folder: Path, *, only: Sequence[str] = ("*",), formats: Sequence[str] | None = None
) -> tuple[list[Path], tuple[str, ...]]:
    """Write the figures of a run as ``<id>.<format>`` into ``folder``.

    Args:
        store: where the artifacts are.
        only: ids of figures; ``*`` matches, as in ``steering-*``.
        formats: some of ``svg``, ``png`` (needs the extra ``figures``) and ``csv``; None for all that can be made here.

    Returns:
        what was written, and what is absent and why.

    Raises:
        LedgerError: an unknown format, no figure with such an id, or PNG without its extra.
    """
    formats = formats_here() if formats is None else formats
    if unknown := [f for f in formats if f not in FORMATS] or (not formats and ["none"]):
        raise LedgerError(f"--format {clean(','.join(unknown))}: expected some of {', '.join(FORMATS)}")
    found = figures_of(run, store)
    chosen = [figure for figure in found.figures if named(figure.id, only)]
    if found.figures and not chosen:
        known = ", ".join(figure.id for figure in found.figures[:8])
        raise LedgerError(f"--only {clean(','.join(only))!r} matches no figure of run {run.id}; it has {known}")
    files = [(f"{figure.id}.{form}", FORMATS[form](figure)) for figure in chosen for form in formats]
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:  # all drawn before the first is written
        (folder / name).write_bytes(content)
    return [folder / name for name, _ in files], found.absent
