"""Engines that can be tried here: which ones are absent and why, and what a process needs to use them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests" / "runners"


@contextmanager
def engines(*names: str) -> Iterator[tuple[dict[str, Mapping[str, str]], dict[str, str]]]:
    """Environment variables by name of those that are here, and why the others are not.

    ``modal`` is a loopback of its server on this machine: nothing is rented, and nothing here is Modal's own speed.
    """
    here: dict[str, Mapping[str, str]] = {name: {} for name in names if name in ("inline", "local")}
    absent: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        if "ray" in names:
            if find_spec("ray") is None:
                absent["ray"] = "Ray is not installed"
            else:
                here["ray"] = {"RAY_ADDRESS": ""}  # a cluster of its own, on this machine
        if "modal" not in names:
            yield here, absent
            return
        sys.path.insert(0, str(TESTS))
        from modal_loopback import Loopback, why_not

        trial = Path(folder) / "trial"
        trial.mkdir()
        if reason := why_not(trial):
            absent["modal"] = reason
            yield here, absent
            return
        server = Loopback(Path(folder) / "loopback")
        try:
            here["modal"] = {name: value for name, value in server.environment.items() if "SOURCES" not in name}
            yield here, absent
        finally:
            server.close()


def use(environment: Mapping[str, str]) -> None:
    """Set the variables of an engine in this process, before anything of it is imported."""
    for name in ("MODAL_ENVIRONMENT", "MODAL_PROFILE"):
        os.environ.pop(name, None)
    os.environ.update(environment)
