"""Artifact: a handle on something finished. Holding one reads nothing but its manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from .canonical import checked, sha256_of
from .errors import StoreError
from .recipe import SHORT, Recipe
from .text import clean

SCHEMA = 1


class ManifestError(ValueError):
    """A manifest that is torn, altered or of another form."""


@dataclass(frozen=True)
class Manifest:
    """What is known of an artifact, kept beside its files.

    Attributes:
        digest: of the recipe; the artifact's name.
        recipe: :meth:`Recipe.to_json`.
        files: ``{relative name: {"sha256": hex, "bytes": int}}``.
        content: sha256 over ``files``: two builds of one recipe agree in it if the builder is deterministic.
        inputs: ``{name: content}`` of the very builds of the inputs that were used.
        facts: what the builder returned.
        seconds: how long the builder ran.
        when: end of the build, ISO 8601, UTC.
        runner, device, platform, packages: where and with what.
        session: id of the test session that built it.
    """

    digest: str
    recipe: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    content: str
    inputs: Mapping[str, str]
    facts: Mapping[str, Any]
    seconds: float
    when: str
    runner: str
    device: str
    platform: str
    packages: Mapping[str, str]
    session: str

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(f["bytes"] for f in self.files.values())

    def to_text(self) -> str:
        """JSON with a seal over the rest, so that an edited manifest is found."""
        body = {"schema": SCHEMA, **{f.name: getattr(self, f.name) for f in fields(self)}}
        return json.dumps({**body, "seal": sha256_of(body)}, indent=1, ensure_ascii=True, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Manifest:
        """The manifest that :meth:`to_text` wrote.

        Raises:
            ManifestError: it is not that, or its seal does not hold.
        """
        try:
            body = json.loads(text)
            seal, schema = body.pop("seal"), body["schema"]
            if seal != sha256_of(body):
                raise ManifestError("its seal does not hold: it was edited")
            del body["schema"]
            if schema != SCHEMA:
                raise ManifestError(f"schema {schema}, expected {SCHEMA}")
            return cls(**body)
        except ManifestError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ManifestError("it is not whole") from None


def content_of(files: Mapping[str, Mapping[str, Any]]) -> str:
    """One hash over names, sizes and hashes of all files."""
    return sha256_of({name: dict(about) for name, about in files.items()})


@dataclass(frozen=True)
class Entry:
    """One folder of a store, as listed: nothing about it has been verified.

    Attributes:
        manifest: None where it cannot be read.
        used: time of last use, seconds since 1970.
    """

    digest: str
    manifest: Manifest | None
    bytes: int
    used: float


class Keeper(Protocol):
    """Where an artifact lies. A keeper elsewhere fetches it when its folder is asked for."""

    def folder(self, digest: str) -> Path:
        """The folder with the artifact's files, on this machine."""


@dataclass(frozen=True)
class Artifact:
    """Handle on an artifact: fixtures pass it on, builders and readers open ``path``."""

    manifest: Manifest
    keeper: Keeper

    @property
    def digest(self) -> str:
        """The digest of its recipe."""
        return self.manifest.digest

    @property
    def path(self) -> Path:
        """Its folder. Read only: a file that is changed there makes the artifact damaged."""
        return self.keeper.folder(self.digest)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the builder returned."""
        return self.manifest.facts

    @property
    def recipe(self) -> Recipe:
        """What it was built from."""
        return Recipe.from_json(self.manifest.recipe)

    def __str__(self) -> str:
        root = self.manifest.recipe["recipes"][self.digest]
        return f"{root['label'] or root['build']} ({self.digest[:SHORT]})"


def require_same_recipe(recipe: Recipe, manifest: Manifest) -> None:
    """The digest is a name; what decides is what was asked for.

    Raises:
        StoreError: the artifact of this name was built from something else: the digest leaves something out.
    """
    kept = manifest.recipe["recipes"][manifest.recipe["root"]]
    asked = {
        "build": recipe.build,
        "version": recipe.version,
        "params": checked(recipe.params, f"params of {recipe.build}"),
        "inputs": {name: i.digest for name, i in recipe.inputs.items()},
    }
    other = [name for name, value in asked.items() if kept[name] != value]
    if other:
        raise StoreError(
            f"{clean(recipe)} is kept under {manifest.digest[:12]} with other {', '.join(other)} than were asked for. "
            "Expected one artifact per recipe. The digest leaves out something that decides the result."
        )
