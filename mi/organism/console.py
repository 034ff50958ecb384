"""Console progress for the command line: one line with throughput and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..progress import Bar


class _Line:
    def __init__(self, label: str, total: int | None, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done, self.started, self.shown, self.text = 0, time.monotonic(), 0.0, ""

    def update(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.shown >= (0.5 if sys.stderr.isatty() else 15):
            self.shown = now
            self.show("\r" if sys.stderr.isatty() else "\n")

    def note(self, text: str) -> None:
        self.text = text

    def show(self, end: str) -> None:
        rate = self.done / max(time.monotonic() - self.started, 1e-9)
        of = f"/{self.total:,}, {(self.total - self.done) / max(rate, 1e-9):.0f} s left" if self.total else ""
        line = f"{self.label}: {self.done:,}{of}, {rate:,.0f} {self.unit}/s {self.text}"
        print(f"{line:<110}", end=end, file=sys.stderr, flush=True)


@contextmanager
def console(label: str, total: int | None, unit: str) -> Iterator[Bar]:
    """A :class:`~..progress.Progress` that writes to stderr."""
    line = _Line(label, total, unit)
    try:
        yield line
    finally:
        line.show("\n")
