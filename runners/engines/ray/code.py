"""How code gets to the tasks of a Ray cluster."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ...errors import RunnersError
from ...home import PREFIX

SOURCES = "MI_ASSAY_RAY_SOURCES"


def surroundings_of_tasks(*, ours: bool) -> dict[str, Any]:
    """Ray's ``runtime_env``: on this machine the path that this process has, elsewhere copies of the packages.

    Both start equally fast. With the path, whatever can be imported here can build, and tracebacks name files that are
    there to be opened.

    Raises:
        RunnersError: ``$MI_ASSAY_RAY_SOURCES`` names something that cannot be sent.
    """
    environment = {"PYTHONHASHSEED": "0"}  # the order of a set is no reason for another result
    if ours:
        path = [str(source.parent) for source in _named()] + [os.path.abspath(p) for p in sys.path if p]
        return {"env_vars": {**environment, "PYTHONPATH": os.pathsep.join(path)}}
    home = Path(__file__).resolve().parents[3]
    own = [home] if PREFIX else [home / "mi", home / "runners"]
    sent = [str(source) for source in (*own, *_named())]
    return {"env_vars": environment, "py_modules": sent, "excludes": ["__pycache__", "*.pyc"]}


def _named() -> list[Path]:
    """Packages and modules with builders of the user."""
    found = [Path(p).resolve() for p in os.environ.get(SOURCES, "").split(os.pathsep) if p]
    for source in found:
        if not (source.is_dir() or (source.is_file() and source.suffix == ".py")):
            raise RunnersError(
                f"{SOURCES}: {source} is neither a folder nor a Python file. Expected packages and modules with builders, "
                f"separated by {os.pathsep!r}."
            )
    return found
