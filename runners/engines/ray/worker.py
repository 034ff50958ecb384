"""What runs on the nodes of a Ray cluster: builds, the mailbox for what they say, and hands for files and processes."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from ..remote import work

FLUSH = 10.0  # seconds that the last message may take


class Mailbox:
    """An actor that keeps messages of builds until the driver takes them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, dict[str, Any]]] = []

    def put(self, key: str, message: dict[str, Any]) -> None:
        """Keep one."""
        self._waiting.append((key, message))

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """All of them, in the order in which they came."""
        taken, self._waiting = self._waiting, []
        return taken


def built(text: str, root: str, key: str, mailbox: Any) -> str:
    """The task of a build: :func:`runners.engines.remote.work`, with ``{"started": node, "group": process group}`` first.

    A Ray worker leads a process group, which Ray ends with it.
    """
    import ray

    sent: list[Any] = []

    def send(message: dict[str, Any]) -> None:
        sent[:] = [mailbox.put.remote(key, message)]

    started = {"started": ray.get_runtime_context().get_node_id(), "group": os.getpid()}
    # Nothing is built that could not be found and ended. Not ray.get: a task that waits in it lends out its CPU,
    # and a second build would start beside this one.
    mailbox.put.remote(key, started).future().result()
    try:
        return work(text, Path(root), send, runner="ray")
    finally:
        if sent:
            ray.wait(sent, timeout=FLUSH)  # messages of one sender keep their order: with the last one, all are there


def ended(group: int, seconds: float) -> bool:
    """Kill a process group of this node; whether all of it is gone before ``seconds`` are over."""
    until = time.monotonic() + seconds
    while _lives(group):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _lives(group: int) -> bool:
    """Kill it; whether somebody was there who was not dead already."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    # In a container nobody may collect the dead, and a group of the dead takes signals like any other.
    states = [text.rpartition(")")[2].split() for text in map(_text, Path("/proc").glob("[0-9]*/stat"))]
    return not states or any(s[2] == str(group) and s[0] != "Z" for s in states if s)


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def mark(path: str) -> None:
    """Leave an empty file, by which others see whether this folder is theirs.

    Raises:
        OSError: the folder cannot be written here.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


def seen(path: str) -> bool:
    """Whether this node has that file."""
    return Path(path).exists()


def unmark(path: str) -> None:
    """Remove the file of :func:`mark`."""
    with contextlib.suppress(OSError):
        Path(path).unlink()


def part(path: str, start: int, size: int) -> bytes | None:
    """``size`` bytes of a file from ``start`` on, fewer at its end; None if there is no such file."""
    try:
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(size)
    except FileNotFoundError:
        return None
