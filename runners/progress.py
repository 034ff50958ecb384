"""Progress: what long builds show, with throughput and time left, in a terminal and in a log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol, TextIO

from .text import clean

EVERY = 20.0  # seconds between two lines of a log


class Bar(Protocol):
    """One running count."""

    def update(self, n: int) -> None:
        """Count ``n`` more units."""

    def note(self, text: str) -> None:
        """Show a short text beside the count, such as the current loss."""


class Progress(Protocol):
    """What builders are given; ``say`` is for those who run them."""

    def __call__(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Bar]:
        """Start a count; ``total`` in ``unit``, None when it is not known before."""

    def say(self, text: str) -> None:
        """One line, at once."""


class _Nothing:
    def update(self, n: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Silent:
    """Shows nothing."""

    def __call__(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Bar]:
        return nullcontext(_Nothing())

    def say(self, text: str) -> None:
        pass


SILENT = Silent()


def _ready() -> None:
    pass


class Terminal:
    """Live bars, gone when they are done, for a terminal that nobody else writes to meanwhile.

    ``ready`` is called before a line is written: whoever shares the terminal ends an open line there.
    """

    def __init__(self, stream: TextIO, ready: Callable[[], None] = _ready) -> None:
        self._stream, self._ready = stream, ready

    @contextmanager
    def __call__(self, label: str, total: int | None, unit: str) -> Iterator[Bar]:
        self._ready()
        columns = shutil.get_terminal_size().columns  # tqdm shows nothing in a terminal that says it has none
        options = {"unit_scale": True, "ncols": columns, "mininterval": 0.2, "leave": False}
        with _tqdm()(desc=clean(label), total=total, unit=f" {unit}", file=self._stream, **options) as bar:
            yield _Live(bar)

    def say(self, text: str) -> None:
        """Above the bars, if there are any."""
        self._ready()
        _tqdm().write(clean(text), file=self._stream)
        self._stream.flush()


def _tqdm() -> Any:
    from tqdm import tqdm  # here: a tenth of a second that warm runs need not spend

    return tqdm


class _Live:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def update(self, n: int) -> None:
        self._bar.update(n)

    def note(self, text: str) -> None:
        self._bar.set_postfix_str(clean(text), refresh=False)


class Lines:
    """Whole lines for logs: what is said, and of counts the first at once and then at most one line every 20 s."""

    def __init__(
        self,
        stream: TextIO,
        prefix: str = "",
        ready: Callable[[], None] = _ready,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._prefix, self._ready, self.clock = stream, prefix, ready, clock
        self._last = -EVERY

    @contextmanager
    def __call__(self, label: str, total: int | None, unit: str) -> Iterator[Bar]:
        counted = _Counted(self, clean(label), total, unit)
        counted.show()
        yield counted

    def say(self, text: str) -> None:
        """One line."""
        self._write(clean(text))

    def count(self, text: str) -> None:
        """One line about a count, below what was said."""
        self._write(f"  {clean(text)}")

    def _write(self, line: str) -> None:
        self._ready()
        self._stream.write(f"{self._prefix}{line}\n")
        self._stream.flush()

    def due(self) -> bool:
        """Whether a line of a count may be written now; if so, the next one has to wait."""
        now = self.clock()
        if now - self._last < EVERY:
            return False
        self._last = now
        return True


class _Counted:
    def __init__(self, lines: Lines, label: str, total: int | None, unit: str) -> None:
        self._lines, self._label, self._total, self._unit = lines, label, total, unit
        self._n, self._note, self._start = 0, "", lines.clock()

    def update(self, n: int) -> None:
        self._n += n
        self.show()

    def note(self, text: str) -> None:
        self._note = text

    def show(self) -> None:
        if self._lines.due():
            seconds = self._lines.clock() - self._start
            text = count_line(self._label, self._n, self._total, self._unit, seconds)
            self._lines.count(text + (f", {self._note}" if self._note else ""))


def count_line(label: str, n: int, total: int | None, unit: str, seconds: float) -> str:
    """``harvest: 41.0k of 81.9k tokens (50 %), 12.3k tokens/s, 00:03 left``."""
    text = f"{label}: {_number(n)}" + (f" of {_number(total)}" if total else "") + f" {unit}"
    if total and n:
        text += f" ({100 * n / total:.0f} %)"
    if n and seconds > 0:
        rate = n / seconds
        text += f", {_number(rate)} {unit}/s"
        if total:
            text += f", {_tqdm().format_interval(max(total - n, 0) / rate)} left"
    return text


def _number(n: float) -> str:
    return f"{n:.3g}" if n < 999.5 else str(_tqdm().format_sizeof(n))


def progress_on(stream: TextIO, prefix: str = "", ready: Callable[[], None] = _ready) -> Progress:
    """Live bars on a terminal that is ours alone (no ``prefix``), lines anywhere else."""
    return Terminal(stream, ready) if stream.isatty() and not prefix else Lines(stream, prefix, ready)
