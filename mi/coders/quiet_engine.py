"""Running an engine's trainer without its side effects: output, global settings, random state."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch


class NoBar:
    """Stands in for the engines' own tqdm; what they report is read elsewhere."""

    def __init__(self, iterable: Any = None, *args: Any, **kwargs: Any) -> None:
        self._iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self._iterable)

    def update(self, n: int = 1) -> None:
        """Nothing."""

    def set_description(self, text: str = "") -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


@contextmanager
def quiet_engine(threads: int, *modules: ModuleType) -> Iterator[io.StringIO]:
    """While it lasts: prints go to the yielded buffer, the ``tqdm`` of ``modules`` shows nothing, torch uses ``threads`` threads
    within an operation. After it: random state, threads and matmul precision are as before.
    """
    said = io.StringIO()
    precision, before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(said))
        stack.enter_context(redirect_stderr(said))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(torch.random.fork_rng())
        for module in modules:
            stack.enter_context(patch.object(module, "tqdm", NoBar))
        warnings.simplefilter("ignore")
        torch.set_num_threads(threads)
        try:
            yield said
        finally:
            torch.set_num_threads(before)
            torch.set_float32_matmul_precision(precision)
