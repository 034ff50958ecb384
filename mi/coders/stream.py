"""SharedStream: one pass over stored activations that feeds several trainers, each at its own pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .coder import CoderFault

if TYPE_CHECKING:
    from ..activations.read import Activations

Batch = dict[str, Tensor]
POOL_BYTES = 256 * 1024 * 1024
IN_ORDER = 0.25  # share of neighbours from one document, beyond chance, at which rows are not shuffled
AHEAD = 8  # batches that the fastest trainer may be in front of the slowest


def open_activations(path: Path) -> Activations:
    """The reader of the activations in ``path``."""
    from ..activations.read import Activations

    return Activations(path)


def pool_rows(activations: Activations) -> int:
    """How many rows are shuffled together: 256 MB of all sites, so that the order of rows depends on the harvest alone and not on
    which sites are read beside each other.
    """
    return int(POOL_BYTES // (4 * sum(activations.sites.values())))


def training_batches(path: Path, sites: list[str], rows: int, steps: int, seed: int) -> Iterator[Batch]:
    """``steps`` shuffled batches of exactly ``rows`` rows, passing over the activations as often as it takes.

    Raises:
        CoderFault: fewer stored rows than one batch has, a site that was not harvested, or rows in the corpus's order.
    """
    activations = open_activations(path)
    missing = sorted(set(sites) - set(activations.sites))
    if missing:
        raise CoderFault(f"site {', '.join(missing)}", f"one of {', '.join(activations.sites)}", "Harvest it as well.")
    if activations.n_rows < rows:
        raise CoderFault(
            f"{activations.n_rows} rows of activations",
            f"at least one batch of {rows}",
            "Harvest more texts, or use smaller batches.",
        )
    per_pass = activations.n_rows // rows
    passes = activations.batches(
        [*sites, "document"], rows, shuffle_seed=seed, epochs=-(-steps // per_pass), pool_rows=pool_rows(activations)
    )
    whole = (batch for batch in passes if len(batch[sites[0]]) == rows)
    for step, batch in enumerate(islice(whole, steps)):
        document = batch.pop("document")
        if step == 0:
            require_shuffled(document)
        yield batch


def require_shuffled(document: Tensor) -> None:
    """Refuse rows ``[n]`` in which neighbours come from one document far more often than chance would have it.

    Raises:
        CoderFault: the rows are in the order of the corpus.
    """
    n = len(document)
    by_chance = float((torch.bincount(document.long() - int(document.min())) / n).square().sum())
    together = float((document[1:] == document[:-1]).double().mean()) if n > 1 else 0.0
    if together > by_chance + IN_ORDER:
        raise CoderFault(
            f"a first batch in which {together:.0%} of neighbouring rows are of one document ({by_chance:.0%} by chance)",
            "shuffled rows",
            "Shuffle: a coder trained in the order of the corpus depends on how it ends.",
        )


class SharedStream:
    """Hands every batch to every reader, in order, reading each from the store once.

    A reader far ahead waits for the slowest, so that at most ``AHEAD`` batches are in memory.
    """

    def __init__(
        self, batches: Iterator[Batch], readers: int, on_batch: Callable[[int], None] = lambda n: None
    ) -> None:
        self._batches = batches
        self._on_batch = on_batch
        self._next = [0] * readers  # the step that each reader wants next
        self._window: dict[int, Batch] = {}
        self._versions: dict[int, list[int]] = {}
        self._read = 0
        self._failed: BaseException | None = None
        self._changed = Condition()

    def take(self, reader: int, step: int) -> Batch:
        """Batch number ``step`` for ``reader``; each reader takes 0, 1, 2, ...

        Raises:
            RuntimeError: a step out of turn, the stream is exhausted, or another reader has failed.
            CoderFault: another reader has written into the batch.
        """
        with self._changed:
            if step != self._next[reader]:
                raise RuntimeError(
                    f"step {step}, expected {self._next[reader]}: the engine skipped or repeated a batch"
                )
            while step not in self._window:
                if self._failed is not None:
                    raise RuntimeError("another trainer of this pass has failed") from self._failed
                if step - min(self._next) >= AHEAD:
                    self._changed.wait()
                    continue
                batch = next(self._batches, None)
                if batch is None:
                    raise RuntimeError(f"the activations ended after {self._read} batches")
                self._window[self._read] = batch
                self._versions[self._read] = _versions(batch)
                self._read += 1
                self._on_batch(len(next(iter(batch.values()))))
            batch = self._window[step]
            require_untouched(batch, self._versions[step])
            self._advance(reader, step + 1)
            return batch

    def leave(self, reader: int, failure: BaseException | None = None) -> None:
        """``reader`` takes no more; with a ``failure`` the others stop as well."""
        with self._changed:
            self._failed = self._failed or failure
            self._advance(reader, 1 << 62)

    def _advance(self, reader: int, step: int) -> None:
        self._next[reader] = step
        slowest = min(self._next)
        for old in [s for s in self._window if s < slowest]:
            del self._window[old], self._versions[old]
        self._changed.notify_all()


def require_untouched(batch: Batch, versions: list[int]) -> None:
    """Refuse a batch that somebody has written into: the readers share it.

    Raises:
        CoderFault: a tensor counts another number of changes in place than when it was read.
    """
    if _versions(batch) != versions:
        raise CoderFault(
            "a batch that another trainer has changed in place", "batches as they were read", "Work on a copy."
        )


def _versions(batch: Batch) -> list[int]:
    return [tensor._version for tensor in batch.values()]
