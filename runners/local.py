"""The local runner: worker processes on this machine build what does not depend on each other at the same time."""

from __future__ import annotations

import atexit
import queue
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from . import errors
from .artifact import Artifact
from .build import build, plan
from .errors import BuildFailedError, RunnersError, StoreWarning, WorkerDiedError
from .pool import Slot, Worker, slots
from .progress import SILENT, Progress
from .recipe import Recipe
from .relay import Receiver
from .store import Store
from .text import clean

TRIES = 2  # of a build whose worker died: once may be the machine's fault


class LocalRunner:
    """A pool of processes, started when they are needed and kept until ``close``.

    A recipe that asks for a GPU runs on a worker that sees one GPU; the others run on workers that see none. Without GPUs
    all run on the CPU. Killed processes leave nothing behind, and the workers end when this process does.
    """

    name = "local"

    def __init__(self, store: Store, progress: Progress = SILENT, places: Sequence[Slot] | None = None) -> None:
        self._store, self._progress = store, progress
        self._free = list(slots() if places is None else places)
        self._idle: list[Worker] = []
        self._busy: dict[Worker, Recipe] = {}
        self._receivers: dict[Worker, Receiver] = {}
        self._inbox: queue.SimpleQueue[tuple[Worker, dict[str, Any] | None]] = queue.SimpleQueue()
        atexit.register(self.close)

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a recipe, built if it has to be; its inputs at the same time where they can be."""
        return self.build_all([recipe])[0]

    def build_all(self, recipes: Sequence[Recipe]) -> list[Artifact]:
        """The same for many, in their order.

        After a failure nothing new is started, and what is running is finished and kept.
        """
        todo = {r.digest: r for r in plan(recipes, self._store)}
        if todo:
            try:
                self._work(todo)
            except BaseException:
                self._end_busy()
                raise
        return [self._store.find(r) or build(r, self._store, self._progress, "inline") for r in recipes]

    def _work(self, todo: dict[str, Recipe]) -> None:
        """Build everything in ``todo``, which is in an order that works."""
        open_inputs = {d: {i.digest for i in r.inputs.values()} & set(todo) for d, r in todo.items()}
        waiting = list(todo)
        tries = dict.fromkeys(todo, 0)
        failure: RunnersError | None = None
        while self._busy or (waiting and failure is None):
            for digest in [d for d in waiting if not open_inputs[d] and failure is None]:
                if self._start(todo[digest]):
                    waiting.remove(digest)
                    tries[digest] += 1
            worker, message = self._inbox.get()
            if worker not in self._busy:
                if worker in self._idle:  # it died of nothing that we asked for
                    self._idle.remove(worker)
                    worker.end()
                    self._free.append(worker.slot)
                continue
            recipe = self._busy[worker]
            if message is None:
                obituary = self._bury(worker)
                if tries[recipe.digest] < TRIES:
                    self._progress.say(f"{recipe}: {obituary.partition(';')[0]}; it gets another one")
                    waiting.insert(0, recipe.digest)
                else:
                    failure = failure or self._died(recipe, obituary)
            elif "built" in message:
                self._rest(worker)
                for needed in open_inputs.values():
                    needed.discard(recipe.digest)
            elif "error" in message:
                self._rest(worker)
                failure = failure or _error(message)
                if self._busy:
                    self._progress.say(f"{str(failure).partition(chr(10))[0]} (finishing what is running)")
            elif "warn" in message:
                warnings.warn(message["warn"], StoreWarning, stacklevel=2)
            else:
                self._receivers[worker].take(message)
        if failure is not None:
            raise failure

    def _start(self, recipe: Recipe) -> bool:
        """Give the recipe to a worker, if there is a place for it."""
        worker = self._worker_for(recipe)
        if worker is None:
            return False
        self._busy[worker] = recipe
        self._receivers[worker] = Receiver(self._progress)
        worker.send(
            {
                "recipe": recipe.to_json(),
                "store": str(self._store.root),
                "cap": self._store.cap,
                "session": asdict(self._store.session),
                "device": worker.slot.gpu,
            }
        )
        return True

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

    def _died(self, recipe: Recipe, obituary: str) -> WorkerDiedError:
        brief = f"{clean(recipe)} was not built: {recipe.build}, {TRIES} times: {obituary.partition(';')[0]}"
        error = WorkerDiedError(f"{clean(recipe)} was not built: {recipe.build}, {TRIES} times: {obituary}", brief)
        self._store.failures.remember(recipe, error)
        return error

    def _rest(self, worker: Worker) -> None:
        del self._busy[worker]
        self._receivers.pop(worker).end()
        self._idle.append(worker)

    def _bury(self, worker: Worker) -> str:
        """How a worker died; its place is free again."""
        self._busy.pop(worker, None)
        self._receivers.pop(worker).end()
        obituary = worker.obituary()
        worker.end()
        self._free.append(worker.slot)
        return obituary

    def _end_busy(self) -> None:
        for worker in list(self._busy):
            del self._busy[worker]
            self._receivers.pop(worker).end()
            worker.end()
            self._free.append(worker.slot)

    def close(self) -> None:
        """End all workers."""
        self._end_busy()
        while self._idle:
            worker = self._idle.pop()
            worker.end()
            self._free.append(worker.slot)
        atexit.unregister(self.close)


def _error(message: dict[str, Any]) -> RunnersError:
    """A worker's error, here."""
    if message["error"] == "BuildFailedError":
        return BuildFailedError(message["text"], message["brief"], message["refusal"])
    kind: type[RunnersError] = getattr(errors, message["error"], RunnersError)
    return kind(message["text"])
