"""Relay: progress of a worker process, as messages, and back into progress where it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from ..progress import Bar, Progress

PAUSE = 0.2  # seconds between two messages of one count
Send = Callable[[dict[str, Any]], None]


class Sender:
    """Progress that turns everything into messages.

    ``tick`` is called whenever a builder counts: it is between two steps of its work then.
    """

    def __init__(self, send: Send, tick: Callable[[], None] = lambda: None) -> None:
        self._send, self._tick, self._next = send, tick, 0

    @contextmanager
    def __call__(self, label: str, total: int | None, unit: str) -> Iterator[Bar]:
        self._next += 1
        key = str(self._next)
        self._send({"bar": key, "open": [label, total, unit]})
        bar = _SentBar(self._send, key, self._tick)
        try:
            yield bar
        finally:
            bar.flush()
            self._send({"bar": key, "close": True})

    def say(self, text: str) -> None:
        """One line."""
        self._send({"say": text})


class _SentBar:
    def __init__(self, send: Send, key: str, tick: Callable[[], None]) -> None:
        self._send, self._key, self._tick = send, key, tick
        self._waiting, self._last = 0, time.monotonic()

    def update(self, n: int) -> None:
        self._waiting += n
        if time.monotonic() - self._last >= PAUSE:
            self.flush()
        self._tick()

    def note(self, text: str) -> None:
        self._send({"bar": self._key, "note": text})

    def flush(self) -> None:
        self._last = time.monotonic()
        if self._waiting:
            self._send({"bar": self._key, "update": self._waiting})
            self._waiting = 0


class Receiver:
    """Shows the messages of one worker."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, tuple[ExitStack, Bar]] = {}

    def take(self, message: Mapping[str, Any]) -> bool:
        """Show one message; False if it is about something else."""
        if "say" in message:
            self._progress.say(message["say"])
        elif "bar" in message:
            self._count(message["bar"], message)
        else:
            return False
        return True

    def _count(self, key: str, message: Mapping[str, Any]) -> None:
        if "open" in message:
            label, total, unit = message["open"]
            stack = ExitStack()
            entered: AbstractContextManager[Bar] = self._progress(label, total, unit)
            self._bars[key] = stack, stack.enter_context(entered)
        elif "close" in message:
            self._bars.pop(key)[0].close()
        elif "note" in message:
            self._bars[key][1].note(message["note"])
        else:
            self._bars[key][1].update(message["update"])

    def end(self) -> None:
        """Close what a dead worker left open."""
        for stack, _ in self._bars.values():
            stack.close()
        self._bars.clear()
