"""The worker process: builds recipes that arrive as JSON lines, and answers in JSON lines.

``python -m runners.worker``, started by ``pool.py``. Nothing is pickled, and what a builder prints goes to stderr, so
that it cannot garble the answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock

from .build import build
from .errors import BuildFailedError, RunnersError, StoreWarning
from .recipe import Recipe
from .relay import Sender
from .session import Session
from .store import Store


def main() -> None:
    """Work until the other end hangs up; if it does so during a build, end at once and take everything along."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    shown = warnings.showwarning

    def warned(message: Warning | str, category: type[Warning], *about: Any, **more: Any) -> None:
        if issubclass(category, StoreWarning):
            send({"warn": str(message)})
        else:
            shown(message, category, *about, **more)

    warnings.showwarning = warned
    warnings.simplefilter("always", StoreWarning)
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, jobs), daemon=True).start()
    store: Store | None = None
    while True:
        job = jobs.get()
        store = store or Store(Path(job["store"]), job["cap"], Session(**job["session"]))
        send(_answer(job, store, Sender(send)))


def _listen(source: TextIO, jobs: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in source:
        jobs.put(json.loads(line))
    if hasattr(os, "killpg"):
        os.killpg(os.getpgrp(), signal.SIGKILL)  # our own group: see pool.py
    os._exit(1)


def _answer(job: dict[str, Any], store: Store, progress: Sender) -> dict[str, Any]:
    recipe = Recipe.from_json(job["recipe"])
    try:
        with _device(job["device"], store):
            build(recipe, store, progress, "local")
    except BuildFailedError as exc:
        return {"error": "BuildFailedError", "text": str(exc), "brief": exc.brief, "refusal": exc.refusal}
    except RunnersError as exc:
        return {"error": type(exc).__name__, "text": str(exc)}
    return {"built": recipe.digest}


def _device(device: str | None, store: Store) -> contextlib.AbstractContextManager[Any]:
    """Alone on a GPU, among all pools that share the store."""
    if device is None:
        return contextlib.nullcontext()
    folder = store.base / "devices"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{''.join(c if c.isalnum() else '-' for c in device)}.lock")


if __name__ == "__main__":
    main()
