"""Runner: who builds, and where. Fixtures and claims know this protocol and no runner."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Sequence
from typing import Protocol

from .artifact import Artifact
from .conductor import Conductor
from .engines.engine import Engine
from .errors import RunnersError
from .money.budget import Budget
from .progress import SILENT, Progress
from .recipe import Recipe
from .store import Store

# name -> "module:class" of an engine, relative to this package if it begins with a dot; imported when it is chosen
ENGINES = {
    "inline": ".engines.inline:InlineEngine",
    "local": ".engines.local:LocalEngine",
    "modal": ".engines.modal.engine:ModalEngine",
    "ray": ".engines.ray.engine:RayEngine",
}


WIDTH = 4
"""Builds at a time on rented or shared machines, unless somebody says otherwise."""


class Runner(Protocol):
    """Builds recipes somewhere; each artifact is built once, however many ask for it."""

    name: str

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a recipe, built if it has to be."""

    def build_all(self, recipes: Sequence[Recipe]) -> list[Artifact]:
        """The same for many, in their order; what does not depend on each other may be built at the same time."""

    def close(self) -> None:
        """End everything that was started."""


def register(name: str, target: str) -> None:
    """Add an engine (see :mod:`runners.engines.engine`): ``register("slurm", "my_package.slurm:SlurmEngine")``."""
    ENGINES[name] = target


def check_name(name: str) -> None:
    """Raise RunnersError if there is no such runner."""
    if name not in ENGINES:
        near = difflib.get_close_matches(name, ENGINES, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise RunnersError(f"no runner {name!r}: expected one of {', '.join(sorted(ENGINES))}.{hint}")


def open_runner(
    name: str, store: Store, progress: Progress = SILENT, budget: Budget | None = None, width: int = WIDTH
) -> Conductor:
    """A conductor of the engine of that name.

    Raises:
        RunnersError: there is none.
    """
    check_name(name)
    module, _, attribute = ENGINES[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module, __package__), attribute)(store, progress, width)
    return Conductor(engine, store, progress, budget)
