"""The inline engine: builds in the process that asks."""

from __future__ import annotations

from collections.abc import Sequence

from ..build import build, found
from ..errors import RunnersError
from ..progress import SILENT, Progress
from ..recipe import Recipe, Resources
from ..store import Store
from .engine import Job, Outcome, Price, Storage, Tell


class InlineEngine:
    """One after the other, here. A build cannot be ended from outside, and has no limit."""

    name, pause, width = "inline", 0.0, 1
    storage: Storage | None = None

    def __init__(self, store: Store, progress: Progress = SILENT, width: int = 1) -> None:
        self._store, self._progress = store, progress

    def price(self, resources: Resources) -> Price:
        """Nothing."""
        return Price(0.0, "here")

    def open(self, todo: Sequence[Recipe]) -> None:
        """Import all builders and check their keywords, before the first one starts."""
        for recipe in todo:
            found(recipe, self._store)

    def submit(self, job: Job, tell: Tell) -> _Here:
        """It is built when it is first looked at."""
        return _Here(job, self._store, self._progress)

    def close(self) -> None:
        """Nothing was started."""


class _Here:
    def __init__(self, job: Job, store: Store, progress: Progress) -> None:
        self._job, self._store, self._progress = job, store, progress

    def poll(self) -> Outcome:
        try:
            build(self._job.recipe, self._store, self._progress, "inline")
        except RunnersError as exc:
            return Outcome(error=exc)
        return Outcome(manifest="")

    def cancel(self) -> None:
        pass
