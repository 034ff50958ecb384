"""Modal's log: lines that containers print, back into messages of the builds that printed them."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Any

from ..engine import Tell

MARK = "@"  # begins a line that is a message; then JSON: [key of the job, message]
END = {"end": True}  # the last message of a build


def line_of(key: str, message: dict[str, Any]) -> str:
    """One line for a container's stdout."""
    return f"{MARK}{json.dumps([key, message])}\n"


@dataclass
class _Build:
    tell: Tell
    container: str = ""
    bars: set[str] = field(default_factory=set)
    ended: bool = False


class Log:
    """Gives each build what its containers print; may be used in any thread.

    A build whose container was taken away goes on in another one and begins its counts again: those of the first one
    are closed. Messages may be missing: a count that was never opened is not shown.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._builds: dict[str, _Build] = {}
        self._whose: dict[str, str] = {}
        self._rest: dict[tuple[str, str], str] = {}

    def add(self, key: str, tell: Tell) -> None:
        """Expect messages of this job."""
        with self._lock:
            self._builds[key] = _Build(tell)

    def drop(self, key: str) -> None:
        """From now on, nothing more is told of this job."""
        with self._lock:
            self._builds.pop(key, None)

    def ended(self, key: str) -> bool:
        """Whether its last message has arrived."""
        with self._lock:
            return key not in self._builds or self._builds[key].ended

    def take(self, container: str, stream: str, text: str) -> None:
        """What a container printed: lines, or parts of lines that go on in the next text."""
        with self._lock:
            *lines, rest = (self._rest.pop((container, stream), "") + text).split("\n")
            if rest:
                self._rest[container, stream] = rest
            for line in lines:
                self._line(container, line.rstrip())

    def _line(self, container: str, line: str) -> None:
        key, message = _read(line)
        build = self._builds.get(key)
        if build is not None:
            self._whose[container] = key
            self._message(build, container, message)
        elif line and not key:
            owner = self._whose.get(container)
            for key in [owner] if owner else list(self._builds):  # one that has not begun might be anybody's
                if key in self._builds:
                    self._builds[key].tell({"log": line})

    def _message(self, build: _Build, container: str, message: dict[str, Any]) -> None:
        if container != build.container:
            for left in build.bars:
                build.tell({"bar": left, "close": True})
            build.bars.clear()
            build.container, build.ended = container, False
        if message == END:
            build.ended = True
            return
        bar = message.get("bar")
        if "open" in message:
            build.bars.add(str(bar))
        elif bar is not None and bar not in build.bars:
            return
        elif "close" in message:
            build.bars.discard(str(bar))
        build.tell(message)


def _read(line: str) -> tuple[str, dict[str, Any]]:
    """Key and message of a line; ``("", {})`` if it is none."""
    if line.startswith(MARK):
        try:
            key, message = json.loads(line[len(MARK) :])
        except (ValueError, TypeError):
            return "", {}
        if isinstance(key, str) and isinstance(message, dict):
            return key, message
    return "", {}
