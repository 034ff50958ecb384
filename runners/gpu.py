"""GPU: which ones a process has, and a build's turn on them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

from .errors import NoGPUError
from .recipe import Recipe
from .store import Store

CHOICE = "MI_ASSAY_DEVICE"
"""What the user decides for builds that ask for a GPU: ``cpu`` to do without one."""
TOLD = "MI_ASSAY_BUILD_DEVICE"
"""What a builder is told: ``cpu`` or ``cuda`` (:mod:`mi.device`)."""


def gpus() -> list[str]:
    """The GPUs that this process may use, by the names that ``CUDA_VISIBLE_DEVICES`` takes. Starts no CUDA."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [d.strip() for d in allowed.split(",") if d.strip() not in ("", "-1")]
    if not shutil.which("nvidia-smi"):
        return []
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = [line for line in done.stdout.splitlines() if line.startswith("GPU ")] if done.returncode == 0 else []
    return [str(k) for k in range(len(found))]


def device_for(recipe: Recipe) -> str:
    """``cuda`` for a build that asks for a GPU, ``cpu`` for all others.

    Raises:
        NoGPUError: it asks for one, this process has none, and nobody decided to do without. Falling back silently
            would take hours, on a worker that is paid for having one.
    """
    if recipe.resources.gpu is None:
        return "cpu"
    if chosen := os.environ.get(CHOICE):
        return chosen
    if gpus():
        return "cuda"
    raise NoGPUError(
        f"{recipe} needs a GPU, and there is none here.",
        f"Rent one (--runner=modal), use a cluster (--runner=ray), or build on the CPU nevertheless: {CHOICE}=cpu.",
    )


@contextlib.contextmanager
def turn(recipe: Recipe, store: Store) -> Iterator[None]:
    """A builder is told its device; on a GPU it is alone among all builds of this machine.

    So a model and the server that scores its latents are never on one GPU together, whichever processes build.
    """
    device = device_for(recipe)
    before = os.environ.get(TOLD)
    with contextlib.ExitStack() as held:
        if device != "cpu":
            for name in sorted(gpus()):  # in one order everywhere: nobody waits for somebody who waits for them
                held.enter_context(store.named_lock(recipe, "gpu-" + "".join(c if c.isalnum() else "-" for c in name)))
        os.environ[TOLD] = device
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(TOLD, None)
            else:
                os.environ[TOLD] = before
