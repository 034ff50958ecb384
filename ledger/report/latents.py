"""Latents: the latent cards behind the rows of a run, as many as a page can carry, chosen by a rule that it states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from ..artifact_files import UNREADABLE, ArtifactFiles, artifacts_here, digests
from ..cards import FOLDER
from ..errors import LedgerError
from ..home import command
from .latent_card import card_record
from .neighbours import Neighbours
from .packed_windows import PackedWindows
from .private import without_secrets
from .selectivity import Selectivity, coder_of

MOST = 200
"""Cards in a page; about 0.8 MB with 20 contexts of 48 tokens each."""
_NAME = re.compile(rf"{FOLDER}/(\d{{1,12}})\.json")


@dataclass(frozen=True)
class Shelf:
    """An artifact with cards.

    Attributes:
        rows: places of the rows that name it.
        latents: that have a card, in the order in which they were registered: by index.
    """

    artifact: ArtifactFiles
    rows: list[int]
    latents: list[int]

    @property
    def label(self) -> str:
        """What its recipe calls it."""
        try:
            recipe = self.artifact.manifest["recipe"]
            return str(recipe["recipes"][recipe["root"]]["label"])
        except UNREADABLE:
            return f"artifact {self.artifact.digest[:12]}"


def latents(rows: Sequence[Mapping[str, Any]], run: str, store: Path | None) -> dict[str, Any] | None:
    """The cards of the artifacts that ``rows`` name; None where they name none, or none with cards and all are here.

    Where there are more than ``MOST``, every artifact gives equally many, evenly spaced in the order in which its
    latents were registered: never by what is on the cards.

    Args:
        rows: in the order of the page.
        run: id, for the commands that show the other cards.
        store: None stands for a machine without artifacts.

    Returns:
        ``cards`` (:func:`.latent_card.card_record`, ``shelf``; ``rows`` where other artifacts have it too, ``near`` where its
        neighbours are known),
        ``shelves`` (``artifact``, ``label``, ``rows``, ``cards``: how many there are, ``more``: a command for one that
        is left out), ``windows``, ``notes`` (how they were chosen), ``damaged`` (what could not be used).
    """
    naming: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        for digest in digests(row):
            naming.setdefault(digest, []).append(at)
    here = {a.digest: a for row in rows for a in artifacts_here(row, store)} if store else {}
    damaged: list[str] = []
    shelves = list(_shelves(here.values(), naming, damaged))
    absent = len(naming) - len(here)
    if not (shelves or absent or damaged):
        return None
    windows, cards = PackedWindows(), []
    sizes = quotas([len(s.latents) for s in shelves], MOST)
    for place, (shelf, size) in enumerate(zip(shelves, sizes, strict=True)):
        for latent in spread(shelf.latents, size):
            try:
                card = card_record(shelf.artifact.json(f"{FOLDER}/{latent}.json"), windows)
                if card["latent"] != latent:
                    raise ValueError(f"the card of latent {card['latent']}")
                cards.append({**card, "shelf": place})
            except (LedgerError, *UNREADABLE) as exc:
                damaged.append(_complaint(shelf.artifact, f"{FOLDER}/{latent}.json", exc))
    _add_what_others_know(cards, shelves, here.values())
    total = sum(len(s.latents) for s in shelves)
    return {
        "cards": cards,
        "shelves": [
            _shelf(s, {c["latent"] for c in cards if c["shelf"] == k}, rows, run) for k, s in enumerate(shelves)
        ],
        "windows": windows.content(),
        "notes": list(_notes(len(cards), total, absent, len(naming))),
        "damaged": damaged,
    }


def _notes(shown: int, total: int, absent: int, named: int) -> Iterator[str]:
    if total:
        yield f"{shown} of {total:,} latent cards are in this page." + (
            " Each artifact gives equally many, evenly spaced in the order of their index, whatever is on them."
            if total > MOST
            else ""
        )
    if absent:
        yield (
            f"{absent} of the {named} artifacts that rows name are not on the machine that made this page: "
            "cards in them are missing here."
        )


def _shelf(shelf: Shelf, shown: set[int], rows: Sequence[Mapping[str, Any]], run: str) -> dict[str, Any]:
    claim = rows[shelf.rows[0]]["claim"]
    left = next((latent for latent in shelf.latents if latent not in shown), None)
    more = None if left is None else f"{command()} show {quote(claim)} {quote(run)} --unit {left}"
    label = without_secrets(shelf.label)
    return {
        "artifact": shelf.artifact.digest,
        "label": label,
        "rows": shelf.rows,
        "cards": len(shelf.latents),
        "more": more,
    }


def _add_what_others_know(
    cards: list[dict[str, Any]], shelves: Sequence[Shelf], artifacts: Iterable[ArtifactFiles]
) -> None:
    """To each card, where its coder is known: the rows of every artifact with its latent, selectivity, neighbours."""
    coders = {c["shelf"]: coder_of(shelves[c["shelf"]].artifact, c["coder"]) for c in reversed(cards)}
    selectivity, neighbours = Selectivity(artifacts), Neighbours(artifacts)
    for card in cards:
        mine = coders[card["shelf"]]
        if mine is None:
            continue
        alike = [shelves[k] for k, other in coders.items() if other == mine and card["latent"] in shelves[k].latents]
        if len(alike) > 1:
            card["rows"] = sorted({at for shelf in alike for at in shelf.rows})
        card["own"] += selectivity.facts(mine, card["latent"])
        if near := neighbours.near(mine, card["latent"]):
            card["near"] = near


def quotas(sizes: Sequence[int], most: int) -> list[int]:
    """How many each gives, at most ``most`` in all: equally many, and what a small one cannot give, the others do."""
    given = [0] * len(sizes)
    for rank, k in enumerate(sorted(range(len(sizes)), key=lambda k: (sizes[k], -k))):
        given[k] = min(sizes[k], most // (len(sizes) - rank))
        most -= given[k]
    return given


def spread(items: Sequence[int], n: int) -> list[int]:
    """``n`` of them, evenly spaced, the first one included."""
    return [items[i * len(items) // n] for i in range(n)]


def _shelves(
    artifacts: Iterable[ArtifactFiles], naming: Mapping[str, list[int]], damaged: list[str]
) -> Iterator[Shelf]:
    for artifact in artifacts:
        try:
            names = artifact.names
        except LedgerError as exc:
            damaged.append(_complaint(artifact, "manifest.json", exc))
            continue
        found = sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)
        if found:
            yield Shelf(artifact, naming[artifact.digest], found)


def _complaint(artifact: ArtifactFiles, name: str, error: Exception) -> str:
    """What is wrong with it, named once."""
    text = str(error) if isinstance(error, ValueError | LedgerError) else f"not a card ({type(error).__name__})"
    for called in (f"{name} of artifact {artifact.digest}", f"artifact {artifact.digest}"):
        text = text.replace(called, "it")
    return f"{name} of artifact {artifact.digest[:12]}: {text}"
