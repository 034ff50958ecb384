"""Session: what all processes of one test session agree on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .recipe import Recipe


@dataclass(frozen=True)
class Session:
    """One run of the tests, or one process that builds on its own.

    Attributes:
        id: the same in every process of the session.
        rebuild: what to build again although it is there: a pattern over labels, builders and digests, or None.
    """

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    rebuild: str | None = None

    def wants_again(self, recipe: Recipe, built_by: str) -> bool:
        """Whether an artifact that session ``built_by`` built has to be built once more."""
        return self.rebuild is not None and built_by != self.id and matches(recipe, self.rebuild)


def matches(recipe: Recipe, pattern: str) -> bool:
    """Whether a pattern with ``*`` and ``?`` fits the label or the builder, or the beginning of the digest."""
    function = recipe.build.partition(":")[2]
    names = (recipe.label, recipe.build, function)
    return any(fnmatchcase(n, pattern) for n in names if n) or fnmatchcase(recipe.digest, f"{pattern}*")
