"""Recorder: takes the rows of a session as tests end, and closes the run. Lives where reports arrive."""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .controls import with_controls
from .errors import LedgerError
from .origin import Origins
from .provenance import git_state, hardware, own_version, packages
from .row import SCHEMA_VERSION, Row
from .run import RunWriter, scores_path
from .scores import ScoresWriter

NEVER_BEGAN = (3, 4)
"""pytest's exit statuses for an internal error and a wrong command line."""


def new_run_id() -> str:
    """Time first, to the microsecond, so that names sort as runs began; then chance, so that two never share one."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H%M%SZ}-{now.microsecond:05x}{uuid.uuid4().hex[:3]}"


class Recorder:
    """One run file for one session, opened with the first claim.

    A ledger that cannot be written must not cost a verdict: the first error is kept in ``problem``,
    rows stay in memory, and the terminal still shows them.

    Attributes:
        origins: what tests hand over about the artifacts behind their rows; goes into the seal.
    """

    def __init__(self, root: Path, folder: Path, run_id: str, command: list[str]) -> None:
        self.root, self.folder, self.run_id, self.command = root, folder, run_id, command
        self.path = folder / f"{run_id}.jsonl"
        self.rows: dict[str, Row] = {}
        self.problem: str | None = None
        self.origins = Origins()
        self._writer: RunWriter | None = None
        self._scores: ScoresWriter | None = None
        self._header: dict[str, Any] | None = None
        self._began = time.time()

    @property
    def header(self) -> dict[str, Any]:
        """The run record: who ran what, when, on which code and machine."""
        if self._header is None:
            self._header = {
                "run": self.run_id,
                "schema": SCHEMA_VERSION,
                "time": _now(),
                "git": git_state(self.root, self.folder),
                "lock": packages(),
                "hardware": hardware(),
                "mi_assay": own_version(),
                "command": self.command,
            }
        return self._header

    @property
    def plan_path(self) -> Path:
        """What the session intends to run; written by whichever process collects, removed by the seal."""
        return self.folder / f"{self.run_id}.plan.json"

    def write_plan(self, rows: list[Row]) -> None:
        """Keep the collected claims, so that a crashed or unreached one still leaves a row."""
        if not rows:
            return
        try:
            _private_folder(self.root, self.folder)
            temporary = self.plan_path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps(rows))
            temporary.replace(self.plan_path)
        except OSError as exc:
            self._failed(exc)

    def read_plan(self) -> dict[str, Row]:
        try:
            return {row["nodeid"]: row for row in json.loads(self.plan_path.read_text())}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def take(self, row: Row, stored: dict[str, Any] | None) -> None:
        """Keep a row for good. Only the first row of a test counts: no retry replaces a verdict."""
        if row["nodeid"] in self.rows:
            return
        row = self.rows[row["nodeid"]] = {**row, **self._stamp()}
        if self.problem:
            return
        try:
            writer, scores = self._open()
            if stored is not None:
                row["scores"] = {"digest": row["data"], "count": row["n"], "format": "jsonl.gz"}
                scores.add(row["data"], stored)
            writer.append(row)
        except (OSError, LedgerError) as exc:
            self._failed(exc)

    def close(self, exitstatus: int) -> list[Row]:
        """Add what was planned and never came, seal the run, and return all rows in order.

        A session that never began to test (a usage or internal error) leaves no run.
        """
        began = bool(self.rows) or exitstatus not in NEVER_BEGAN
        for nodeid, row in self.read_plan().items() if began else ():
            if nodeid not in self.rows:
                self.take(
                    {
                        **row,
                        "reason": {
                            "short": "not run",
                            "detail": "the session ended before this test",
                            "fix": "Run it again.",
                        },
                    },
                    None,
                )
        if not self.rows:
            self._drop_plan()
            return []
        if self._writer is not None:
            try:
                if self.problem is None:  # a run that lacks rows must not look whole
                    seconds = round(time.time() - self._began, 3)
                    self._writer.seal({"exitstatus": exitstatus, "seconds": seconds, **self.origins.sealed()})
                    if self._scores:
                        self._scores.seal()
            except OSError as exc:
                self._failed(exc)
            self._writer.close()
        self._drop_plan()
        return with_controls(sorted(self.rows.values(), key=lambda r: (r["index"], r["nodeid"])))

    def _drop_plan(self) -> None:
        try:
            self.plan_path.unlink(missing_ok=True)
        except OSError as exc:
            self._failed(exc)

    def _stamp(self) -> Row:
        """What every row repeats, so that one row alone can be traced."""
        header = self.header
        return {
            "run": self.run_id,
            "time": _now(),
            "git": header["git"]["commit"],
            "dirty": header["git"]["dirty"],
            "lock": header["lock"]["sha256"],
            "device": header["hardware"]["device"],
        }

    def _open(self) -> tuple[RunWriter, ScoresWriter]:
        if self._writer is None or self._scores is None:
            _private_folder(self.root, self.folder)
            self._writer = RunWriter(self.path, self.header)
            self._scores = ScoresWriter(scores_path(self.path))
        return self._writer, self._scores

    def _failed(self, exc: Exception) -> None:
        if self.problem is None:
            what = exc.strerror if isinstance(exc, OSError) else str(exc)
            self.problem = (
                f"the ledger could not be written: {self.path} ({what}). The verdicts above are complete but not kept; "
                "free the disk or choose a writable folder with --ledger DIR."
            )


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _private_folder(root: Path, folder: Path) -> None:
    """Make the folder; a local one ignores itself in git, as pytest's cache does."""
    folder.mkdir(parents=True, exist_ok=True)
    local = root / ".ledger"
    if local in folder.parents and not (local / ".gitignore").exists():
        (local / ".gitignore").write_text("# Local runs; pytest --record keeps a run for good.\n*\n")
