"""Mutant: one small change to our pipeline, or to the engine's object that an adapter of ours wraps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

Enact = Callable[[Any], AbstractContextManager[Any]]
"""Takes the prepared scene, and mutates until it is left."""


@dataclass(frozen=True)
class Mutant:
    """A bug of the catalogue, or a harmless change.

    Attributes:
        id: as in the catalogue (``D07``; ``D07b`` for a second variant), or ``ok-...`` for a harmless change.
        part: what it touches: loading, hooks, tokens, coders, training, metrics, data, probing, steering, circuits,
            autointerp, benchmarks.
        what: the bug in a few words.
        source: where it lived; empty for a harmless change.
        scene: the pipeline that it changes (a name of :mod:`.scenes`).
        meant: kinds of check (K-numbers of the catalogue) that ought to fire.
    """

    id: str
    part: str
    what: str
    scene: str
    enact: Enact
    meant: tuple[str, ...] = ()
    source: str = ""

    @property
    def benign(self) -> bool:
        return not self.meant
