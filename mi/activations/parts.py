"""Parts of a harvest: where shards end, and which of them one of several workers makes. No heavy imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..refusal import Refusal

if TYPE_CHECKING:
    from .shard_writer import Planned

PART = "part.json"
"""Beside the shards of a part, in place of an index: a part is no harvest, and is not read as one."""


@dataclass(frozen=True)
class Part:
    """Whole shards of one harvest, as they would come if one worker made all of them.

    Attributes:
        first, stop: numbers of its first shard and of the one behind its last; None: to the end.
        line: of the texts, at which it begins.
        lines, rows: how many it has.
        rows_before, documents_before: in the shards before; only documents with rows count.
        shards: of the whole harvest.
        barren: documents behind the last shard, in which nothing is scored; 0 in every part but the last.
    """

    first: int = 0
    stop: int | None = None
    line: int = 0
    lines: int = 0
    rows: int = 0
    rows_before: int = 0
    documents_before: int = 0
    shards: int = 0
    barren: int = 0


WHOLE = Part()


def pieces(rest: Iterator[Planned], shard_rows: int, max_rows: int | None, rows: int = 0) -> Iterator[list[Planned]]:
    """Documents of one shard after another; ``rows`` are in the shards before. The last piece may have no row.

    A shard ends with the document with which it has ``shard_rows`` rows, or all of them ``max_rows``.
    """
    while max_rows is None or rows < max_rows:
        piece, count = [], 0
        room = shard_rows if max_rows is None else min(shard_rows, max_rows - rows)
        while count < room and (planned := next(rest, None)) is not None:
            piece.append(planned)
            count += 0 if planned[2] is None else sum(planned[2].scored)
        if not piece:
            return
        yield piece
        rows += count


def part_of(every: Iterable[list[Planned]], part: int, parts: int) -> Part:
    """Part number ``part`` of ``parts``, which share the shards evenly.

    ``every``: all :func:`pieces` of the whole harvest. Where a shard ends is known from tokens alone, so each worker
    counts them, runs the model on its own shards only, and no row is made that the whole would not have.

    Raises:
        Refusal: fewer shards than parts.
    """
    found, barren = [(0, 0, 0)], 0  # line, rows and documents before each shard, and behind the last
    for piece in every:
        scored = [sum(row.scored) for _, _, row in piece if row is not None]
        line, rows, documents = found[-1]
        if scored:
            found.append((piece[-1][0] + 1, rows + sum(scored), documents + len(scored)))
        else:
            barren = len(piece)
    shards = len(found) - 1
    if shards < parts or not 0 <= part < parts:
        raise Refusal(
            f"part {part} of {parts} of a harvest of {shards} shards",
            "at least one shard for each, parts numbered from 0",
            "Take fewer parts, or smaller shards (shard_rows).",
        )
    first, stop = part * shards // parts, (part + 1) * shards // parts
    (line, rows, documents), (end, more, _) = found[first], found[stop]
    return Part(
        first=first,
        stop=stop,
        line=line,
        lines=end - line,
        rows=more - rows,
        rows_before=rows,
        documents_before=documents,
        shards=shards,
        barren=barren if stop == shards else 0,
    )
