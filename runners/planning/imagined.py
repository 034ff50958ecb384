"""Imagined: what stands for an artifact while a run is planned and nothing has been built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ..recipe import Recipe


class NotBuiltYetError(Exception):
    """A test wants to know what only a build can tell; planning cannot follow it further."""


class ImaginedPath:
    """The folder of an artifact that is not there. Paths below it can be named, and nothing can be read."""

    def __init__(self, imagined: str) -> None:
        self.imagined = (
            imagined  # how fixtures recognise it without importing this module: what it would be the path of
        )

    def __truediv__(self, other: object) -> ImaginedPath:
        return ImaginedPath(f"{self.imagined}/{other}")

    def __fspath__(self) -> str:
        raise NotBuiltYetError("its files")

    def __getattr__(self, name: str) -> NoReturn:
        raise NotBuiltYetError(f"its files ({name})")


class _ImaginedFacts(Mapping[str, Any]):
    def __getitem__(self, key: str) -> NoReturn:
        raise NotBuiltYetError(f"its facts ({key})")

    def __iter__(self) -> Iterator[str]:
        raise NotBuiltYetError("its facts")

    def __len__(self) -> int:
        raise NotBuiltYetError("its facts")


class ImaginedArtifact:
    """Like :class:`~runners.artifact.Artifact`, with a recipe and no content."""

    facts = _ImaginedFacts()

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.digest, self.path = recipe, recipe.digest, ImaginedPath(recipe.digest)
