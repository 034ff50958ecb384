"""Artifact trees: what each row rests on and what that was made from, as text, every artifact and every tree once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..origin import Branch, Origin, facts_of, name_of, tree
from ..ruling import Ruling
from .island import pack

DEEPEST = 20
"""Levels of a tree; what lies deeper is listed at the last one. A browser cannot lay out thousands of nested lists."""
MOST = 500
"""Artifacts that are listed for one row."""


def artifact_trees(known: Mapping[str, Origin], found: Sequence[Ruling]) -> dict[str, Any]:
    """The trees of rows for the island.

    Args:
        known: origins by digest (:func:`ledger.origin.origins`).

    Returns:
        ``{"named": packed, "trees": [tree], "of": [place or None]}``. ``named`` are the artifacts, packed, with
        those of ``known`` first: ``digest``, ``name`` as it is shown, ``facts`` as text and, where the origin is known,
        ``label``, ``where`` it was built and ``seconds`` (None where not told). A tree is ``{"branches":
        [[place in named, depth, [place in named of an input that is listed elsewhere]]], "left": artifacts that are not
        listed}``. ``of`` has a place in ``trees`` for each of ``found``.
    """
    places: dict[str, int] = {}
    named: list[dict[str, Any]] = []

    def place(digest: str) -> int:
        if digest not in places:
            places[digest] = len(named)
            named.append(_named(digest, known.get(digest)))
        return places[digest]

    for digest in known:
        place(digest)

    def drawn(branches: Sequence[Branch]) -> dict[str, Any]:
        shown = branches[:MOST]
        lines = [[place(b.digest), min(b.depth, DEEPEST), [place(d) for d in b.also]] for b in shown]
        return {"branches": lines, "left": len(branches) - len(shown)}

    trees: dict[tuple[str, ...], int] = {}
    made: list[dict[str, Any]] = []
    of: list[int | None] = []
    for ruling in found:
        wanted = tuple(map(str, ruling.row.get("artifacts") or ()))
        if wanted and wanted not in trees:
            trees[wanted] = len(made)
            made.append(drawn(tree(known, wanted)))
        of.append(trees[wanted] if wanted else None)
    return {"named": pack(named), "trees": made, "of": of}


def _named(digest: str, about: Origin | None) -> dict[str, Any]:
    said = {"digest": digest, "name": name_of(digest), "facts": " · ".join(facts_of(digest, about))}
    if about is None:
        return said
    where = " on ".join(about[k] for k in ("runner", "device") if k in about)
    return {**said, "label": about["label"], "seconds": about.get("seconds"), "where": where}
