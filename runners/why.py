"""Why an artifact is what it is: its derivation in full, and how its nearest relative differs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from .artifact import Entry
from .recipe import SHORT, Recipe
from .store import Store
from .text import clean, size, span


def derivation(root: Recipe, store: Store) -> Iterator[str]:
    """The tree of recipes below ``root``, each with its parameters; a shared one is written out once."""
    written: set[str] = set()

    def lines(recipe: Recipe, name: str, indent: str) -> Iterator[str]:
        title = f"{name}: " if name else ""
        yield f"{indent}{title}{clean(recipe.name)}  {recipe.digest[:SHORT]}"
        indent += "  "
        if recipe.digest in written:
            yield f"{indent}(as above)"
            return
        written.add(recipe.digest)
        yield f"{indent}{recipe.build}  version {recipe.version}"
        yield indent + _fate(recipe, store)
        for key, value in leaves(recipe.params):
            yield f"{indent}{clean(key)} = {clean(_short(value))}"
        for key in sorted(recipe.inputs):
            yield from lines(recipe.inputs[key], key, indent)

    return lines(root, "", "")


def _fate(recipe: Recipe, store: Store) -> str:
    """When and where it was built, and whether from what lies in the store now."""
    manifest = store.peek(recipe.digest)
    if manifest is None:
        return "not in the store"
    age = span(time.time() - datetime.fromisoformat(manifest.when).timestamp())
    text = (
        f"built {age} ago in {span(manifest.seconds)} by {clean(manifest.runner)} on {clean(manifest.device)}, "
        f"{size(manifest.bytes)} in {len(manifest.files)} file{'s' * (len(manifest.files) != 1)}"
    )
    for name, content in sorted(manifest.inputs.items()):
        now = store.peek(recipe.inputs[name].digest) if name in recipe.inputs else None
        if now is not None and now.content != content:
            text += f"; from another build of {clean(name)} than the one in the store"
    return text


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """``("subject.name", "organism")``: nested dicts as dotted keys; lists are values."""
    if isinstance(value, Mapping) and value:
        for name in sorted(value):
            yield from leaves(value[name], f"{key}.{name}" if key else name)
    elif key:
        yield key, value


def traits(recipe: Recipe, at: str = "") -> Iterator[tuple[str, Any]]:
    """Everything that the digest depends on, as flat pairs."""
    yield f"{at}builder", recipe.build
    yield f"{at}version", recipe.version
    for key, value in leaves(recipe.params):
        yield f"{at}{key}", value
    for name in sorted(recipe.inputs):
        yield from traits(recipe.inputs[name], f"{at}{name} > ")


def nearest(recipe: Recipe, entries: Sequence[Entry]) -> tuple[Recipe, list[tuple[str, Any, Any]]] | None:
    """The artifact of the same builder with the fewest differences: ``(trait, here, there)`` each."""
    best: tuple[Recipe, list[tuple[str, Any, Any]]] | None = None
    here = dict(traits(recipe))
    for entry in entries:
        if entry.manifest is None or entry.digest == recipe.digest:
            continue
        if entry.manifest.recipe["recipes"][entry.digest]["build"] != recipe.build:
            continue
        other = Recipe.from_json(entry.manifest.recipe)
        there = dict(traits(other))
        found = [(k, here.get(k), there.get(k)) for k in sorted({*here, *there}) if here.get(k) != there.get(k)]
        if best is None or len(found) < len(best[1]):
            best = other, found
    return best


def difference(recipe: Recipe, store: Store) -> Iterator[str]:
    """Lines about the nearest relative, if there is one."""
    near = nearest(recipe, list(store.entries()))
    if near is None:
        yield f"nothing else in the store was built by {recipe.build}"
        return
    other, found = near
    yield f"nearest relative: {clean(other.name)}  {other.digest[:SHORT]}, which has"
    for key, here, there in found:
        yield f"  {clean(key)} = {clean(_short(there))}  (here {clean(_short(here))})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:60]}... ({len(text)} characters)"
