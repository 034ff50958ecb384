"""Spending: a journal of what was started for money and what it came to, written before and after, never rewritten."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..errors import RunnersError
from ..recipe import SHORT, Recipe

JOURNAL = Path(".ledger/spending.jsonl")
HOW = ("built", "failed", "lost", "cancelled", "cap", "settled")
"""How a start ended. settled: somebody looked up what a start without an end had cost."""

_TEXT = ("key", "session", "engine", "recipe", "label", "build", "when")
_USD = ("usd_per_second", "estimate_usd", "worst_usd")


@dataclass(frozen=True)
class Entry:
    """One submission: its start, and its end if it has one.

    Attributes:
        key: of this submission alone.
        session: who started it.
        engine: where, as ``--runner`` has it.
        recipe: digest of what was built.
        label: what people call it.
        build: its builder.
        gpu: kind of GPU; None for none.
        usd_per_second, estimate_usd, worst_usd: what it was to cost.
        when: ISO time of its start, UTC.
        usd, seconds, how, ended: the end; None for all while it is open.
    """

    key: str
    session: str
    engine: str
    recipe: str
    label: str
    build: str
    gpu: str | None
    usd_per_second: float
    estimate_usd: float
    worst_usd: float
    when: str
    usd: float | None = None
    seconds: float | None = None
    how: str | None = None
    ended: str | None = None

    @property
    def open(self) -> bool:
        """Whether nobody knows yet what it cost."""
        return self.usd is None


class Journal:
    """``spending.jsonl``: one start or end per line, on the disk when the method returns. Many processes may write.

    A last line that was cut short, by a kill or a full disk, is as if it had not been written: whoever writes a start
    submits after it, and a start without an end counts at its worst case.

    Raises:
        RunnersError: from any method, if the file cannot be read or written, or holds a line that is no record. Nothing
            is written after such a line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._known: dict[str, Entry] = {}

    def start(
        self,
        recipe: Recipe,
        *,
        key: str,
        session: str,
        engine: str,
        gpu: str | None,
        usd_per_second: float,
        estimate_usd: float,
        worst_usd: float,
    ) -> None:
        """Write down what is about to be submitted, before it is. See :class:`Entry`."""
        about = {"key": key, "session": session, "engine": engine}
        about |= {"recipe": recipe.digest, "label": recipe.name, "build": recipe.build}
        usd = {"usd_per_second": usd_per_second, "estimate_usd": estimate_usd, "worst_usd": worst_usd}
        self._append({"record": "start", **about, "gpu": gpu, **usd, "when": _now()})

    def end(self, key: str, *, usd: float, seconds: float, how: str) -> bool:
        """Write down what a start came to. False, and nothing is written, if it had ended before: the first counts."""
        return self._append({"record": "end", "key": key, "usd": usd, "seconds": seconds, "how": how, "when": _now()})

    def entries(self) -> list[Entry]:
        """Every start in order, with its end."""
        return list(self._read().values())

    def spent(self) -> float:
        """USD of all that has ended."""
        return sum(e.usd for e in self._read().values() if e.usd is not None)

    def open_worst(self, except_session: str | None = None) -> float:
        """USD of all that is open, each at its worst case, without those of one session."""
        return sum(e.worst_usd for e in self._read().values() if e.open and e.session != except_session)

    def total(self, except_session: str | None = None) -> float:
        """Both together: what has to be reckoned with."""
        return self.spent() + self.open_worst(except_session)

    def of(self, digests: Iterable[str]) -> tuple[float, float]:
        """USD estimated and spent for artifacts, whenever they were built. See :func:`sums`."""
        wanted = set(digests)
        return sums(e for e in self._read().values() if e.recipe in wanted)

    def cost(self, digests: Iterable[str]) -> dict[str, Any]:
        """The same as a row's cost: ``{"estimated_usd", "spent_usd", "builds": {digest: [estimated, spent]}}``."""
        wanted = set(digests)
        by_recipe: dict[str, list[Entry]] = {}
        for entry in self._read().values():
            if entry.recipe in wanted:
                by_recipe.setdefault(entry.recipe, []).append(entry)
        builds = {digest[:SHORT]: sums(entries) for digest, entries in by_recipe.items()}
        estimated, spent = (sum(usd[k] for usd in builds.values()) for k in (0, 1))
        return {"estimated_usd": estimated, "spent_usd": spent, "builds": {d: list(usd) for d, usd in builds.items()}}

    def _read(self) -> Mapping[str, Entry]:
        try:
            about = self.path.stat()
            stamp = (about.st_ino, about.st_size, about.st_mtime_ns)
            if stamp != self._stamp:
                data = self.path.read_bytes()
                self._known = _joined(self.path, data[: _whole(data)])
                # What was appended in between has another size, and is read the next time.
                self._stamp = stamp
        except FileNotFoundError:
            self._stamp, self._known = None, {}
        except OSError as exc:
            raise RunnersError(f"{self.path}: cannot be read ({exc.strerror}). It says what was spent.") from None
        return self._known

    def _append(self, record: dict[str, Any]) -> bool:
        try:
            _private(self.path.parent)
            with FileLock(self.path.with_suffix(".lock")):
                fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    data = _all(fd)
                    whole = _whole(data)
                    known = _joined(self.path, data[:whole])
                    if record["record"] == "end" and record["key"] in known and not known[record["key"]].open:
                        return False
                    try:
                        _add(known, record)
                    except ValueError as exc:
                        raise RunnersError(f"{self.path}: {exc}. Nothing was written.") from None
                    _write(fd, data, whole, json.dumps(record).encode() + b"\n")
                finally:
                    os.close(fd)
        except OSError as exc:
            raise RunnersError(
                f"{self.path}: cannot be written ({exc.strerror}). Nothing is started for money without a record of it: "
                "free the disk, or make the folder writable."
            ) from None
        return True


