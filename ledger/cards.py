"""Cards: the latent cards behind a row, found in the store by the digests of its artifacts, and checked."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import LedgerError
from .text import clean

# As in runners/place.py and runners/store.py, which the court does not import.
VARIABLE, STORE, LAYOUT = "MI_ASSAY_STORE", ".store", "v1"
FOLDER, SCHEMA = "cards", 1
_DIGEST = re.compile("[0-9a-f]{64}")
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


def store_folder(root: Path, named: Path | None = None) -> Path:
    """The store that was named, or ``$MI_ASSAY_STORE``, or ``.store`` in ``root``."""
    return named or Path(os.environ.get(VARIABLE) or root / STORE)


def card_units(row: Mapping[str, Any], store: Path) -> list[str]:
    """Latents with a card among the artifacts of a row, as ids for ``--unit``; empty where there are none here."""
    found = {p.stem for home in _homes(row, store) for p in (home / "files" / FOLDER).glob("*.json")}
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
    homes = {home.name: home for row in rows for home in _homes(row, store)}
    shelves = {digest: home for digest, home in homes.items() if (home / "files" / FOLDER).is_dir()}
    if not shelves:
        raise LedgerError(_nothing_here(rows, homes, store))
    name = str(int(wanted["latent"]))
    read = [Card(digest, _read(home, name)) for digest, home in shelves.items() if _path(home, name).is_file()]
    coder = wanted["coder"] and wanted["coder"].rpartition(" ")[2]  # before it, how a copy was randomised
    found = [c for c in read if coder in (None, c.content["coder"])]
    if not found:
        raise LedgerError(_no_such_card(unit, name, shelves, [str(c.content["coder"]) for c in read]))
    return found


def _homes(row: Mapping[str, Any], store: Path) -> Iterator[Path]:
    """Folders of the row's artifacts that are in the store."""
    for digest in row.get("artifacts") or ():
        if isinstance(digest, str) and _DIGEST.fullmatch(digest):
            home = store / LAYOUT / "artifacts" / digest[:2] / digest
            if home.is_dir():
                yield home


def _path(home: Path, latent: str) -> Path:
    return home / "files" / FOLDER / f"{latent}.json"


def _read(home: Path, latent: str) -> dict[str, Any]:
    """A card, byte for byte as its artifact's manifest has it."""
    path = _path(home, latent)
    try:
        raw = path.read_bytes()
        kept = json.loads((home / "manifest.json").read_text("utf-8"))["files"][f"{FOLDER}/{latent}.json"]["sha256"]
        if hashlib.sha256(raw).hexdigest() != kept:
            raise LedgerError(f"{path}: altered since it was built; run the test again, the store will mend it")
        card = json.loads(raw)
        if card["schema"] != SCHEMA or not isinstance(card["coder"], str):
            raise LedgerError(f"{path}: a card of schema {card['schema']!r}, this version reads {SCHEMA}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise LedgerError(f"{path}: not a card ({type(exc).__name__})") from None
    found: dict[str, Any] = card
    return found


def _nothing_here(rows: list[Mapping[str, Any]], homes: Mapping[str, Path], store: Path) -> str:
    digests = list(dict.fromkeys(d for row in rows for d in row.get("artifacts") or ()))
    if not digests:
        return "this row names no artifacts: it was judged on plain numbers, which have no cards"
    absent = [str(d)[:12] for d in digests if d not in homes]
    if not absent:
        return f"none of its {len(digests)} artifacts has cards; claims about interpreted latents have"
    return (
        f"{len(absent)} of its {len(digests)} artifacts are not in the store {store} ({clean(', '.join(absent[:6]))}), "
        "evicted or built on another machine. Name the store that has them (--store DIR), or run the test again"
    )


def _no_such_card(unit: str, latent: str, shelves: Mapping[str, Path], others: list[str]) -> str:
    if others:
        return f"--unit {clean(unit)!r}: latent {latent} has cards of {clean(', '.join(sorted(set(others))))} only"
    why = next((w for w in (_why_not(home, latent) for home in shelves.values()) if w), "")
    known = sorted({int(p.stem) for home in shelves.values() for p in _path(home, "*").parent.glob("*.json")})
    some = ", ".join(map(str, known[:12])) + (", …" if len(known) > 12 else "")
    return f"latent {latent} has no card{f': {why}' if why else ''}. There are {len(known)}: {some}"


def _why_not(home: Path, latent: str) -> str:
    """What the table beside the cards knows of a latent without one."""
    try:
        table = json.loads((home / "files" / "units.json").read_text("utf-8"))
        at = [str(u).rpartition(" ")[2] for u in table["units"]].index(latent)
        if table["columns"]["dead"][at]:
            return "it never fired on the training texts"
        return "" if table["columns"]["scored"][at] else "it was registered and not scored: it fires in too few windows"
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return ""
