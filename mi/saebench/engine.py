"""SAEBench's own code, made to run offline, in silence, and without traces outside the folder that it is given."""

from __future__ import annotations

import importlib
import io
import json
import os
import random
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from ..coders.quiet_engine import NoBar
from ..subjects.errors import NotHere

PACKAGES = ("sae-bench", "sae-probes")
RESULT = "saebench.json"
FIX = "python -m pip install --no-deps -r requirements.lock (SAEBench runs on Python 3.11 and 3.12)"
# Warned about in every call and without consequence for the pinned versions.
HARMLESS: tuple[dict[str, Any], ...] = (
    {"category": FutureWarning, "module": "sklearn"},
    {"category": UserWarning, "message": "Inconsistent values: penalty"},
    {"category": UserWarning, "message": "Decoder weights are not normalized"},  # the gate measures it
    {"category": UserWarning, "module": "sae_lens"},
    # Of any of hundreds of fits; those that count are asked afterwards (not_converged in the facts).
    {"category": UserWarning, "message": "lbfgs failed to converge"},
    {"category": UserWarning, "message": "The max_iter was reached"},
    {"category": DeprecationWarning},
)


def load(name: str) -> ModuleType:
    """A module of ``sae_bench`` or ``sae_probes``.

    Raises:
        NotHere: not installed, or not importable.
    """
    # Its annotations contradict its own data (a train split is called as long as the test split), and they demand
    # TransformerLens's old class. Also for a process in which jaxtyping was imported before anybody set the variable.
    os.environ["JAXTYPING_DISABLE"] = "1"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("WANDB_MODE", "disabled")
    try:
        importlib.import_module("jaxtyping").config.update("jaxtyping_disable", True)
        with silence():
            return importlib.import_module(name)
    except ImportError as error:
        raise NotHere(f"{name.partition('.')[0]} is not installed ({error})", fix=FIX) from error


@contextmanager
def running(main: ModuleType, model: Any, seed: int, *bars: ModuleType) -> Iterator[Path]:
    """While it lasts, ``main`` (a ``main`` module of SAEBench) finds ``model`` where it would load one by name.

    The working directory is the yielded empty folder, which is gone afterwards: some of SAEBench's paths are relative
    and fixed. Prints go nowhere; random states, the gradient mode and warnings are as before when it ends. ``bars`` are
    further modules whose progress bars stay silent. What SAEBench calls its version is the one installed: its own
    function asks git for the commit of whatever repository the process happens to be in.
    """
    loader = SimpleNamespace(from_pretrained_no_processing=lambda *args, **kwargs: model)
    replaced: dict[str, Any] = {"HookedTransformer": loader, "get_sae_bench_version": lambda: version("sae-bench")}
    numbers, more = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        stack.enter_context(silence())
        folder = stack.enter_context(TemporaryDirectory())
        stack.enter_context(chdir(folder))
        stack.enter_context(torch.random.fork_rng())
        stack.enter_context(torch.enable_grad())
        for name, value in replaced.items():
            if hasattr(main, name):
                stack.enter_context(patch.object(main, name, value))
        for module in {main, *bars}:
            if hasattr(module, "tqdm"):
                stack.enter_context(patch.object(module, "tqdm", NoBar))
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        try:
            yield Path(folder)
        finally:
            random.setstate(numbers)
            np.random.set_state(more)


def plain_name(name: str) -> str:
    """``name`` as a single relative folder name.

    SAEBench joins the model's name to the folder of its artifacts, so that an absolute path would make it write, and
    delete, inside the model's own folder.
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "model"


def keep_result(folder: Path, out: Path) -> dict[str, Any]:
    """Move the one result file in ``folder`` to ``out/saebench.json``, unchanged, and read it."""
    (file,) = folder.glob("*_eval_results.json")
    shutil.move(file, out / RESULT)
    result: dict[str, Any] = json.loads((out / RESULT).read_text("utf-8"))
    return result


def versions() -> Mapping[str, str]:
    """Of the packages that computed a result."""
    return {package: version(package) for package in PACKAGES}


@contextmanager
def silence() -> Iterator[None]:
    """Prints go nowhere, nor do warnings that SAEBench always gives; all others are given as usual."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said), warnings.catch_warnings():
        for about in HARMLESS:
            warnings.filterwarnings("ignore", **about)
        yield
