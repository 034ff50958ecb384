"""Pooling: one row per text from its tokens at a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..refusal import Refusal
from ..subjects.subject import Subject

POOLS = ("last", "mean")


class RowPerText:
    """One row per text, from rows per token."""

    def __init__(self, pool: str) -> None:
        self.pool, self.parts = pool, list[Tensor]()

    def add(self, rows: Tensor, text: Tensor, last: Tensor) -> None:
        """``[m, d]`` rows of some whole texts, the text ``[m]`` of each, whether it is its last one ``[m]``."""
        rows = rows.double()
        if self.pool == "last":
            self.parts.append(rows[last].cpu())
            return
        first = text - text.min()
        sums = torch.zeros(int(first.max()) + 1, rows.shape[1], dtype=rows.dtype, device=rows.device)
        sums.index_add_(0, first, rows)
        self.parts.append((sums / first.bincount()[:, None]).cpu())

    def all(self) -> Tensor:
        """``[n_texts, d]`` float64."""
        return torch.cat(self.parts)


def scored_tokens(
    model: Subject, site: str, texts: Sequence[str], max_length: int, size: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Scored tokens ``[m, d]`` of some whole texts, the text ``[m]`` of each, whether it is its last one ``[m]``."""
    for k in range(0, len(texts), size):
        batch = model.tokens(texts[k : k + size], min(max_length, model.context))
        if batch.excluded:
            raise Refusal(f"text {k + batch.excluded[0]} without a token to score", "texts", "Leave out empty ones.")
        values = model.activations(batch, [site])[site]
        text, column = batch.scored.nonzero().T
        yield values[text, column], (text + k).to(values.device), (column == batch.last()[text]).to(values.device)
