"""A build that was handed to Modal."""

from __future__ import annotations

import contextlib
import json
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import InfrastructureError
from ...text import clean
from ..engine import Job, Outcome
from ..remote import outcome_of
from .log import Log

if TYPE_CHECKING:
    import modal

LAG = 4.0  # seconds that a result waits for the last messages, which come another way
SILENCE = 300.0  # seconds of nothing but errors of the connection, after which a build counts as lost
GONE = 10.0  # seconds that a cancelled build may take to end


class ModalCall:
    """The handle of a job, which ``spawn`` hands over. ``leave`` is called when the job's place is free again."""

    def __init__(
        self,
        spawn: Callable[[], modal.FunctionCall[Any]],
        job: Job,
        log: Log,
        leave: Callable[[ModalCall], None],
    ) -> None:
        self._job, self._log, self._leave = job, log, leave
        self.key = job.key
        self._end: Outcome | None = None
        self._heard = time.monotonic()
        try:
            self._call = spawn()
        except Exception as exc:  # Modal's client has tried several times
            self._end = Outcome(lost=f"it could not be handed to Modal; {type(exc).__name__}: {clean(exc)}")

    def poll(self) -> Outcome | None:
        """How it ended; None while it runs, or while Modal cannot be asked."""
        if self._end is None:
            self._end = self._asked()
            if self._end is None:
                return None
            self._heard = time.monotonic()
        behind = self._end.lost is None and not self._log.ended(self._job.key)
        if behind and time.monotonic() < self._heard + LAG:
            return None
        self._leave(self)
        return self._end

    def cancel(self) -> None:
        """End it, and wait until Modal says that it has ended."""
        if self._end is None:
            self._leave(self)
            try:
                self._call.cancel(terminate_containers=True)
            except Exception as exc:
                raise InfrastructureError(
                    f"Modal did not hear that {self._job.recipe} is to end: {clean(exc)}"
                ) from None
            with contextlib.suppress(Exception):  # however it ends
                self._call.get(timeout=GONE)
            self._end = Outcome(lost="it was cancelled", again=False)
        self._leave(self)

    def _asked(self) -> Outcome | None:
        from modal import exception as modals

        try:
            answer = self._call.get(timeout=0)
        except TimeoutError:
            self._heard = time.monotonic()
            return None
        except modals.FunctionTimeoutError:
            limit = f"{self._job.timeout:.0f} s"
            return Outcome(
                lost=f"it ran into its time limit of {limit}; a resumable build goes on from its last checkpoint when it "
                "is asked for again",
                again=False,
            )
        except (modals.InternalFailure, modals.RemoteError, modals.OutputExpiredError, modals.InputCancellation) as exc:
            return Outcome(lost=f"its container was lost; Modal says: {clean(exc) or type(exc).__name__}")
        except (modals.AuthError, modals.PermissionDeniedError, modals.NotFoundError) as exc:
            return Outcome(lost=f"Modal does not give its result; it says: {clean(exc)}", again=False)
        except (modals.ExecutionError, modals.DeserializationError) as exc:
            return Outcome(lost=f"its result cannot be read; Modal says:\n{exc}", again=False)
        except Exception as exc:
            if isinstance(exc, modals.Error | OSError) or type(exc).__module__.startswith("grpclib."):
                if time.monotonic() - self._heard < SILENCE:
                    return None
                return Outcome(lost=f"Modal could not be asked for {SILENCE:.0f} s; {type(exc).__name__}: {clean(exc)}")
            return Outcome(  # raised there, outside of what catches it: while the worker was imported
                lost=f"a bug in the worker; {type(exc).__name__}: {clean(exc)}\n{traceback.format_exc()}", again=False
            )
        try:
            data = json.loads(answer)
            return Outcome(lost=data["lost"], again=data["again"]) if "lost" in data else outcome_of(answer)
        except (ValueError, KeyError, TypeError) as exc:
            return Outcome(lost=f"its answer cannot be read: {type(exc).__name__}: {clean(exc)}", again=False)
