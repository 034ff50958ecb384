"""harvest: what a model has at some sites for every scored token of some texts, in shards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..progress import Progress
from ..refusal import Refusal
from ..texts import Texts, text_hash
from .index import (
    DOCUMENTS,
    DOMAINS,
    HASHES,
    INDEX,
    Shard,
    finished_shards,
    shard_file,
    write_json,
)

if TYPE_CHECKING:
    from ..subjects.subject import Subject
    from .shard_writer import Planned

DTYPES = ("float32", "float16", "bfloat16")
AT_ONCE = 256  # documents tokenized together


def harvest(
    out: Path,
    *,
    progress: Progress,
    texts: Path,
    subject: dict[str, Any],
    sites: list[str],
    max_length: int = 128,
    max_rows: int | None = None,
    batch_size: int = 32,
    dtype: str = "float32",
    shard_rows: int = 65536,
    gates: Path | None = None,
) -> dict[str, Any]:
    """Builder: one forward pass a batch for all sites, and no further than the last of them.

    Rows are scored tokens (never padding, BOS or another special token), document after document in the texts'
    order, whatever the batches. Memory is bounded by a shard. After an interruption it goes on behind the last whole
    shard, and ends with the same bytes.

    Args:
        out: holds earlier shards after an interruption.
        progress: counts rows if ``max_rows`` is given, else documents.
        texts: text artifact.
        subject: spec.
        sites: what to read.
        max_length: tokens a document, BOS included; longer ones are cut.
        max_rows: stop after the document with which there are so many; None: all documents.
        batch_size: a batch has as many tokens as so many documents of ``max_length``.
        dtype: of what is stored.
        shard_rows: a shard ends with the document with which it has so many rows.
        gates: a finished ``mi.subjects.gates:build`` of this subject; refused if it was another, or other sites.

    Returns:
        ``rows, documents, excluded, truncated, repeated, tokens, shards``.

    Raises:
        Refusal: activations that are not finite (with site and document), no scored token at all, gates of something
            else, or a document that has other rows when it is run again alone.
    """
    from ..subjects.load import load_subject
    from .shard_writer import ShardWriter
    from .spot_check import spot_check

    if dtype not in DTYPES or not sites or shard_rows < 1 or batch_size < 1:
        raise Refusal(
            f"dtype={dtype!r}, sites={sites}, shard_rows={shard_rows}, batch_size={batch_size}",
            f"one of {', '.join(DTYPES)}, at least one site, positive sizes",
            "Correct the recipe.",
        )
    sites = list(dict.fromkeys(sites))
    if gates is not None:
        require_gates(gates, subject, sites)
    source = Texts(texts)
    settings = {
        "format": 1,
        "subject": subject,
        "sites": sites,
        "max_length": max_length,
        "max_rows": max_rows,
        "batch_size": batch_size,
        "dtype": dtype,
        "shard_rows": shard_rows,
        "texts": source.digest,
    }
    plan = sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    shards = finished_shards(out, plan)
    total = max_rows or sum(1 for _ in source)
    with progress(f"harvest {subject['name']}", total, "rows" if max_rows else "documents") as bar:
        for shard in shards:
            bar.update(shard.rows if max_rows else shard.stop - shard.start)
        loaded, barren = load_subject(subject), 0
        rest = _tokenized(source, loaded, max_length, shards[-1].stop if shards else 0)
        while max_rows is None or sum(s.rows for s in shards) < max_rows:
            room = shard_rows if max_rows is None else min(shard_rows, max_rows - sum(s.rows for s in shards))
            part = _take(rest, room)
            if all(row is None for _, _, row in part):
                barren = len(part)
                break
            writer = ShardWriter(out, loaded, sites, dtype, batch_size * max_length)
            first = sum(len(s.documents) for s in shards)
            shards.append(writer.write(len(shards), first, part, plan, bar, bool(max_rows)))
    facts = _finish(out, shards, settings, loaded, barren)
    spot_check(out, source, loaded)
    return facts


harvest.resumable = True  # type: ignore[attr-defined]


def _tokenized(source: Texts, subject: Subject, max_length: int, start: int) -> Iterator[Planned]:
    lines = islice(enumerate(source), start, None)
    while chunk := list(islice(lines, AT_ONCE)):
        texts = [document["text"] for _, document in chunk]
        length = min(max_length, subject.context)
        for (line, document), row in zip(chunk, subject.vocabulary.rows(texts, length), strict=True):
            kept = {"id": document["id"], "domain": document["domain"], "hash": text_hash(document["text"])}
            yield line, kept, row


def _take(rest: Iterator[Planned], rows: int) -> list[Planned]:
    part: list[Planned] = []
    count = 0
    while count < rows and (planned := next(rest, None)) is not None:
        part.append(planned)
        count += 0 if planned[2] is None else sum(planned[2].scored)
    return part


def _finish(out: Path, shards: list[Shard], settings: dict[str, Any], subject: Subject, barren: int) -> dict[str, Any]:
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
    index = {
        **settings,
        **facts,
        "sites": _widths(shard_file(out, 0), settings["sites"]),
        "rows": [s.rows for s in shards],
        "sha256": [s.sha256 for s in shards],
        "tokenizer": subject.tokenizer_digest,
    }
    for name, value in (
        (DOCUMENTS, documents),
        (DOMAINS, [domain for shard in shards for domain in shard.domains]),
        (HASHES, hashes),
        (INDEX, index),
    ):
        write_json(out / name, value)
    return facts


def _widths(path: Path, sites: Sequence[str]) -> dict[str, int]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {site: int(file.get_slice(site).get_shape()[1]) for site in sites}


def require_gates(gates: Path, subject: dict[str, Any], sites: Sequence[str]) -> None:
    """Refuse gates of another subject, or gates that did not look at these sites.

    Raises:
        Refusal: either.
    """
    found = json.loads((gates / "gates.json").read_text("utf-8"))
    other = [key for key in subject if found["subject"].get(key) != subject[key]]
    missing = [site for site in sites if site not in found["sites"]]
    if other or missing:
        what = f"gates of another subject (its {', '.join(other)} differ)" if other else f"gates without {missing[0]}"
        raise Refusal(what, "gates of this subject and these sites", "Make both recipes from one spec.")
