"""Leases: which artifacts a living process is using, so that nobody removes them under its hands."""

from __future__ import annotations

import atexit
import contextlib
import os
import uuid
from pathlib import Path

from filelock import FileLock, Timeout


class Leases:
    """The artifacts that this process has opened, on disk for all others to see.

    A process holds one lock for as long as it lives, and the system frees it however the process ends. That needs no
    process ids, which mean nothing between containers, and no clock.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: set[str] = set()
        self._file: Path | None = None
        self._lock: FileLock | None = None
        self._pid = 0

    def take(self, digest: str) -> None:
        """Say that this process uses ``digest``, before looking whether it is there.

        Where nothing can be written, nothing is said: a store that cannot be written is not thinned out from here either.
        """
        if self._pid != os.getpid():  # first use, or a fork, whose parent keeps its own lease
            self._held, self._file, self._pid = set(), None, os.getpid()
        if digest in self._held:
            return
        # filelock raises NotImplementedError where a system has no locks.
        with contextlib.suppress(OSError, NotImplementedError):
            if self._file is None:
                self._file = self._open()
            with self._file.open("a", encoding="ascii") as file:
                file.write(f"{digest}\n")
            self._held.add(digest)

    def _open(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lock = FileLock(self._folder / f"{name}.lock", thread_local=False)
        self._lock.acquire(timeout=0)
        atexit.register(self._give_up, os.getpid(), self._lock, self._folder / name)
        return self._folder / f"{name}.digests"

    @staticmethod
    def _give_up(pid: int, lock: FileLock, path: Path) -> None:
        if pid == os.getpid():
            with contextlib.suppress(OSError):
                path.with_suffix(".digests").unlink(missing_ok=True)
                lock.release()
                path.with_suffix(".lock").unlink(missing_ok=True)

    def in_use(self) -> set[str]:
        """Digests that some living process uses. Forgets the leases of the dead."""
        found = set(self._held)
        for path in sorted(self._folder.glob("*.digests")):
            if path == self._file:
                continue
            lock = FileLock(path.with_suffix(".lock"))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                with contextlib.suppress(OSError):
                    found |= set(path.read_text("ascii").split())
            except OSError:
                continue
            else:
                path.unlink(missing_ok=True)
                lock.release()
                path.with_suffix(".lock").unlink(missing_ok=True)
        return found
