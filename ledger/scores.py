"""Per-unit scores beside a run: gzipped JSON lines, one per data digest, readable with ``zcat``."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import LedgerError
from .run import Run


class ScoresWriter:
    """Appends one gzip member per new digest, so that a killed run keeps what was finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[str, str] = {}

    def add(self, digest: str, stored: Mapping[str, Any]) -> None:
        if digest in self._kept:
            return
        line = json.dumps({"data": digest, **stored}, separators=(",", ":"), allow_nan=False) + "\n"
        with self.path.open("ab") as f:
            f.write(gzip.compress(line.encode(), compresslevel=1, mtime=0))
        self._kept[digest] = line

    def seal(self) -> None:
        """One member in digest order: smaller, and the same bytes for the same scores."""
        if not self._kept:
            return
        text = "".join(self._kept[d] for d in sorted(self._kept)).encode()
        temporary = self.path.with_suffix(".tmp")
        try:
            temporary.write_bytes(gzip.compress(text, compresslevel=6, mtime=0))
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)


def missing_scores(run: Run) -> list[str]:
    """What is wrong with the scores of a run's judged rows, without recomputing any; empty if all are there."""
    wanted = {r["data"] for r in run.rows if r["estimate"] is not None}
    if not wanted:
        return []
    try:
        there = {digest for digest, _ in read_scores(run.scores_path)}
    except LedgerError as exc:
        return [f"scores: {exc}"]
    lost = len(wanted - there)
    return (
        [f"scores: {run.scores_path.name} lacks {lost} of {len(wanted)} data sets: it was cut or damaged"]
        if lost
        else []
    )


def read_scores(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """``(digest, stored contrast)`` for every readable line; a torn tail ends the reading quietly.

    Raises:
        LedgerError: the file is missing or its lines are not JSON.
    """
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                try:
                    stored = json.loads(line)
                    yield str(stored.pop("data")), stored
                except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as exc:
                    raise LedgerError(f"{path}: line {number}: not a scores record ({str(exc)[:80]})") from None
    except FileNotFoundError:
        raise LedgerError(f"{path}: missing; a run keeps its per-unit scores beside it") from None
    except (EOFError, zlib.error):
        return
    except (OSError, UnicodeDecodeError) as exc:
        if number and "Not a gzipped file" in str(exc):
            return  # the first byte of a member that was never finished
        raise LedgerError(f"{path}: cannot be read ({exc})") from None
