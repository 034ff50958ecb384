"""The inline runner: builds in the process that asks."""

from __future__ import annotations

from collections.abc import Sequence

from .artifact import Artifact
from .build import build
from .progress import SILENT, Progress
from .recipe import Recipe
from .store import Store


class InlineRunner:
    """One after the other, here."""

    name = "inline"

    def __init__(self, store: Store, progress: Progress = SILENT) -> None:
        self._store, self._progress = store, progress

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a recipe, built if it has to be."""
        return build(recipe, self._store, self._progress, self.name)

    def build_all(self, recipes: Sequence[Recipe]) -> list[Artifact]:
        """The same for many, in their order."""
        return [self.build(recipe) for recipe in recipes]

    def close(self) -> None:
        """Nothing was started."""
