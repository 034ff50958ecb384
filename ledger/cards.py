"""Cards: the latent cards behind a row, found in the store by the digests of its artifacts, and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .artifact_files import UNREADABLE, ArtifactFiles, artifacts_here
from .errors import LedgerError
from .text import clean

FOLDER, SCHEMA = "cards", 1
_UNIT = re.compile(r"(?:(?P<coder>.*\S)\s+)?(?P<latent>\d{1,12})", re.DOTALL)


@dataclass(frozen=True)
class Card:
    """One latent as one artifact has it.

    Attributes:
        artifact: digest of the artifact that it lies in.
        content: what ``mi.autointerp.cards`` wrote.
    """

    artifact: str
    content: Mapping[str, Any]


def card_units(row: Mapping[str, Any], store: Path) -> list[str]:
    """Latents with a card among the artifacts of a row, as ids for ``--unit``; empty where there are none here."""
    found = {p.stem for a in artifacts_here(row, store) for p in (a.home / "files" / FOLDER).glob("*.json")}
    return sorted(filter(str.isdecimal, found), key=int)


def find_cards(rows: Iterable[Mapping[str, Any]], unit: str, store: Path) -> list[Card]:
    """The cards of a unit (``"sae 12"``, or the latent's index alone), one for each artifact that has one.

    Raises:
        LedgerError: the artifacts are not in this store, none has cards, none has this card, or it was altered.
    """
    rows = list(rows)
    if " ~ " in unit:  # a pair of latents has two cards
        return [card for part in unit.split(" ~ ") for card in find_cards(rows, part, store)]
    wanted = _UNIT.fullmatch(unit.strip())
    if wanted is None:
        raise LedgerError(f"--unit {clean(unit)!r}: expected the id of a latent, such as 12 or 'sae 12'")
    here = {a.digest: a for row in rows for a in artifacts_here(row, store)}
    shelves = {digest: a for digest, a in here.items() if (a.home / "files" / FOLDER).is_dir()}
    if not shelves:
        raise LedgerError(_nothing_here(rows, here, store))
    name = str(int(wanted["latent"]))
    read = [Card(digest, _read(a, name)) for digest, a in shelves.items() if _path(a.home, name).is_file()]
    coder = wanted["coder"] and wanted["coder"].rpartition(" ")[2]  # before it, how a copy was randomised
    found = [c for c in read if coder in (None, c.content["coder"])]
    if not found:
        raise LedgerError(_no_such_card(unit, name, shelves, [str(c.content["coder"]) for c in read]))
    return found


def _path(home: Path, latent: str) -> Path:
    return home / "files" / FOLDER / f"{latent}.json"


def _read(artifact: ArtifactFiles, latent: str) -> dict[str, Any]:
    """A card, byte for byte as its artifact's manifest has it."""
    name = f"{FOLDER}/{latent}.json"
    card = artifact.json(name)
    try:
        if card["schema"] != SCHEMA or not isinstance(card["coder"], str):
            raise LedgerError(f"{name}: a card of schema {card['schema']!r}, this version reads {SCHEMA}")
    except UNREADABLE as exc:
        raise LedgerError(f"{name} of artifact {artifact.digest}: not a card ({type(exc).__name__})") from None
    found: dict[str, Any] = card
    return found


def _nothing_here(rows: list[Mapping[str, Any]], here: Mapping[str, ArtifactFiles], store: Path) -> str:
    digests = list(dict.fromkeys(d for row in rows for d in row.get("artifacts") or ()))
    if not digests:
        return "this row names no artifacts: it was judged on plain numbers, which have no cards"
    absent = [str(d)[:12] for d in digests if d not in here]
    if not absent:
        return f"none of its {len(digests)} artifacts has cards; claims about interpreted latents have"
    return (
        f"{len(absent)} of its {len(digests)} artifacts are not in the store {store} ({clean(', '.join(absent[:6]))}), "
        "evicted or built on another machine. Name the store that has them (--store DIR), or run the test again"
    )


def _no_such_card(unit: str, latent: str, shelves: Mapping[str, ArtifactFiles], others: list[str]) -> str:
    if others:
        return f"--unit {clean(unit)!r}: latent {latent} has cards of {clean(', '.join(sorted(set(others))))} only"
    why = next((w for w in (_why_not(a, latent) for a in shelves.values()) if w), "")
    known = sorted({int(p.stem) for a in shelves.values() for p in _path(a.home, "*").parent.glob("*.json")})
    some = ", ".join(map(str, known[:12])) + (", …" if len(known) > 12 else "")
    return f"latent {latent} has no card{f': {why}' if why else ''}. There are {len(known)}: {some}"


def _why_not(artifact: ArtifactFiles, latent: str) -> str:
    """What the table beside the cards knows of a latent without one."""
    try:
        table = artifact.json("units.json")
        at = [str(u).rpartition(" ")[2] for u in table["units"]].index(latent)
        if table["columns"]["dead"][at]:
            return "it never fired on the training texts"
        return "" if table["columns"]["scored"][at] else "it was registered and not scored: it fires in too few windows"
    except (LedgerError, *UNREADABLE):
        return ""
