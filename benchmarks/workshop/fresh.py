"""fresh: run a function in a new process that has imported the engines and done nothing else."""

from __future__ import annotations

import multiprocessing
import resource
import warnings
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from typing import Any

from runners import surroundings


@cache
def _server() -> multiprocessing.context.ForkServerContext:
    """Imports take a quarter of a minute: a server does them once, and is forked before any of them has started a thread."""
    surroundings.prepare()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.workshop.engines"])
    return context


def fresh(function: Callable[..., Any], *args: Any) -> Any:
    """What ``function(*args)`` returned in a process of its own."""
    return fresh_with_peak(function, *args)[0]


def fresh_with_peak(function: Callable[..., Any], *args: Any) -> tuple[Any, float]:
    """The same, and the most memory (MiB, resident) that the process ever had."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = _server().Process(target=_run, args=(theirs, function, args))
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        answer = None
    process.join()
    if answer is None or process.exitcode:
        raise SystemExit(f"{function.__module__}.{function.__name__} ended with {process.exitcode}")
    return answer


def _run(connection: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    from transformers.utils.logging import disable_progress_bar

    warnings.simplefilter("ignore")
    disable_progress_bar()
    result = function(*args)
    connection.send((result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
