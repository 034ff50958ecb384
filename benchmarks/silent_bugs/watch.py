"""Watch: what a run says while it works: exceptions, warnings, log records of rank WARNING and above."""

from __future__ import annotations

import logging
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = tuple(str(ROOT / home) + "/" for home in ("mi", "runners", "ledger", "fixtures"))


@dataclass(frozen=True)
class Seen:
    """One run as its user saw it.

    Attributes:
        value: what it returned; None if it raised.
        error: what it raised, in a line.
        where: ``package.module:function`` of ours that raised on purpose, or None for any other exception.
        ours: warnings that our own code gave, as ``where: text``.
        foreign: all other warnings and log records.
    """

    value: Any
    error: str | None
    where: str | None
    ours: frozenset[str]
    foreign: frozenset[str]


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.add(f"{record.name}: {record.msg}")


def watch(run: Callable[[], Any]) -> Seen:
    """Run, and catch everything that it says. KeyboardInterrupt passes through."""
    records = _Records()
    logging.getLogger().addHandler(records)
    value, error, where = None, None, None
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = run()
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}".splitlines()[0][:300]
                where = _raised_by(raised)
    finally:
        logging.getLogger().removeHandler(records)
    ours, foreign = set(), set()
    for warning in caught:
        module = _module(warning.filename)
        (ours if module else foreign).add(f"{module or warning.category.__name__}: {_short(str(warning.message))}")
    return Seen(value, error, where, frozenset(ours), frozenset(foreign | records.lines))


def _raised_by(error: BaseException) -> str | None:
    """Our function that said no: the frame that raised is ours, and so it was no accident of a library."""
    frames = traceback.extract_tb(error.__traceback__)
    module = _module(frames[-1].filename)
    deliberate = module is not None and not isinstance(error, AttributeError | TypeError | IndexError)
    return f"{module}:{frames[-1].name}" if deliberate else None


def _module(filename: str) -> str | None:
    """``mi.coders.fidelity`` for a file of ours."""
    if not filename.startswith(OURS):
        return None
    return ".".join(Path(filename).relative_to(ROOT).with_suffix("").parts)


def _short(text: str) -> str:
    """One line, without its numbers: the same warning with another number is no new one."""
    return re.sub(r"\d+([.,]\d+)*", "#", text.splitlines()[0][:200]) if text else ""
