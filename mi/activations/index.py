"""The files of an activation artifact: their names, their index, and what makes a shard whole. No heavy imports."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

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


def finished_shards(out: Path, plan: str) -> list[Shard]:
    """The leading shards of an interrupted harvest that are whole and of this plan; anything else is removed."""
    found: list[Shard] = []
    while True:
        shard = _read_shard(out, len(found), plan)
        if shard is None or shard.start != (found[-1].stop if found else 0):
            break
        found.append(shard)
    kept = {name for n in range(len(found)) for name in (shard_file(out, n).name, shard_file(out, n).stem + ".json")}
    for path in out.glob("*"):
        if path.is_file() and path.name not in kept:
            path.unlink()
    return found


def _read_shard(out: Path, number: int, plan: str) -> Shard | None:
    path = shard_file(out, number)
    try:
        shard = Shard(**json.loads(path.with_suffix(".json").read_text("utf-8")))
        whole = shard.plan == plan and file_sha256(path) == shard.sha256
    except (OSError, ValueError, TypeError):
        return None
    return shard if whole else None


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
