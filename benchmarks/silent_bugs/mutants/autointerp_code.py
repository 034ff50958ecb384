"""Ways to change the code of auto-interpretation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, together, wrapped

SCENE = "autointerp"


def source(module: str, name: str, *changes: tuple[str, str]) -> Enact:
    """Some of the source of a function, or of a class's method, says something else."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        owner: Any = import_module(f"mi.autointerp.{module}")
        *owners, last = name.split(".")
        for step in owners:
            owner = getattr(owner, step)
        return rewritten(owner, last, *changes)

    return enact


def imported(user: str, home: str, name: str, *changes: tuple[str, str]) -> Enact:
    """The same for a function that another module has imported."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        owner = import_module(f"mi.autointerp.{home}")
        with rewritten(owner, name, *changes):
            changed = getattr(owner, name)
        return replaced(import_module(f"mi.autointerp.{user}"), name, changed)

    return enact


def attribute(module: str, name: str, around: Callable[[Any], Any]) -> Enact:
    """A function, or a method, is wrapped."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        owner: Any = import_module(f"mi.autointerp.{module}")
        *owners, last = name.split(".")
        for step in owners:
            owner = getattr(owner, step)
        return wrapped(owner, last, around)

    return enact


def both(*enacts: Enact) -> Enact:
    """Several changes that make one bug."""
    return lambda scene: together(*(enact(scene) for enact in enacts))


def bug(id: str, what: str, enact: Enact, meant: tuple[str, ...], source: str = "practice") -> Mutant:
    return Mutant(id, "autointerp", what, SCENE, enact, meant, source)
