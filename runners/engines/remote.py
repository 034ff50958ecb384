"""Remote: what a worker elsewhere does with a job. Knows no engine; every engine calls this one function."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .. import errors
from ..build import build
from ..errors import BuildFailedError, NotRunError, RunnersError, StoreWarning
from ..gpu import CHOICE
from ..recipe import Recipe
from ..store import Store
from .engine import Job, Outcome
from .relay import Send, Sender

CAP = 10**15  # bytes: a store that others share is not made room in from here


def work(
    text: str,
    root: Path,
    send: Send,
    *,
    runner: str,
    keep: Callable[[], None] = lambda: None,
) -> str:
    """Build the recipe of a job and say how it went.

    Args:
        text: :meth:`Job.to_json`.
        root: the store that this engine's workers share.
        send: takes messages for the one who asked.
        runner: name of the engine, for the manifest.
        keep: makes what was written to ``root`` so far visible to others; called at most every
            ``job.every`` seconds and at the end, also when the worker is told to stop.

    Returns:
        JSON for :func:`outcome_of`.
    """
    job = Job.from_json(text)
    if job.device is not None:
        os.environ[CHOICE] = job.device
    with (
        _said(send),
        warnings_sent(send),
        _Keeper(keep, job.every, send) as keeper,
        tempfile.TemporaryDirectory() as own,
    ):
        # Locks, leases and memories of failures are this worker's: on a network's file system they would not hold, and
        # whoever submitted the job holds the lock that counts.
        store = Store(root, CAP, job.session, own=Path(own))
        return json.dumps(answer(job.recipe, store, Sender(send, keeper.tick), runner))


def answer(recipe: Recipe, store: Store, progress: Sender, runner: str) -> dict[str, Any]:
    """Build it; what went wrong becomes data."""
    try:
        return {"manifest": build(recipe, store, progress, runner).manifest.to_text()}
    except BuildFailedError as exc:
        return {"error": "BuildFailedError", "text": str(exc), "brief": exc.brief, "refusal": exc.refusal}
    except NotRunError as exc:
        return {"error": type(exc).__name__, "text": str(exc), "fix": exc.fix}
    except RunnersError as exc:
        return {"error": type(exc).__name__, "text": str(exc)}


def outcome_of(text: str) -> Outcome:
    """What :func:`work` answered, here.

    Raises:
        ValueError: it is no such answer.
    """
    data = json.loads(text)
    if "manifest" in data:
        return Outcome(manifest=data["manifest"])
    if data["error"] == "BuildFailedError":
        return Outcome(error=BuildFailedError(data["text"], data["brief"], data["refusal"]))
    kind: type[RunnersError] = getattr(errors, data["error"], RunnersError)
    if issubclass(kind, NotRunError):
        return Outcome(error=kind(data["text"], data["fix"]))
    return Outcome(error=kind(data["text"]))


class _Keeper:
    """Makes a build's work safe now and then, and at its end.

    Only where the builder counts: to make files safe may mean to look at the shared folder anew, which no builder may be
    reading or writing meanwhile.
    """

    def __init__(self, keep: Callable[[], None], every: float, send: Send) -> None:
        self._keep, self._every, self._send = keep, every, send
        self._last = time.monotonic()

    def tick(self) -> None:
        if time.monotonic() - self._last >= self._every:
            try:
                self._keep()
            except Exception as exc:  # no fault of the builder's: it goes on, and the next time may do
                self._send({"log": f"what was done so far could not be made safe: {exc}"})
            self._last = time.monotonic()

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._keep()  # also when the worker is told to stop: a resumable build goes on from here


@contextlib.contextmanager
def _said(send: Send) -> Iterator[None]:
    """What the builder prints goes to the one who asked."""
    lines = _Lines(send)
    with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
        yield
        lines.close()


@contextlib.contextmanager
def warnings_sent(send: Send) -> Iterator[None]:
    """What the store warns of goes to the one who asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", StoreWarning)
        shown = warnings.showwarning

        def warned(message: Warning | str, category: type[Warning], *about: Any, **more: Any) -> None:
            if issubclass(category, StoreWarning):
                send({"warn": str(message)})
            else:
                shown(message, category, *about, **more)

        warnings.showwarning = warned
        yield


class _Lines(io.TextIOBase):
    """A stream that sends whole lines."""

    def __init__(self, send: Send) -> None:
        self._send, self._rest = send, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            if line.strip():
                self._send({"log": line})
        return len(text)

    def close(self) -> None:
        if not self.closed and self._rest.strip():
            self._send({"log": self._rest})
        super().close()
