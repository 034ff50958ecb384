"""Exam: a subject, a second model to hold it against, and the batches that the gates run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..errors import GateFailed
from ..sites import layer_of
from ..subject import Subject
from ..tokens import Row, TokenBatch
from .report import REORDERED, SAME


@dataclass
class Exam:
    """What the gates have before them.

    Attributes:
        subject: under examination.
        reference: the same model loaded a second time, straight from Hugging Face and hooked by nobody.
        sites: the sites that will be used.
        texts: some texts of the kind that will be measured.
    """

    subject: Subject
    reference: Any
    sites: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def reordered(self) -> float:
        """Tolerance for the same sums in another order."""
        return REORDERED[self.subject.hf.dtype]

    @property
    def same(self) -> float:
        """Tolerance for the same sums in the same order."""
        return SAME[self.subject.hf.dtype]

    @property
    def layers(self) -> tuple[int, ...]:
        """Layers that have a site in use."""
        return tuple(sorted({layer_of(site) for site in self.sites}))

    @cached_property
    def rows(self) -> list[Row]:
        """The texts as tokens."""
        rows = [r for r in self.subject.vocabulary.rows(self.texts, self.subject.context) if r is not None]
        if not rows or sum(len(r.ids) for r in rows) < 8:
            raise GateFailed("texts with next to no tokens", "at least 8 tokens in all", "Give some texts.")
        return rows

    @cached_property
    def short(self) -> TokenBatch:
        """Up to five rows of different lengths, all below the attention window."""
        limit = min(self.subject.window or 48, 48, self.subject.context)
        longest = min(limit, sum(len(r.ids) - 1 for r in self.rows) + 1)
        lengths = sorted({max(3, round(longest * part)) for part in (1, 0.8, 0.6, 0.45, 0.3)})
        lengths = [n for n in lengths if n <= longest]
        # The longest neither first nor last, so that order and padding show.
        lengths = lengths[1::2] + lengths[::2][::-1]
        return self._batch([self._row(length, skip) for skip, length in enumerate(lengths)])

    @cached_property
    def long(self) -> TokenBatch:
        """Two rows beyond the attention window, as far as the context allows."""
        window = self.subject.window
        reach = 128 if window is None else (3 * window if window <= 512 else window + 128)
        length = min(self.subject.context, reach)
        return self._batch([self._row(length, 0), self._row(max(3, length - length // 8), 1)])

    def reference_run(self, ids: Tensor, hidden: bool = False) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Logits ``[1, t, vocabulary]`` and, on demand, hidden states of one unpadded row in the reference."""
        with torch.no_grad():
            output = self.reference(
                input_ids=ids.to(self.reference.device), use_cache=False, output_hidden_states=hidden
            )
        return output.logits, tuple(output.hidden_states) if hidden else ()

    def at_each_row(self, batch: TokenBatch) -> list[tuple[str, TokenBatch]]:
        """Each row alone, without padding, with a name."""
        name = "short" if batch is self.short else "long"
        return [(f"{name} row {i} ({len(row.ids)} tokens)", batch.select([i])) for i, row in enumerate(batch.rows)]

    def _batch(self, rows: Sequence[Row]) -> TokenBatch:
        return TokenBatch.of(list(rows), self.subject.vocabulary.pad)

    def _row(self, length: int, skip: int) -> Row:
        """``length`` tokens: BOS and the texts' own tokens one after another, beginning with text ``skip``."""
        bos = self.subject.vocabulary.bos
        start = 0 if bos is None else 1
        turned = [*self.rows[skip % len(self.rows) :], *self.rows[: skip % len(self.rows)]]
        ids = [i for row in turned for i in row.ids[start:]]
        scored = [s for row in turned for s in row.scored[start:]]
        wanted = length - start
        times = -(-wanted // len(ids))
        lead = replace(self.rows[0], text=skip, truncated=False, spans=())
        return replace(
            lead,
            ids=tuple(([] if bos is None else [bos]) + (ids * times)[:wanted]),
            scored=tuple(([] if bos is None else [False]) + (scored * times)[:wanted]),
        )
