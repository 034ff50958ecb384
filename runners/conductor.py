"""Conductor: builds recipes through an engine. What is the same for all engines lies here."""

from __future__ import annotations

import contextlib
import os
import queue
import time
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .artifact import Artifact, ManifestError, require_same_recipe
from .build import build, keep_to_the_cap, plan
from .elsewhere import Elsewhere
from .engines.engine import Engine, Handle, Job, Outcome
from .engines.inline import InlineEngine
from .engines.relay import Receiver
from .errors import BuildFailedError, CapReachedError, InfrastructureError, RunnersError, StoreError, StoreWarning
from .gpu import CHOICE
from .money.budget import Budget
from .money.purse import GRACE, TRIES, Purse
from .progress import SILENT, Progress
from .recipe import Recipe
from .store import Store
from .text import clean, span

PATIENCE = 1800.0  # seconds of waiting for the first sign of a worker elsewhere
KEEP_EVERY = 120.0  # seconds between two times that a build elsewhere makes its work safe


@dataclass(eq=False)
class _Running:
    recipe: Recipe
    job: Job
    handle: Handle
    receiver: Receiver
    unlock: Callable[[], None]
    began: float = field(default_factory=time.monotonic)
    heard: float | None = None  # when its worker gave the first sign of life

    def overdue(self) -> bool:
        """Whether it takes longer than any engine should have let it, such as in one container after another."""
        if self.heard is None:
            return time.monotonic() - self.began > self.job.timeout + PATIENCE
        return time.monotonic() - self.heard > self.job.timeout + GRACE


