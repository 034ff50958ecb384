"""The worker process: builds recipes that arrive as JSON lines, and answers in JSON lines.

``python -m runners.engines.worker``, started by ``pool.py``. Nothing is pickled, and what a builder prints goes to stderr, so
that it cannot garble the answers.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from ..store import Store
from .engine import Job
from .relay import Sender
from .remote import answer, warnings_sent


def main() -> None:
    """Work until the other end hangs up; if it does so during a build, end at once and take everything along."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock:
            answers.write(json.dumps(message) + "\n")
            answers.flush()

    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, jobs), daemon=True).start()
    store: Store | None = None
    with warnings_sent(send):
        while True:
            asked = jobs.get()
            job = Job.from_json(asked["job"])
            store = store or Store(Path(asked["store"]), asked["cap"], job.session)
            send({"answer": json.dumps(answer(job.recipe, store, Sender(send), "local"))})


def _listen(source: TextIO, jobs: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in source:
        jobs.put(json.loads(line))
    if hasattr(os, "killpg"):
        os.killpg(os.getpgrp(), signal.SIGKILL)  # our own group: see pool.py
    os._exit(1)


if __name__ == "__main__":
    main()
