"""Schedule: how long builds that need each other take on a number of workers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter

from ..recipe import Recipe


def expected_minutes(todo: Sequence[Recipe], minutes: Callable[[Recipe], float], width: int) -> float:
    """Minutes from the first start to the last end.

    A free worker takes, of what is ready, the one with the longest way to the end. That is never longer than one worker
    takes for all, and at most twice the best order.

    Args:
        todo: what is built; inputs that are not among them are there.
        minutes: how long each takes.
        width: workers, at least 1.
    """
    recipes = {r.digest: r for r in todo}
    needs = {d: {i.digest for i in r.inputs.values()} & recipes.keys() for d, r in recipes.items()}
    needed_by: dict[str, list[str]] = {d: [] for d in recipes}
    for digest, inputs in needs.items():
        for below in inputs:
            needed_by[below].append(digest)
    remaining: dict[str, float] = {}
    for digest in reversed(list(TopologicalSorter(needs).static_order())):
        after = max((remaining[d] for d in needed_by[digest]), default=0.0)
        remaining[digest] = minutes(recipes[digest]) + after
    waiting = {d: len(inputs) for d, inputs in needs.items()}
    ready = [(-remaining[d], d) for d, n in waiting.items() if not n]
    heapq.heapify(ready)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < width:
            _, digest = heapq.heappop(ready)
            heapq.heappush(running, (now + minutes(recipes[digest]), digest))
        now, ended = heapq.heappop(running)
        for digest in needed_by[ended]:
            waiting[digest] -= 1
            if not waiting[digest]:
                heapq.heappush(ready, (-remaining[digest], digest))
    return now
