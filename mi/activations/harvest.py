"""harvest: what a model has at some sites for every scored token of some texts, in shards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..progress import Bar, Progress
from ..refusal import Refusal
from ..texts import Texts, text_hash
from .index import facts_of, finish, finished_shards, plan_of, write_json
from .parts import PART, WHOLE, part_of, pieces

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
    part: int = 0,
    parts: int = 1,
) -> dict[str, Any]:
    """Builder: one forward pass a batch for all sites, and no further than the last of them.

    Rows are scored tokens (never padding, BOS or another special token), document after document in the texts'
    order, whatever the batches. Memory is bounded by a shard. After an interruption it goes on behind the last whole
    shard, and ends with the same bytes.

    Args:
        out: holds earlier shards after an interruption.
        progress: counts rows if ``max_rows`` is given, else documents; for a part, the documents that it counts first.
        texts: text artifact.
        subject: spec.
        sites: what to read.
        max_length: tokens a document, BOS included; longer ones are cut.
        max_rows: stop after the document with which there are so many; None: all documents.
        batch_size: a batch has as many tokens as so many documents of ``max_length``.
        dtype: of what is stored.
        shard_rows: a shard ends with the document with which it has so many rows.
        gates: a finished ``mi.subjects.gates:build`` of this subject; refused if it was another, or other sites.
        part, parts: make part ``part`` (from 0) only, for :func:`mi.activations.merge.merge`. Shards are dealt out
            whole and evenly; each part tokenizes all texts to see where they end, and runs its own.

    Returns:
        ``rows, documents, excluded, truncated, repeated, tokens, shards``, of the part if it is one.

    Raises:
        Refusal: activations that are not finite (with site and document), no scored token at all, gates of something
            else, more parts than shards, or a document that has other rows when it is run again alone.
    """
    from ..subjects.load import load_subject
    from .shard_writer import ShardWriter
    from .spot_check import spot_check

    if dtype not in DTYPES or not sites or min(shard_rows, batch_size) < 1 or not 0 <= part < parts:
        raise Refusal(
            f"dtype={dtype!r}, sites={sites}, shard_rows={shard_rows}, batch_size={batch_size}, {part=}, {parts=}",
            f"one of {', '.join(DTYPES)}, at least one site, positive sizes, parts numbered from 0",
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
    loaded, plan = load_subject(subject), plan_of(settings)
    mine = WHOLE
    if parts > 1:
        with progress(f"count tokens for {subject['name']}", sum(1 for _ in source), "documents") as bar:
            counted = _counted(_tokenized(source, loaded, max_length, 0), bar)
            mine = part_of(pieces(counted, shard_rows, max_rows), part, parts)
    shards = finished_shards(out, plan, mine.first, mine.line)
    barren = mine.barren
    total = (mine.rows or max_rows) if max_rows else (mine.lines or sum(1 for _ in source))
    with progress(f"harvest {subject['name']}", total, "rows" if max_rows else "documents") as bar:
        for shard in shards:
            bar.update(shard.rows if max_rows else shard.stop - shard.start)
        rest = _tokenized(source, loaded, max_length, shards[-1].stop if shards else mine.line)
        more = pieces(rest, shard_rows, max_rows, mine.rows_before + sum(s.rows for s in shards))
        for piece in islice(more, None if mine.stop is None else mine.stop - mine.first - len(shards)):
            if all(row is None for _, _, row in piece):
                barren = len(piece)
                break
            writer = ShardWriter(out, loaded, sites, dtype, batch_size * max_length)
            first = mine.documents_before + sum(len(s.documents) for s in shards)
            shards.append(writer.write(mine.first + len(shards), first, piece, plan, bar, bool(max_rows)))
    facts = facts_of(shards, barren)
    spot_check(out, shards, mine.first, source, loaded, settings)
    if parts == 1:
        finish(out, shards, settings, loaded.tokenizer_digest, barren)
    else:
        about = {"settings": settings, "tokenizer": loaded.tokenizer_digest, "part": part, "parts": parts}
        about |= {"first": mine.first, "stop": mine.stop, "shards": mine.shards, "barren": barren}
        write_json(out / PART, about)
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


def _counted(rest: Iterator[Planned], bar: Bar) -> Iterator[Planned]:
    for planned in rest:
        bar.update(1)
        yield planned


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
