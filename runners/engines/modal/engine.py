"""The engine modal: builds in containers on Modal, one each; artifacts stay on a volume there."""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...errors import RunnersError
from ...gpu import CHOICE
from ...money.prices import LISTED, Rates, live
from ...progress import Progress
from ...recipe import Recipe, Resources
from ...store import Store
from ...text import clean
from ..engine import Job, Price, Tell
from .access import require_modal
from .call import ModalCall
from .log import Log
from .storage import ModalStorage

if TYPE_CHECKING:
    import modal

CORES = 2.0  # physical; no build gets more, so that none is charged for more
GIB = {False: 8.0, True: 16.0}  # of main memory, without and with a GPU, unless a recipe needs more
ROOM = 1.25  # times the memory that a recipe expects: beyond what a container gets, it is killed
GPUS = {"any": "L4", "A10G": "A10", "A100": "A100-40GB"}  # other words for kinds in the table of prices
EXACTLY = {"H100": "H100!"}  # Modal may give a better card for the plain name, and numbers are compared here
IDLE = 15.0  # seconds besides the build: start of the container, and its end
DRAIN = 5.0  # seconds that the log may take to end


class ModalEngine:
    """Runs an app while there is something to build. Nothing is deployed: the app and its containers end with it."""

    name = "modal"
    pause = 1.0

    def __init__(self, store: Store, progress: Progress, width: int) -> None:
        self._progress, self.width = progress, width
        self.storage = ModalStorage()
        self.rates: Rates = LISTED
        self._log = Log()
        self._running: set[ModalCall] = set()
        self._functions: dict[tuple[str | None, float, int], modal.Function[..., str, str]] = {}
        self._app: AbstractContextManager[modal.App] | None = None
        self._listener: threading.Thread | None = None
        self._told = False

    def require_usable(self) -> None:
        """Return if builds can be handed to Modal from here; asks its server, once in a process.

        Raises:
            RunnersError: one line that says what is missing and what to do.
        """
        require_modal()

    def price(self, resources: Resources) -> Price:
        """What a build with these needs costs: its GPU, two cores and its memory.

        Raises:
            RunnersError: a GPU that Modal does not have.
        """
        gpu, gib = _gpu(resources), _gib(resources)
        return Price(self.rates.usd_per_second(gpu, CORES, gib), gpu or f"{CORES:.0f} cores", IDLE)

    def open(self, todo: Sequence[Recipe]) -> None:
        """Ask for today's prices; start the app, if there is something to build and it does not run yet.

        Raises:
            RunnersError: one line that says what is missing and what to do.
        """
        self.require_usable()
        if not self._told:
            self._told, self.rates = True, _rates()
        if not todo or self._app is not None:
            return
        os.environ.setdefault("MODAL_PAYLOAD_FORMAT", "cbor")  # strings in, strings out: nothing is pickled
        self._progress.say("starting on Modal (the first time, building the image takes some minutes)")
        try:
            from .app import app

            running = app.run()
            running.__enter__()
        except KeyboardInterrupt:
            raise
        except Exception as exc:
            raise RunnersError(f"the app could not be started on Modal: {clean(exc) or type(exc).__name__}") from None
        self._app = running
        self._listener = threading.Thread(target=self._listen, args=(app,), daemon=True)
        self._listener.start()

    def submit(self, job: Job, tell: Tell) -> ModalCall | None:
        """Hand a job to a container of its own; None if ``width`` of them are running."""
        if len(self._running) >= self.width:
            return None
        self._log.add(job.key, tell)
        handle = ModalCall(lambda: self._function(job).spawn(job.to_json()), job, self._log, self._leave)
        self._running.add(handle)
        return handle

    def close(self) -> None:
        """End the app and everything that it runs."""
        running, self._app = self._app, None
        if running is None:
            return
        # Never given an exception: app.run() swallows KeyboardInterrupt.
        with contextlib.suppress(Exception):  # Modal ends an app whose client is silent
            running.__exit__(None, None, None)
        if self._listener is not None:
            self._listener.join(DRAIN)
        self._running.clear()
        self._functions.clear()

    def _leave(self, handle: ModalCall) -> None:
        self._running.discard(handle)
        self._log.drop(handle.key)

    def _function(self, job: Job) -> modal.Function[..., str, str]:
        """The function with the resources of a job; each combination has containers of its own."""
        from .app import build

        gpu, gib = _gpu(job.recipe.resources), _gib(job.recipe.resources)
        needs = gpu, gib, math.ceil(job.timeout)
        if needs not in self._functions:
            mib = math.ceil(gib * 1024)
            self._functions[needs] = build.with_options(
                gpu=EXACTLY.get(gpu, gpu) if gpu else None,
                cpu=(CORES, CORES),
                memory=(mib, mib),
                timeout=math.ceil(job.timeout),
                max_containers=self.width,
            )
        return self._functions[needs]

    def _listen(self, app: Any) -> None:
        try:
            for entry in app.logs.stream():
                self._log.take(entry.context_ids[-1] if entry.context_ids else "", entry.source, entry.message)
        except Exception as exc:
            if self._app is not None:
                self._progress.say(f"no more progress from Modal, builds go on: {type(exc).__name__}: {clean(exc)}")


def _rates() -> Rates:
    """What Modal asks of this workspace, or the table."""
    import modal

    try:
        told = modal.Workspace.from_context().billing.rates()
    except Exception:  # no connection, no right to know: the plan says which prices it goes by
        return LISTED
    return live(told, datetime.now(UTC).date()) or LISTED


def _gpu(resources: Resources) -> str | None:
    """The kind as the table of prices has it; none for a user who does without."""
    if resources.gpu is None or os.environ.get(CHOICE) == "cpu":
        return None
    return GPUS.get(resources.gpu, resources.gpu)


def _gib(resources: Resources) -> float:
    return max(GIB[_gpu(resources) is not None], ROOM * (resources.memory_gb or 0.0) * 1e9 / 2**30)
