"""Scene: a clean pipeline, prepared once per data seed, that mutants change and checks look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .number import Number


@dataclass(frozen=True)
class Fired:
    """A check that said no."""

    check: str
    kinds: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Check:
    """One of the project's own checks, as a user gets it.

    ``run`` takes the scene; if the check fires it raises, or warns, or returns what fired (a list of :class:`Fired`,
    for checks that report on several things). ``kinds`` are its K-numbers in the catalogue.
    """

    name: str
    kinds: tuple[str, ...]
    run: Callable[[Any], object]


@dataclass(frozen=True)
class Measured:
    """What a user would read off a run: numbers, and verdicts of claims on them."""

    numbers: dict[str, Number]
    verdicts: dict[str, str] = field(default_factory=dict)


@dataclass
class Scene(ABC):
    """A prepared pipeline. Subclasses hold its artifacts.

    :meth:`measure` is the run of somebody who trusts the pipeline: it goes through our code, but asks none of the
    checks. Guards inside that code which cannot be skipped are lifted by :meth:`unguarded`, so that silence can be
    shown for the bug and not for our protection against it.
    """

    seed: int
    repairs: ClassVar[bool] = False
    """Whether our code mends what it warns of; silence is then shown without it, too."""

    @abstractmethod
    def measure(self) -> Measured: ...

    def unguarded(self) -> AbstractContextManager[Any]:
        return nullcontext()

    @property
    @abstractmethod
    def checks(self) -> Sequence[Check]: ...
