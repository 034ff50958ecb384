"""A run: one append-only JSONL file, chained by hash, sealed when the session ends.

Line 1 is the run record (who, when, which code), then one row per claim in the order in which the
tests ended, then the seal. Each line's ``prev`` is the SHA-256 of the line before it. Sealing writes
the file once more in registration order, so that the same rows make the same file under xdist.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from sys import intern
from typing import Any

from .errors import LedgerError
from .row import Row, problem_with
from .text import clean

MAX_LINE = 4_000_000


@dataclass
class Run:
    """A run as read back. ``problems`` are damage that was found and survived."""

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    seal: dict[str, Any] | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return clean(self.header.get("run", self.path.stem))

    @property
    def scores_path(self) -> Path:
        return scores_path(self.path)


def scores_path(run_path: Path) -> Path:
    """Where the per-unit scores of a run are kept."""
    return run_path.with_name(run_path.stem + ".scores.jsonl.gz")


def line_of(record: Mapping[str, Any], prev: str) -> bytes:
    """One line of a run file.

    Raises:
        LedgerError: something that is not JSON, NaN included.
    """
    try:
        text = json.dumps({**record, "prev": prev}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise LedgerError(f"a ledger record that is not JSON ({exc}): {str(record)[:200]}") from None
    return text.encode("utf-8", "backslashreplace") + b"\n"


def digest(line: bytes) -> str:
    """SHA-256 of one line, as the next one's ``prev``."""
    return hashlib.sha256(line).hexdigest()


class RunWriter:
    """Appends records to one new run file; each is on its way to the disk when ``append`` returns.

    Raises:
        OSError: from any method, if the file cannot be written (read-only, full).
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._header = dict(header)
        self._prev = ""
        self._rows: list[Row] = []
        self._write({"record": "run", **header})

    def append(self, row: Row) -> None:
        self._write(row)
        self._rows.append(row)

    def _write(self, record: Mapping[str, Any]) -> None:
        line = line_of(record, self._prev)
        done = 0
        while done < len(line):  # a full disk may take part of a line; the rest then raises
            done += os.write(self._fd, line[done:])
        self._prev = digest(line)

    def seal(self, closing: Mapping[str, Any]) -> None:
        """Write the run in its final order, with the seal, and replace the open file at once."""
        lines: list[bytes] = []
        prev = ""
        for record in ({"record": "run", **self._header}, *sorted(self._rows, key=lambda r: (r["index"], r["nodeid"]))):
            lines.append(line_of(record, prev))
            prev = digest(lines[-1])
        whole = hashlib.sha256(b"".join(lines)).hexdigest()
        lines.append(line_of({"record": "seal", "rows": len(self._rows), "sha256": whole, **closing}, prev))
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as f:
                f.writelines(lines)
                f.flush()
                os.fsync(f.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self._fd)


def read_run(path: Path) -> Run:
    """Read a run file.

    A last line cut short by a kill is dropped and reported. Any other damage raises.

    Raises:
        LedgerError: not readable, not a run file, a line that is not JSON or not a row.
    """
    run = Run(path)
    for number, line, last in _lines(path):
        if last and not line.endswith(b"\n"):
            run.problems.append(f"line {number}: torn ({len(line)} bytes, no end): the run was killed while writing it")
            break
        record = _parse(path, number, line)
        kind = record.get("record")
        if number == 1:
            if kind != "run":
                raise LedgerError(f"{path}:1: not a run file (first record is {str(kind)[:40]!r}, expected 'run')")
            if not (isinstance(record.get("run"), str) and isinstance(record.get("git"), dict)):
                raise LedgerError(f"{path}:1: a run record needs its id under 'run' and its commit under 'git'")
            run.header = record
        elif kind == "row":
            problem = problem_with(record)
            if problem:
                raise LedgerError(f"{path}:{number}: not a ledger row: {problem}")
            run.rows.append({intern(k): v for k, v in record.items()})  # a long ledger is mostly keys
        elif kind == "seal":
            run.seal = record
        else:
            raise LedgerError(f"{path}:{number}: record {str(kind)[:40]!r}; expected row or seal")
    if not run.header and not run.problems:
        raise LedgerError(f"{path}: empty; expected a run file")
    if run.seal is None:
        run.problems.append("not sealed: the session was killed before it ended, or is still running")
    run.rows.sort(key=lambda r: (r["index"], r["nodeid"]))
    return run


def check_chain(path: Path) -> list[str]:
    """Lines that do not follow from the one before, and a seal that does not fit: edits after the fact."""
    found, prev, body, rows = [], "", hashlib.sha256(), 0
    sealed = False
    for number, line, last in _lines(path):
        if last and not line.endswith(b"\n"):
            break
        record = _parse(path, number, line)
        if record.get("prev") != prev:
            found.append(
                f"line {number}: does not follow from line {number - 1}: one of the two was edited, added or removed"
            )
        if sealed:
            found.append(f"line {number}: stands after the seal")
        if record.get("record") == "seal":
            sealed = True
            if record.get("sha256") != body.hexdigest() or record.get("rows") != rows:
                found.append(f"line {number}: the seal does not fit what it seals")
        body.update(line)
        rows += record.get("record") == "row"
        prev = digest(line)
    return found


def _lines(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    try:
        with path.open("rb") as f:
            number, line = 0, f.readline(MAX_LINE + 1)
            while line:
                number += 1
                if len(line) > MAX_LINE:
                    raise LedgerError(f"{path}:{number}: a line of over {MAX_LINE:,} bytes; this is not a ledger")
                following = f.readline(MAX_LINE + 1)
                yield number, line, not following
                line = following
    except OSError as exc:
        raise LedgerError(f"{path}: cannot be read ({exc.strerror})") from None


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = (_CAREFUL if _SUSPECT.search(line) else _PLAIN).decode(line.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise LedgerError(f"{path}:{number}: not JSON ({str(exc)[:100]})") from None
    if not isinstance(record, dict):
        raise LedgerError(f"{path}:{number}: a {type(record).__name__} where an object was expected")
    return record


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that a ledger may hold")


def _finite(text: str) -> float:
    return float(text) if isfinite(float(text)) else _no_constant(text[:40])


def _short(text: str) -> int:
    return int(text) if len(text) <= 19 else _no_constant(text[:40])


_SUSPECT = re.compile(rb"[:,\[]\s*-?\d(?:[\d.]*[eE]\+?\d{3}|\d{19})")
"""Numbers that may be infinite or endless: only then is a Python function called for each number."""
_PLAIN = json.JSONDecoder(parse_constant=_no_constant)
_CAREFUL = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, parse_int=_short)


def newest_first(paths: Iterable[Path]) -> list[Path]:
    """Run files by name, which begins with the time, newest first."""
    return sorted(paths, key=lambda p: p.name, reverse=True)
