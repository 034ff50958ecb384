"""The files of an activation artifact: their names, their index, and what makes a shard whole. No heavy imports."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..refusal import Refusal

INDEX, DOCUMENTS, DOMAINS, HASHES = "index.json", "documents.json", "domains.json", "text_hashes.json"
KEYS = ("document", "position", "token")


@dataclass(frozen=True)
class Shard:
    """What is known of one shard; kept beside it, so that an interrupted harvest can go on.

    Attributes:
        plan: digest of everything that decides the shard's contents.
        start, stop: lines of the text artifact that it covers.
        rows: scored tokens in it.
        sha256: of the file.
        documents, domains, hashes: of the documents that have rows, in order.
        excluded: documents in which nothing is scored.
        truncated: documents that were cut at the maximal length.
        tokens: tokens that were fed, BOS included.
    """

    plan: str
    start: int
    stop: int
    rows: int
    sha256: str
    documents: list[str]
    domains: list[str]
    hashes: list[str]
    excluded: int
    truncated: int
    tokens: int


def shard_file(out: Path, number: int) -> Path:
    """Where shard ``number`` is."""
    return out / f"shard-{number:05d}.safetensors"


def write_shard_record(out: Path, number: int, shard: Shard) -> None:
    """Write what is known of a shard beside it; a shard counts from then on."""
    write_json(shard_file(out, number).with_suffix(".json"), asdict(shard))


def plan_of(settings: Mapping[str, Any]) -> str:
    """Digest of everything that decides a shard's contents."""
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def finished_shards(out: Path, plan: str, first: int = 0, line: int = 0) -> list[Shard]:
    """The leading shards of an interrupted harvest that are whole and of this plan; anything else is removed.

    ``first`` is the number of its first shard, ``line`` where that begins.
    """
    found: list[Shard] = []
    while True:
        shard = read_record(out, first + len(found))
        if shard is None or shard.start != (found[-1].stop if found else line) or shard.plan != plan:
            break
        if not _whole(shard_file(out, first + len(found)), shard):
            break
        found.append(shard)
    numbers = range(first, first + len(found))
    kept = {name for n in numbers for name in (shard_file(out, n).name, shard_file(out, n).stem + ".json")}
    for path in out.glob("*"):
        if path.is_file() and path.name not in kept:
            path.unlink()
    return found


def read_record(out: Path, number: int) -> Shard | None:
    """What is known of a shard, or None."""
    try:
        return Shard(**json.loads(shard_file(out, number).with_suffix(".json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _whole(path: Path, shard: Shard) -> bool:
    try:
        return file_sha256(path) == shard.sha256
    except OSError:
        return False


def facts_of(shards: Sequence[Shard], barren: int) -> dict[str, Any]:
    """``rows, documents, excluded, truncated, repeated, tokens, shards``; ``barren`` documents follow the last shard.

    Raises:
        Refusal: no shard, or a document id twice.
    """
    documents = [name for shard in shards for name in shard.documents]
    hashes = [value for shard in shards for value in shard.hashes]
    facts = {
        "rows": sum(s.rows for s in shards),
        "documents": len(documents),
        "excluded": sum(s.excluded for s in shards) + barren,
        "truncated": sum(s.truncated for s in shards),
        "repeated": len(hashes) - len(set(hashes)),
        "tokens": sum(s.tokens for s in shards),
        "shards": len(shards),
    }
    if not shards:
        raise Refusal(f"texts in which nothing is scored ({facts['excluded']} left out)", "some tokens", "Other texts.")
    if len(set(documents)) != len(documents):
        raise Refusal("a document id twice", "one document per id", "Number the documents.")
    return facts


def finish(
    out: Path, shards: Sequence[Shard], settings: Mapping[str, Any], tokenizer: str, barren: int
) -> dict[str, Any]:
    """Write the index and the lists beside it, and return :func:`facts_of`."""
    facts = facts_of(shards, barren)
    index = {
        **settings,
        **facts,
        "sites": _widths(shard_file(out, 0), settings["sites"]),
        "rows": [s.rows for s in shards],
        "sha256": [s.sha256 for s in shards],
        "tokenizer": tokenizer,
    }
    for name, value in (
        (DOCUMENTS, [name for shard in shards for name in shard.documents]),
        (DOMAINS, [domain for shard in shards for domain in shard.domains]),
        (HASHES, [value for shard in shards for value in shard.hashes]),
        (INDEX, index),
    ):
        write_json(out / name, value)
    return facts


def _widths(path: Path, sites: Sequence[str]) -> dict[str, int]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {site: int(file.get_slice(site).get_shape()[1]) for site in sites}


def write_json(path: Path, value: Any) -> None:
    """Write at once: the file is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    os.replace(part, path)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
