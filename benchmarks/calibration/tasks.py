"""Tasks: the benchmark cut into pieces of a few seconds, done on several processes."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TextIO


@dataclass(frozen=True)
class Task:
    """A picklable piece of work. Its result depends on nothing but its arguments."""

    key: tuple[str, ...]
    """What the result belongs to; results with the same key are returned in the order of the tasks."""
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    seconds: float
    """About what it costs, for the time left."""


class Progress:
    """One line on a terminal, a line every half minute elsewhere."""

    def __init__(self, total: float, out: TextIO = sys.stderr) -> None:
        self._total, self._done, self._out = total, 0.0, out
        self._began = self._said = time.monotonic()

    def add(self, task: Task) -> None:
        self._done += task.seconds
        now = time.monotonic()
        live = self._out.isatty()
        if now - self._said < (1 if live else 30):
            return
        self._said = now
        left = (now - self._began) * (self._total - self._done) / self._done
        line = (
            f"calibration: {self._done / self._total:4.0%}, about {timedelta(seconds=round(left))} left ({task.key[0]})"
        )
        print(f"\r{line:<70}" if live else line, end="" if live else "\n", file=self._out, flush=True)

    def end(self) -> None:
        if self._out.isatty():
            print(f"\r{'':<70}\r", end="", file=self._out, flush=True)


def results(tasks: Sequence[Task], jobs: int) -> dict[tuple[str, ...], list[Any]]:
    """Results per key. The number of jobs changes when they come, never what they are."""
    progress = Progress(sum(task.seconds for task in tasks))
    found: list[Any] = [None] * len(tasks)

    def take(done: tuple[int, Any]) -> None:
        index, found[index] = done[0], done[1]
        progress.add(tasks[index])

    numbered = list(enumerate(tasks))
    if jobs == 1:
        for item in numbered:
            take(_do(item))
    else:
        with multiprocessing.Pool(jobs) as pool:
            for done in pool.imap_unordered(_do, numbered):
                take(done)
    progress.end()
    grouped: dict[tuple[str, ...], list[Any]] = {}
    for task, result in zip(tasks, found, strict=True):
        grouped.setdefault(task.key, []).append(result)
    return grouped


def _do(item: tuple[int, Task]) -> tuple[int, Any]:
    index, task = item
    return index, task.work(*task.arguments)
