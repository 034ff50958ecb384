"""Pool: worker processes that stay alive, so that heavy imports are paid once in each."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import Any

from ..gpu import gpus
from ..home import PREFIX
from ..surroundings import cores

WORKERS_VARIABLE = "MI_ASSAY_WORKERS"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TAIL = 2000  # bytes of a dead worker's output that are shown
CPU = "cpu"


@dataclass(frozen=True)
class Slot:
    """A place for one worker.

    Attributes:
        device: what ``CUDA_VISIBLE_DEVICES`` shall say; None on a machine without GPUs, ``""`` where they are hidden.
        threads: number of threads for libraries.
    """

    device: str | None
    threads: int

    @property
    def gpu(self) -> str | None:
        """The GPU of this place."""
        return self.device or None


def slots() -> list[Slot]:
    """One place per GPU, and one per core for the rest; ``MI_ASSAY_WORKERS`` says how many of the latter.

    Several xdist workers share the cores.
    """
    count = max(1, int(os.environ.get(WORKERS_VARIABLE) or cores()))
    devices = gpus()
    threads = max(1, cores() // (count + len(devices)))
    hidden = "" if devices else None
    return [Slot(device, threads) for device in devices] + [Slot(hidden, threads)] * count


class Worker:
    """One process, in a process group of its own, that dies with its pipe."""

    def __init__(self, slot: Slot, inbox: queue.SimpleQueue[tuple[Worker, dict[str, Any] | None]]) -> None:
        self.slot, self._inbox = slot, inbox
        environment = {
            **os.environ,
            **{name: str(slot.threads) for name in THREADS},
            "PYTHONPATH": os.pathsep.join(os.path.abspath(p) for p in sys.path if p),
            "PYTHONHASHSEED": "0",  # the order of a set is no reason for another result
        }
        if slot.device is not None:
            environment["CUDA_VISIBLE_DEVICES"] = slot.device
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        # A group of its own: Ctrl-C reaches the parent, which ends the whole group, whatever a builder started in it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{PREFIX}.runners.engines.worker".lstrip(".")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._output,
            env=environment,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id, which is its group's as well."""
        return self._process.pid

    def send(self, job: dict[str, Any]) -> None:
        """Give it work; a dead worker answers through the inbox."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._inbox.put((self, json.loads(line)))
        self._inbox.put((self, None))

    def obituary(self) -> str:
        """How it ended, with the last lines that it printed."""
        code = self._process.wait()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        if code == -signal.SIGKILL:
            how += " (the system does that when memory runs out)"
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - TAIL))
        said = self._output.read().decode("utf-8", "replace").strip()
        return f"its worker process {how}" + (f"; the last it printed:\n{said}" if said else "")

    def end(self) -> None:
        """End it and everything that it started."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._output.close()
