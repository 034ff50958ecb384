"""Surroundings of a build: the environment that libraries see, and a record of where it ran."""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

# Set before anything heavy is imported, and only where nobody has chosen otherwise.
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",  # a build that downloads is no function of its recipe; ask for it with HF_HUB_OFFLINE=0
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "JAXTYPING_DISABLE": "1",
    "SPARSIFY_DISABLE_TRITON": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
    "WANDB_SILENT": "true",
}
RECORDED = (
    "mi-assay",
    "datasets",
    "eai-sparsify",
    "numpy",
    "safetensors",
    "sae-lens",
    "scikit-learn",
    "tokenizers",
    "torch",
    "transformer-lens",
    "transformers",
)


def prepare() -> None:
    """Set the environment of this process for building."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if cores() < _all_cores():
        # Threads of two processes on one core wait for each other at every operation, several times longer than they work.
        os.environ.setdefault("OMP_NUM_THREADS", str(cores()))


def cores() -> int:
    """This process's share of the cores: xdist workers divide them."""
    return max(1, _all_cores() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or 1))


def _all_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def packages() -> Mapping[str, str]:
    """Versions of Python and of what builders are made of, from the installed metadata; imports none of it."""
    found = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return MappingProxyType(found)


def device() -> str:
    """``cpu``, or the name of the GPU that the build has used."""
    torch = sys.modules.get("torch")  # who did not import it used no GPU through it
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_available() or not cuda.is_initialized():
        return "cpu"
    return str(cuda.get_device_name())


def system() -> str:
    """``Linux x86_64``: the machine, without its name."""
    return f"{platform.system()} {platform.machine()}"
