"""The local engine: worker processes on this machine build what does not depend on each other at the same time."""

from __future__ import annotations

import atexit
import queue
import time
from collections.abc import Sequence
from typing import Any

from ..progress import SILENT, Progress
from ..recipe import Recipe, Resources
from ..store import Store
from .engine import Job, Outcome, Price, Storage, Tell
from .pool import Slot, Worker, slots
from .remote import outcome_of


class LocalEngine:
    """A pool of processes, started when they are needed and kept until ``close``.

    A recipe that asks for a GPU runs on a worker that sees one GPU; the others run on workers that see none. Without GPUs
    all run on the CPU. Killed processes leave nothing behind, and the workers end when this process does.
    """

    name, pause = "local", 0.01
    storage: Storage | None = None

    def __init__(
        self, store: Store, progress: Progress = SILENT, width: int = 0, places: Sequence[Slot] | None = None
    ) -> None:
        self._store = store
        self._free = list(slots() if places is None else places)
        self.width = len(self._free)
        self._idle: list[Worker] = []
        self._busy: dict[Worker, _Build] = {}
        self._inbox: queue.SimpleQueue[tuple[Worker, dict[str, Any] | None]] = queue.SimpleQueue()
        atexit.register(self.close)

    def price(self, resources: Resources) -> Price:
        """Nothing."""
        return Price(0.0, "a GPU here" if resources.gpu else "here")

    def open(self, todo: Sequence[Recipe]) -> None:
        """Workers are started when they are needed; one that died idle is forgotten."""
        self.listen()

    def submit(self, job: Job, tell: Tell) -> _Build | None:
        """Give the job to a worker, if there is a place for it."""
        worker = self._worker_for(job.recipe)
        if worker is None:
            return None
        self._busy[worker] = build = _Build(self, worker, job, tell)
        worker.send(
            {
                "job": job.to_json(),
                "store": str(self._store.root),
                "cap": self._store.cap,
            }
        )
        return build

    def _worker_for(self, recipe: Recipe) -> Worker | None:
        places = [w.slot for w in (*self._idle, *self._busy)] + self._free
        wanted = recipe.resources.gpu is not None
        anywhere = all(bool(slot.gpu) != wanted for slot in places)

        def fits(slot: Slot) -> bool:
            return anywhere or bool(slot.gpu) == wanted

        for k, worker in enumerate(self._idle):
            if fits(worker.slot):
                return self._idle.pop(k)
        for k, slot in enumerate(self._free):
            if fits(slot):
                return Worker(self._free.pop(k), self._inbox)
        return None

    def listen(self) -> None:
        """Take what workers have said since the last time."""
        while not self._inbox.empty():
            worker, message = self._inbox.get()
            if worker in self._busy:
                self._busy[worker].take(message)
            elif worker in self._idle:  # it died of nothing that we asked for
                self._idle.remove(worker)
                worker.end()
                self._free.append(worker.slot)

    def rest(self, worker: Worker) -> None:
        """It has done its work and waits for more."""
        del self._busy[worker]
        self._idle.append(worker)

    def bury(self, worker: Worker) -> None:
        """End a worker, dead or alive, with everything that it started; its place is free again."""
        if self._busy.pop(worker, None) is not None:
            worker.end()
            self._free.append(worker.slot)

    def close(self) -> None:
        """End all workers."""
        for worker in list(self._busy):
            self.bury(worker)
        while self._idle:
            worker = self._idle.pop()
            worker.end()
            self._free.append(worker.slot)
        atexit.unregister(self.close)


class _Build:
    """A job in a worker's hands."""

    def __init__(self, engine: LocalEngine, worker: Worker, job: Job, tell: Tell) -> None:
        self._engine, self._worker, self._tell = engine, worker, tell
        self._limit, self._until = job.timeout, time.monotonic() + job.timeout
        self._outcome: Outcome | None = None

    def take(self, message: dict[str, Any] | None) -> None:
        """One message of the worker; None is its last breath."""
        if message is None:
            self._outcome = Outcome(lost=self._worker.obituary())
            self._engine.bury(self._worker)
        elif "answer" in message:
            self._outcome = outcome_of(message["answer"])
            self._engine.rest(self._worker)
        else:
            self._tell(message)

    def poll(self) -> Outcome | None:
        self._engine.listen()
        if self._outcome is None and time.monotonic() > self._until:
            self.cancel()
            return Outcome(lost=f"it ran into its time limit of {self._limit:.0f} s", again=False)
        return self._outcome

    def cancel(self) -> None:
        self._engine.bury(self._worker)