def sums(entries: Iterable[Entry]) -> tuple[float, float]:
    """USD estimated and spent.

    A build that was lost and tried again in its session was planned once and paid twice: that is what it overran by.
    """
    planned: dict[tuple[str, str], float] = {}
    spent = 0.0
    for entry in entries:
        planned.setdefault((entry.session, entry.recipe), entry.estimate_usd)
        spent += entry.usd or 0.0
    return sum(planned.values()), spent


def _all(fd: int) -> bytes:
    parts = []
    while part := os.read(fd, 1 << 20):
        parts.append(part)
    return b"".join(parts)


def _write(fd: int, data: bytes, whole: int, line: bytes) -> None:
    """Put a line behind the whole ones, in place of a torn one; a disk that is full takes it whole or not at all."""
    line = line if data[:whole].endswith(b"\n") or not whole else b"\n" + line
    os.ftruncate(fd, whole)
    os.lseek(fd, whole, os.SEEK_SET)
    try:
        done = 0
        while done < len(line):
            done += os.write(fd, line[done:])
        os.fsync(fd)
    except OSError:
        os.ftruncate(fd, whole)
        raise


def _whole(data: bytes) -> int:
    """How many bytes are whole lines; a last one that lacks nothing but its end is whole."""
    cut = data.rfind(b"\n") + 1
    try:
        return len(data) if isinstance(json.loads(data[cut:]), dict) else cut
    except (ValueError, RecursionError):
        return cut


def _joined(path: Path, data: bytes) -> dict[str, Entry]:
    known: dict[str, Entry] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            _add(known, json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            what = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
            raise RunnersError(
                f"{path}:{number}: no record of spending ({what[:120]}). Nothing was changed. Mend that line, or move the "
                "file away if what it says was spent does not matter any more."
            ) from None
    return known


def _add(known: dict[str, Entry], record: Any) -> None:
    if not isinstance(record, dict) or record.get("record") not in ("start", "end"):
        raise ValueError("expected an object whose record is start or end")
    key = record["key"]
    if record["record"] == "start":
        if key in known:
            raise ValueError(f"a second start of {key!r}")
        if not all(isinstance(record[k], str) for k in _TEXT) or not isinstance(record["gpu"], str | None):
            raise ValueError("text expected in " + ", ".join(_TEXT))
        about: dict[str, Any] = {k: record[k] for k in (*_TEXT, "gpu")}
        known[key] = Entry(**about | {k: _number(record[k], k) for k in _USD})
        return
    if key not in known:
        raise ValueError(f"the end of {key!r}, which never started")
    if record["how"] not in HOW:
        raise ValueError(f"how is {record['how']!r}, expected one of {', '.join(HOW)}")
    usd, seconds = _number(record["usd"], "usd"), _number(record["seconds"], "seconds")
    if not isinstance(record["when"], str):
        raise ValueError(f"when is {record['when']!r}, expected text")
    if known[key].open:
        known[key] = replace(known[key], usd=usd, seconds=seconds, how=record["how"], ended=record["when"])


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise ValueError(f"{name} is {value!r}, expected a number from 0 up")
    return float(value)


def _private(folder: Path) -> None:
    """Make the folder; ``.ledger`` ignores itself in git, as the ledger has it."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.name == JOURNAL.parent.name and not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("# Local runs; pytest --record keeps a run for good.\n*\n")


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
