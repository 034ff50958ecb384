"""served: a model server as a child process, for as long as it is needed."""

from __future__ import annotations

import atexit
import contextlib
import gc
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..progress import SILENT, Progress
from ..refusal import Refusal
from ..subjects.errors import NotHere
from .chat import KEYS, same_model
from .memory import GIB, MAX_MODEL_LEN, SEQUENCES, needs_of, require_fits, this_gpu
from .unavailable import ScorerUnavailable

TIMEOUT = 1800.0  # seconds; vLLM compiles and captures graphs before it answers
PATIENCE = 15.0  # seconds between asking a server to stop and making it
EVERY = 0.25  # seconds between looks
TAIL = 2_000  # bytes of its log
VLLM = "MI_ASSAY_VLLM"

# Runs the server and ends its whole group when the pipe to us closes, however we ended: a session of its own would
# otherwise outlive a killed parent, with the GPU's memory.
_GUARD = """
import os, signal, subprocess, sys, threading
signal.signal(signal.SIGTERM, lambda *_: None)
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def watch():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
code = server.wait()
os._exit(code if code >= 0 else 128 - code)
"""


class Server:
    """A running command, in a process group of its own that is gone after :meth:`stop`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        keep = {name: value for name, value in os.environ.items() if name not in (*KEYS, "PYTHONPATH")}
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _GUARD, *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=keep,  # of our packages it needs none, and has its own; our keys are none of its business
            start_new_session=True,
        )
        atexit.register(self.stop)

    def ended(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self.process.poll()

    def tail(self) -> str:
        """The last that it printed."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - TAIL))
        return self._log.read().decode("utf-8", "replace").strip()

    def stop(self, patience: float = PATIENCE) -> None:
        """Ask the whole group to end; after ``patience`` seconds, end it."""
        atexit.unregister(self.stop)
        if self.process.stdin is None or self.process.stdin.closed:
            return
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        self._signal(signal.SIGKILL)  # also to those that it left behind
        self.process.wait()
        self.process.stdin.close()
        self._log.close()

    def _signal(self, which: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, which)


@contextmanager
def served(
    command: Sequence[str], model: str, *, progress: Progress = SILENT, timeout: float = TIMEOUT
) -> Iterator[str]:
    """Start a server, wait until it names the model, and stop it in the end, whatever happens.

    Args:
        command: what to run; ``{port}`` and ``{model}`` are filled in.
        model: what ``GET /v1/models`` has to name.
        timeout: seconds until it has to.

    Returns:
        its address, up to and with ``/v1``.

    Raises:
        NotHere: there is no such command.
        ScorerUnavailable: it ended, serves another model, or is not ready in time; with the end of its log.
    """
    port = _free_port()
    filled = [part.replace("{port}", str(port)).replace("{model}", model) for part in command]
    if shutil.which(filled[0]) is None:
        raise NotHere(f"no command {filled[0]!r}", fix="Install it, or give the whole path.")
    url = f"http://127.0.0.1:{port}/v1"
    leave_gpu()
    server = Server(filled)
    try:
        _wait(server, url, model, progress, timeout)
        yield url
    finally:
        server.stop()


@contextmanager
def vllm_served(model: str, *, progress: Progress = SILENT, timeout: float = TIMEOUT) -> Iterator[str]:
    """A vLLM server of one model, in its own environment, started if its memory is free.

    vLLM needs another torch than the workshop, so it is a command of another environment: ``vllm`` on the path, or
    what ``MI_ASSAY_VLLM`` names.

    Raises:
        Refusal: the model does not fit, with the numbers; nothing has been started.
        NotHere: no vLLM.
        ScorerUnavailable: as :func:`served`.
    """
    command = os.environ.get(VLLM) or "vllm"
    if shutil.which(command) is None:
        raise NotHere(
            f"vLLM ({command!r}) is not on this machine",
            fix=f"Install it into an environment of its own and set {VLLM} to its vllm command.",
        )
    with served(vllm_command(command, model), model, progress=progress, timeout=timeout) as url:
        yield url


def vllm_command(command: str, model: str) -> list[str]:
    """``vllm serve`` for one scorer, with as much memory as is free and no sampling defaults of the model's own.

    Raises:
        Refusal: it does not fit.
    """
    share, length = fitted(model)
    return [
        *(command, "serve", model, "--host", "127.0.0.1", "--port", "{port}", "--served-model-name", model),
        *("--gpu-memory-utilization", f"{share:.2f}", "--max-model-len", str(length)),
        # A model's generation_config.json has a repetition penalty and more, which would change answers silently.
        *("--max-num-seqs", str(SEQUENCES), "--seed", "0", "--generation-config", "vllm"),
    ]


def fitted(model: str) -> tuple[float, int]:
    """Share of the GPU's memory and length of context to start vLLM with, once this process has let go of its own.

    Raises:
        Refusal: the model does not fit, or a subject is still on the GPU and in its way.
    """
    held = leave_gpu()
    gpu, needs = this_gpu(), needs_of(model)
    if gpu is None or needs is None:
        return 0.9, MAX_MODEL_LEN  # nothing is known: vLLM checks for itself
    try:
        share = require_fits(model, needs, gpu)
    except Refusal as error:
        if held < 0.1:
            raise
        raise Refusal(
            f"{error.given}; {held:.2f} GiB of it are this process's own tensors",
            error.expected,
            "Let go of the subject before a scorer is started.",
        ) from None
    return share, needs.max_model_len


def leave_gpu() -> float:
    """Give back cached GPU memory of this process; GiB that its tensors still hold."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return 0.0
    gc.collect()
    torch.cuda.empty_cache()
    return float(torch.cuda.memory_allocated()) / GIB


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, url: str, model: str, progress: Progress, timeout: float) -> None:
    begun = time.monotonic()
    with progress(f"start {model}", None, "seconds") as bar:
        shown = 0
        while True:
            names = _models(url)
            code = server.ended()
            if code is not None:  # first of all: whoever answers on this port is then not ours
                raise _unavailable(f"a server of {model} that ended with exit status {code}", server)
            if names is not None:
                if any(same_model(model, name) for name in names):
                    return
                raise _unavailable(
                    f"a server that serves {', '.join(map(str, names)) or 'no model'}, not {model}", server
                )
            waited = time.monotonic() - begun
            if waited > timeout:
                raise _unavailable(f"a server of {model} that is not ready after {timeout:g} s", server)
            bar.update(int(waited) - shown)
            shown = int(waited)
            time.sleep(EVERY)


def _unavailable(given: str, server: Server) -> ScorerUnavailable:
    said = server.tail()
    return ScorerUnavailable(
        given,
        "one that answers",
        f"The last it printed:\n{said}" if said else "It printed nothing.",
    )


def _models(url: str) -> list[Any] | None:
    """Names that a server gives; None while it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/models", timeout=5) as reply:
            return [entry["id"] for entry in json.load(reply)["data"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
