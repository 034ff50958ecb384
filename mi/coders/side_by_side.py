"""side_by_side: several trainers at once, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from .stream import SharedStream


class Run(Protocol):
    """A trainer that reads from a shared stream under its ``number``."""

    number: int
    seconds: float

    def fit(self) -> None:
        """Train to the end."""


def side_by_side(runs: Sequence[Run], stream: SharedStream) -> None:
    """Fit all ``runs``, and note how long each took.

    Threads suffice: the work is in torch, which lets the others run meanwhile.

    Raises:
        BaseException: the first failure, after all have stopped.
    """
    failures: list[BaseException] = []

    def fit(run: Run) -> None:
        began = time.perf_counter()
        failure = None
        try:
            run.fit()
        except BaseException as raised:
            failure = raised
            failures.append(raised)
        run.seconds = time.perf_counter() - began
        stream.leave(run.number, failure)

    threads = [threading.Thread(target=fit, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        # One that stopped because of another says so as its cause.
        raise next((f for f in failures if f.__cause__ is None), failures[0])
