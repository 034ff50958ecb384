"""Elsewhere: artifacts in an engine's storage, as they are known here. Manifests are kept, files come when asked for."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .artifact import Artifact, Manifest, ManifestError, require_same_recipe
from .engines.engine import Storage
from .errors import InfrastructureError
from .recipe import Recipe
from .store import Store
from .text import clean
from .verification import Damage


class Elsewhere:
    """The keeper of artifacts that stay where they were built.

    Their manifests lie in the local store, so that a session which needs nothing new asks nobody. A file is fetched when a
    fixture opens the artifact's folder: the tables of measurements come home, activations and coders do not.
    """

    def __init__(self, store: Store, storage: Storage) -> None:
        self._store, self._storage = store, storage
        name = "".join(c if c.isalnum() else "-" for c in storage.name)
        self._folder = store.base / "elsewhere" / name
        self._asked: dict[str, str | None] = {}

    def find(self, recipe: Recipe, *, ask: bool) -> Artifact | None:
        """The artifact, or None where it has to be built.

        Args:
            recipe: what it is.
            ask: whether the storage is asked, once in this process, rather than what is remembered of it.

        Raises:
            StoreError: it was built from another recipe.
        """
        text = self._ask(recipe.digest) if ask else self._remembered(recipe.digest)
        if text is None:
            return None
        try:
            manifest = Manifest.from_text(text)
        except ManifestError:  # torn there or here: it is built again
            self.forget(recipe.digest)
            return None
        require_same_recipe(recipe, manifest)
        if self._store.session.wants_again(recipe, manifest.session):
            return None
        return Artifact(manifest, self)

    def _ask(self, digest: str) -> str | None:
        if digest not in self._asked:
            text = self._storage.manifest(digest)
            self._asked[digest] = text
            if text is None:
                self.forget(digest)
            else:
                self.remember(text)
        return self._asked[digest]

    def _remembered(self, digest: str) -> str | None:
        try:
            return (self._folder / f"{digest}.json").read_text("utf-8")
        except OSError:
            return None

    def remember(self, text: str) -> Artifact:
        """Keep the manifest of something that has just been built.

        Raises:
            ManifestError: it is none.
        """
        manifest = Manifest.from_text(text)
        self._asked[manifest.digest] = text
        with contextlib.suppress(OSError):  # not kept, it is asked for again
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = self._folder / f"{manifest.digest}.{os.getpid()}"
            temporary.write_text(text, "utf-8")
            os.replace(temporary, self._folder / f"{manifest.digest}.json")
        return Artifact(manifest, self)

    def ask_again(self, digest: str) -> None:
        """Somebody else may have built it since it was asked for."""
        self._asked.pop(digest, None)

    def forget(self, digest: str) -> None:
        """It is not there any more."""
        with contextlib.suppress(OSError):
            (self._folder / f"{digest}.json").unlink()

    def folder(self, digest: str) -> Path:
        """The folder with the artifact's files, fetched into the local store.

        Raises:
            InfrastructureError: it cannot be fetched, or is not there any more.
        """
        text = self._asked.get(digest) or self._remembered(digest)
        if text is None:
            raise self._gone(digest, "nothing is known of it here")
        manifest = Manifest.from_text(text)
        recipe = Recipe.from_json(manifest.recipe)
        with self._store.locked(recipe):
            found = self._store.find(recipe)
            if found is None or found.manifest.content != manifest.content:
                try:
                    found = self._store.adopt(recipe, manifest, lambda name, to: self._storage.fetch(digest, name, to))
                except (OSError, Damage) as exc:
                    self.forget(digest)
                    raise self._gone(str(recipe), clean(exc)) from None
        return found.path

    def _gone(self, what: str, why: str) -> InfrastructureError:
        return InfrastructureError(
            f"{what} could not be fetched from {self._storage.name}: {why}",
            "Run it again: what is not there any more is built again.",
        )