class Conductor:
    """Hands out what has to be built, inputs first, as much at a time as the engine takes.

    Each artifact is built once, whatever else runs with the same store: who builds, holds the digest's lock. A build
    that is lost with its worker is tried again; a builder's own error is not. Everything is ended when something
    unforeseen happens, Ctrl-C included.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        progress: Progress = SILENT,
        budget: Budget | None = None,
    ) -> None:
        self.engine, self.name, self.keep_every = engine, engine.name, KEEP_EVERY
        self.purse = Purse(engine, budget)
        self._store, self._progress = store, progress
        self._elsewhere = Elsewhere(store, engine.storage) if engine.storage else None
        self._running: list[_Running] = []
        self._inbox: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._said_waiting: set[str] = set()
        self._stopped: CapReachedError | None = None

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a recipe, built if it has to be."""
        return self.build_all([recipe])[0]

    def build_all(self, recipes: Sequence[Recipe]) -> list[Artifact]:
        """The same for many, in their order.

        After a failure nothing new is started, and what is running is finished and kept.

        Raises:
            BuildFailedError, BuilderError: a builder's own failure.
            NotRunError: nothing that the builders did: lost workers, no GPU, no money.
            StoreError: the store cannot be used.
        """
        if todo := self.todo(recipes):
            for error in self._work(todo, keep_going=False).values():
                raise error
        return [self._home(recipe) for recipe in recipes]

    def build_what_can_be(self, recipes: Sequence[Recipe]) -> Mapping[str, RunnersError]:
        """Build all of them and everything below, and go on after failures: ``{digest: error}``."""
        todo = self.todo(recipes)
        return self._work(todo, keep_going=True) if todo else {}

    def todo(self, recipes: Sequence[Recipe], *, ask: bool = True) -> list[Recipe]:
        """What would have to be built, inputs first; ``ask`` the engine's storage, or go by what is remembered of it."""
        elsewhere = self._elsewhere
        if elsewhere is None:
            return plan(recipes, self._store)
        if self._store.session.rebuild is None:  # what is at home need not be anywhere else
            recipes = [r for r in recipes if self._store.find(r) is None]

        def there(recipe: Recipe, ask: bool) -> Artifact | None:
            return self._store.find(recipe) if recipe.here else elsewhere.find(recipe, ask=ask)

        guess = plan(recipes, self._store, lambda recipe: there(recipe, False))
        if not (guess and ask):
            return guess
        self.engine.open(())
        return plan(recipes, self._store, lambda recipe: there(recipe, True))

    def there(self, recipe: Recipe) -> Artifact | None:
        """The artifact if it is known to be at home or elsewhere; nothing is built, and nobody asked."""
        found = self._store.find(recipe)
        if found is None and self._elsewhere is not None:
            found = self._elsewhere.find(recipe, ask=False)
        return found

    def _home(self, recipe: Recipe) -> Artifact:
        found = self.there(recipe)
        if found is not None:
            return found
        if self._elsewhere is not None and not recipe.here:
            raise InfrastructureError(f"{recipe} was built and is gone again: somebody empties the storage.")
        return build(recipe, self._store, self._progress, self.name)  # somebody has emptied the store meanwhile

    # ---- the loop -----------------------------------------------------------------------------------

    def _work(self, todo: Sequence[Recipe], *, keep_going: bool) -> dict[str, RunnersError]:
        """Build everything in ``todo``, which is in an order that works; what could not be built, and why."""
        if self._stopped:
            raise self._stopped
        self.purse.require_approved(todo)
        self.engine.open([recipe for recipe in todo if not recipe.here])
        failed: dict[str, RunnersError] = {}
        waiting = {r.digest: r for r in todo}
        tries = dict.fromkeys(waiting, 0)
        try:
            while self._running or (waiting and (keep_going or not failed)):
                moved = False
                for recipe in [r for r in waiting.values() if keep_going or not failed]:
                    below = [i.digest for i in recipe.inputs.values()]
                    if error := next((failed[d] for d in below if d in failed), None):
                        failed[recipe.digest] = error
                    elif any(d in waiting or self._is_running(d) for d in below) or not self._start(recipe, failed):
                        continue
                    del waiting[recipe.digest]
                    moved = True
                for run in list(self._running):
                    outcome = run.handle.poll()
                    self._show()
                    if outcome is None and run.overdue():
                        outcome = Outcome(
                            lost=f"it was ended {span(run.job.timeout)} after its limit began", again=False
                        )
                    if outcome is not None:
                        moved = True
                        self._ended(run, outcome, tries, waiting, failed)
                        if (error := failed.get(run.recipe.digest)) and (keep_going or self._running):
                            rest = "" if keep_going else " (finishing what is running)"
                            self._progress.say(str(error).partition("\n")[0] + rest)
                self.purse.watch()
                if not moved:
                    time.sleep(self.engine.pause)
        except CapReachedError as exc:
            self._stopped = exc
            self._end_running("cap")
            raise
        except BaseException:
            self._end_running("cancelled")
            raise
        return failed

    def _is_running(self, digest: str) -> bool:
        return any(run.recipe.digest == digest for run in self._running)

    def _start(self, recipe: Recipe, failed: dict[str, RunnersError]) -> bool:
        """Give a recipe to a worker; False if that is not possible yet."""
        unlock: Callable[[], None] = _nothing
        if self._stopped:
            failed[recipe.digest] = self._stopped
            return True
        here = self._elsewhere is not None and recipe.here
        if self._running and (here or any(run.recipe.here for run in self._running if self._elsewhere)):
            return False  # nobody watches what runs elsewhere while something is built in this process
        if self._elsewhere is not None and not here:
            lock = self._store.try_lock(recipe)
            if lock is None:
                if recipe.digest not in self._said_waiting:
                    self._said_waiting.add(recipe.digest)
                    self._progress.say(f"waiting for {recipe}, which another process builds")
                return False
            unlock = lock.release
        try:
            if earlier := self._store.failures.recall(recipe):
                failed[recipe.digest] = earlier
            elif not self._made_meanwhile(recipe):
                run = self._submitted(recipe, unlock)
                if run is None:
                    unlock()
                    return False
                self._running.append(run)
                if self._elsewhere is not None and not recipe.here:
                    self._progress.say(f"handed to {self.name} ({self.purse.price(recipe).where}): {recipe}")
                return True
        except RunnersError as exc:
            unlock()
            if isinstance(exc, CapReachedError):
                self._stopped = exc  # nothing more is started; what runs has its place in the budget
            failed[recipe.digest] = exc
            return True
        except BaseException:
            unlock()
            raise
        unlock()
        return True

    def _made_meanwhile(self, recipe: Recipe) -> bool:
        """Whether somebody else has built it since we asked, now that nobody can begin to."""
        if self._elsewhere is None or recipe.here:
            return False
        self._elsewhere.ask_again(recipe.digest)
        return self._elsewhere.find(recipe, ask=True) is not None

    def _submitted(self, recipe: Recipe, unlock: Callable[[], None]) -> _Running | None:
        if self._elsewhere is not None and len(self._running) >= self.engine.width:
            return None
        key = uuid.uuid4().hex[:16]
        limit, device = self.purse.timeout(recipe), os.environ.get(CHOICE)
        job = Job(recipe, self._store.session, key, limit, device, self.keep_every)
        self.purse.start(key, recipe)  # first: if we are killed now, it counts
        try:
            handle = self._engine_for(recipe).submit(job, lambda message: self._inbox.put((key, message)))
        except BaseException:
            self.purse.end(key, "cancelled")
            raise
        if handle is None:
            self.purse.end(key, "cancelled", charged=False)
            return None
        return _Running(recipe, job, handle, Receiver(self._progress), unlock)

    def _engine_for(self, recipe: Recipe) -> Engine:
        if self._elsewhere is None or not recipe.here:
            return self.engine
        for below in recipe.inputs.values():
            _ = self._home(below).path  # fetched: a build in this process reads the local store
        return InlineEngine(self._store, self._progress)

    def _ended(
        self,
        run: _Running,
        outcome: Outcome,
        tries: dict[str, int],
        waiting: dict[str, Recipe],
        failed: dict[str, RunnersError],
    ) -> None:
        recipe = run.recipe
        self._running.remove(run)
        tries[recipe.digest] += 1
        try:
            run.receiver.end()
            if outcome.manifest is not None and self._elsewhere is not None and not recipe.here:
                outcome = self._kept(self._elsewhere, recipe, outcome.manifest)
            if outcome.manifest is not None:
                self.purse.end(run.job.key, "built")
            elif outcome.error is not None:
                self.purse.end(run.job.key, "failed")
                failed[recipe.digest] = outcome.error
                if isinstance(outcome.error, BuildFailedError):
                    self._store.failures.remember(recipe, outcome.error)
            else:
                gone = self._cancelled(run)  # it may go on where nobody hears of it
                if gone:
                    self.purse.end(run.job.key, "lost")
                if gone and outcome.again and tries[recipe.digest] < TRIES:
                    self._progress.say(f"{recipe}: {str(outcome.lost).partition(';')[0]}; it gets another worker")
                    waiting[recipe.digest] = recipe
                    return
                failed[recipe.digest] = error = self._given_up(recipe, str(outcome.lost), tries[recipe.digest])
                self._store.failures.remember(recipe, error)
        finally:
            run.unlock()

    def _kept(self, elsewhere: Elsewhere, recipe: Recipe, text: str) -> Outcome:
        before = elsewhere.find(recipe, ask=False)
        try:
            made = elsewhere.remember(text).manifest
            require_same_recipe(recipe, made)
        except (ManifestError, StoreError) as exc:
            return Outcome(lost=f"what came back is no manifest of it: {clean(exc)}", again=False)
        if before is not None and before.manifest.content != made.content:
            self._progress.say(
                f"{recipe} has another content than before: see python -m runners why {recipe.digest[:12]}"
            )
        return Outcome(manifest=text)

    @staticmethod
    def _cancelled(run: _Running) -> bool:
        """End a build; whether it has ended for sure."""
        try:
            run.handle.cancel()
        except Exception:
            return False
        return True

    def _given_up(self, recipe: Recipe, lost: str, tries: int) -> InfrastructureError:
        times = f", {tries} times" if tries > 1 else ""
        return InfrastructureError(f"{clean(recipe)} was not built: {recipe.build}{times}: {lost}")

    # ---- messages and ends --------------------------------------------------------------------------

    def _show(self) -> None:
        """Show what running builds have sent."""
        runs = {run.job.key: run for run in self._running}
        with contextlib.suppress(queue.Empty):
            while True:
                key, message = self._inbox.get_nowait()
                run = runs.get(key)
                if run is not None and run.heard is None:
                    run.heard = time.monotonic()
                if "warn" in message:
                    warnings.warn(message["warn"], StoreWarning, stacklevel=2)
                elif run is not None and not run.receiver.take(message) and "log" in message:
                    self._progress.say(f"{run.recipe.name} | {message['log']}")

    def _end_running(self, how: str) -> None:
        """End all builds, then write down what they came to: a journal that cannot be written keeps none of them alive."""
        ended, self._running = self._running, []
        gone = [self._cancelled(run) for run in ended]
        problem: Exception | None = None
        for run, sure in zip(ended, gone, strict=True):
            run.unlock()
            try:
                run.receiver.end()
                if sure:
                    self.purse.end(run.job.key, how)
            except Exception as exc:
                problem = problem or exc
        if problem is not None:
            raise problem

    def close(self) -> None:
        """End everything that was started."""
        try:
            self._end_running("cancelled")
        finally:
            self.engine.close()
        if self._elsewhere is not None:
            keep_to_the_cap(self._store)


def _nothing() -> None:
    pass
