"""Progress: what a builder reports while it works; who shows it is not its business."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Bar(Protocol):
    """One running count."""

    def update(self, n: int) -> None:
        """Count ``n`` more units."""

    def note(self, text: str) -> None:
        """Show a short text beside the count, such as the current loss."""


class Progress(Protocol):
    """Starts a count: ``with progress("harvest", n_tokens, "tokens") as bar``."""

    def __call__(self, label: str, total: int | None, unit: str) -> AbstractContextManager[Bar]:
        """``total`` is in ``unit``; None when it is not known before."""


class _NoBar:
    def update(self, n: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def SILENT(label: str, total: int | None, unit: str) -> AbstractContextManager[Bar]:
    """Progress that nobody watches."""
    return nullcontext(_NoBar())
