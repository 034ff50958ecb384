"""Tasks: the benchmark cut into pieces of a few seconds, done on several processes."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from runners.progress import progress_on


@dataclass(frozen=True)
class Task:
    """A picklable piece of work. Its result depends on nothing but its arguments."""

    key: tuple[str, ...]
    """What the result belongs to; results with the same key are returned in the order of the tasks."""
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    seconds: float
    """About what it costs, for the time left."""


def results(tasks: Sequence[Task], jobs: int) -> dict[tuple[str, ...], list[Any]]:
    """Results per key. The number of jobs changes when they come, never what they are."""
    found: list[Any] = [None] * len(tasks)
    costs = [round(1000 * task.seconds) for task in tasks]
    with progress_on(sys.stderr)("calibration", sum(costs), "ms of work") as bar:

        def take(done: tuple[int, Any]) -> None:
            index, found[index] = done
            bar.note(tasks[index].key[0])
            bar.update(costs[index])

        numbered = list(enumerate(tasks))
        if jobs == 1:
            for item in numbered:
                take(_do(item))
        else:
            with multiprocessing.Pool(jobs) as pool:
                for done in pool.imap_unordered(_do, numbered):
                    take(done)
    grouped: dict[tuple[str, ...], list[Any]] = {}
    for task, result in zip(tasks, found, strict=True):
        grouped.setdefault(task.key, []).append(result)
    return grouped


def _do(item: tuple[int, Task]) -> tuple[int, Any]:
    index, task = item
    return index, task.work(*task.arguments)
