"""Activations: reads a harvest in order or shuffled, never all of it at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..refusal import Refusal
from .index import DOCUMENTS, DOMAINS, HASHES, INDEX, KEYS, file_sha256, shard_file

BLOCK = 1024  # rows that are read together when shuffling
POOL_BYTES = 256 * 1024 * 1024


class Activations:
    """A harvest on disk.

    Attributes:
        path: the artifact's folder.
        index: what the harvest was made from and how much there is.
        sites: each site with its width.
        n_rows: scored tokens.
    """

    def __init__(self, path: Path) -> None:
        """Check that the shards are what the index says, by their headers; :meth:`verify` reads all of them.

        Raises:
            Refusal: no harvest, or shards that are missing, cut off or of another shape.
        """
        self.path = Path(path)
        try:
            self.index: dict[str, Any] = json.loads((self.path / INDEX).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Refusal(f"{path} ({type(error).__name__})", "a finished harvest", "Build it again.") from None
        self.sites: dict[str, int] = self.index["sites"]
        self._rows: list[int] = self.index["rows"]
        self.n_rows = sum(self._rows)
        for number, rows in enumerate(self._rows):
            self._check(number, rows)

    def _check(self, number: int, rows: int) -> None:
        try:
            with safe_open(shard_file(self.path, number), framework="pt") as file:
                shapes = {name: list(file.get_slice(name).get_shape()) for name in (*self.sites, *KEYS)}
        except (OSError, SafetensorError) as error:
            raise Refusal(f"shard {number} ({error})", "a whole shard", "Build the activations again.") from None
        wanted = {site: [rows, d] for site, d in self.sites.items()} | {key: [rows] for key in KEYS}
        if shapes != wanted:
            raise Refusal(f"shard {number} with {shapes}", f"{wanted}", "Build the activations again.")

    def verify(self) -> None:
        """Read every byte and compare with the index.

        Raises:
            Refusal: a shard was altered.
        """
        for number, wanted in enumerate(self.index["sha256"]):
            if file_sha256(shard_file(self.path, number)) != wanted:
                raise Refusal(f"shard {number} was altered", "the bytes that were harvested", "Build it again.")

    @cached_property
    def documents(self) -> list[str]:
        """Ids of the documents that have rows, in order."""
        return self._list(DOCUMENTS)

    @cached_property
    def domains(self) -> list[str]:
        """The domain of each document."""
        return self._list(DOMAINS)

    @cached_property
    def text_hashes(self) -> list[str]:
        """:func:`mi.texts.text_hash` of each document."""
        return self._list(HASHES)

    def _list(self, name: str) -> list[str]:
        values: list[str] = json.loads((self.path / name).read_text("utf-8"))
        if len(values) != self.index["documents"]:
            raise Refusal(f"{len(values)} entries in {name}", f"{self.index['documents']}", "Build it again.")
        return values

    def ordered(self, sites: str | Sequence[str], batch_size: int) -> Iterator[dict[str, Tensor]]:
        """Every row once, document after document.

        Yields:
            Per site ``[n, d]`` float32, and ``document`` (index into :attr:`documents`), ``position`` (BOS is 0) and
            ``token``, ``[n]`` int32 each; ``n`` at most ``batch_size``.
        """
        names = self._names(sites)
        for number, rows in enumerate(self._rows):
            for start in range(0, rows, batch_size):
                yield self._read((*names, *KEYS), number, start, min(start + batch_size, rows))

    def document(self, index: int) -> dict[str, Tensor]:
        """The rows of one document at all sites, with ``document``, ``position`` and ``token``; only its shard is read.

        Raises:
            Refusal: it has no rows.
        """
        for number, rows in enumerate(self._rows):
            found = self._read(("document",), number, 0, rows)["document"]
            at = (found == index).nonzero().flatten()
            if len(at):
                return self._read((*self.sites, *KEYS), number, int(at[0]), int(at[-1]) + 1)
        raise Refusal(f"document {index} without rows", "a document of this harvest", "Build it again.")

    def batches(
        self,
        sites: str | Sequence[str],
        batch_size: int,
        shuffle_seed: int | None = None,
        epochs: int = 1,
        *,
        pool_rows: int | None = None,
    ) -> Iterator[dict[str, Tensor]]:
        """Batches of ``batch_size`` rows, the last of an epoch smaller; rows of several sites belong together.

        Shuffled, blocks of 1024 rows come in random order from all shards into a pool, out of which batches are
        drawn; what fits into the pool is shuffled perfectly. Each epoch has an order of its own, decided by
        ``shuffle_seed`` and nothing else.

        Args:
            sites: one or several; ``"document"``, ``"position"`` and ``"token"`` may be among them.
            batch_size: rows.
            shuffle_seed: None: in order, and every epoch the same.
            epochs: how often every row comes.
            pool_rows: rows in memory; None: 256 MB.
        """
        names = self._names(sites)
        if pool_rows is None:
            pool_rows = POOL_BYTES // (4 * sum(self.sites.get(name, 1) for name in names))
        pool_rows = max(pool_rows, 2 * batch_size)
        for epoch in range(epochs):
            if shuffle_seed is None:
                yield from _regrouped(self._blocks(names, self._spans()), batch_size)
            else:
                generator = torch.Generator().manual_seed((shuffle_seed * 1_000_003 + epoch) % (1 << 63))
                spans = self._spans()
                order = torch.randperm(len(spans), generator=generator).tolist()
                blocks = self._blocks(names, [spans[i] for i in order])
                yield from _mixed(blocks, batch_size, pool_rows, generator)

    def _names(self, sites: str | Sequence[str]) -> tuple[str, ...]:
        names = (sites,) if isinstance(sites, str) else tuple(dict.fromkeys(sites))
        unknown = [name for name in names if name not in self.sites and name not in KEYS]
        if unknown or not names:
            raise Refusal(f"sites {unknown or '[]'}", f"some of {', '.join(self.sites)}", "Harvest them as well.")
        return names

    def _spans(self) -> list[tuple[int, int, int]]:
        return [
            (number, start, min(start + BLOCK, rows))
            for number, rows in enumerate(self._rows)
            for start in range(0, rows, BLOCK)
        ]

    def _blocks(self, names: tuple[str, ...], spans: list[tuple[int, int, int]]) -> Iterator[dict[str, Tensor]]:
        for span in spans:
            yield self._read(names, *span)

    def _read(self, names: Sequence[str], number: int, start: int, stop: int) -> dict[str, Tensor]:
        with safe_open(shard_file(self.path, number), framework="pt") as file:
            read = {name: file.get_slice(name)[start:stop] for name in dict.fromkeys(names)}
        return {name: value if name in KEYS else value.float() for name, value in read.items()}


def _regrouped(blocks: Iterator[dict[str, Tensor]], size: int) -> Iterator[dict[str, Tensor]]:
    held: list[dict[str, Tensor]] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += _length(block)
        if count < size:
            continue
        joined = _joined(held)
        for start in range(0, count - size + 1, size):
            yield {name: value[start : start + size] for name, value in joined.items()}
        rest = count % size
        held = [{name: value[count - rest :] for name, value in joined.items()}] if rest else []
        count = rest
    if count:
        yield _joined(held)


def _mixed(
    blocks: Iterator[dict[str, Tensor]], size: int, pool_rows: int, generator: torch.Generator
) -> Iterator[dict[str, Tensor]]:
    pool: list[dict[str, Tensor]] = []
    count, more = 0, True
    while more or count:
        while count < pool_rows and more:
            block = next(blocks, None)
            if block is None:
                more = False
            else:
                pool.append(block)
                count += _length(block)
        if not count:
            return
        joined = _joined(pool)
        order = torch.randperm(count, generator=generator)
        # Half of the pool stays, so that rows meet those of later blocks.
        drawn = count if not more else max(size, count // 2 // size * size)
        for start in range(0, drawn, size):
            chosen = order[start : min(start + size, drawn)]
            yield {name: value[chosen] for name, value in joined.items()}
        pool = [{name: value[order[drawn:]] for name, value in joined.items()}]
        count -= drawn


def _joined(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _length(block: dict[str, Tensor]) -> int:
    return len(next(iter(block.values())))


def assert_disjoint(a: Activations, b: Activations) -> None:
    """Refuse two harvests that share a document, by id or by text.

    Raises:
        Refusal: with examples of what they share.
    """
    for what, here, there in (("ids", a.documents, b.documents), ("texts", a.text_hashes, b.text_hashes)):
        shared = sorted(set(here) & set(there))
        if shared:
            raise Refusal(
                f"{len(shared)} document {what} in both {a.path.name} and {b.path.name} ({', '.join(shared[:3])})",
                "training and evaluation documents that have nothing in common",
                "Take other splits, or build the texts with distinct=True.",
            )
