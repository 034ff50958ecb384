"""Where runs are kept: local ones in ``.ledger/runs`` (git-ignored), recorded ones in ``ledger/runs``."""

from __future__ import annotations

from pathlib import Path

from .errors import LedgerError
from .run import newest_first

LOCAL = Path(".ledger/runs")
RECORDED = Path("ledger/runs")


def run_files(root: Path, *more: Path) -> list[Path]:
    """Every run file below ``root``, newest first."""
    folders = (root / LOCAL, root / RECORDED, *more)
    return newest_first(p for folder in folders if folder.is_dir() for p in folder.glob("*.jsonl"))


def find_run(root: Path, name: str | None) -> Path:
    """The run called ``name`` (a path, or the beginning of a run id), or the last one.

    Raises:
        LedgerError: none, or several; the message lists what there is.
    """
    if name and Path(name).is_file():
        return Path(name)
    files = run_files(root)
    if not files:
        raise LedgerError(
            f"no runs in {root / LOCAL} or {root / RECORDED}: run pytest on some claims first, or name a run file"
        )
    if name is None:
        return files[0]
    matches = [p for p in files if p.name.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    listed = ", ".join(p.stem for p in (matches or files)[:8])
    raise LedgerError(f"{'several runs match' if matches else 'no run matches'} {name!r}; there are {listed}")


def newer_plans(root: Path, run: Path) -> list[Path]:
    """Plans of sessions that began after ``run`` and have left no row."""
    plans = [p for folder in (root / LOCAL, root / RECORDED) for p in folder.glob("*.plan.json")]
    return [p for p in plans if p.name > run.name and not p.with_name(p.name.replace(".plan.json", ".jsonl")).exists()]
