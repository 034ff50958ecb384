"""LabelNull: a difference between two groups of documents, per latent, against shuffled group labels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..refusal import Refusal

AT_ONCE = 64  # additions that are multiplied together


class LabelNull:
    """Welch's t between documents of A and of B for every latent, and the same after whole documents swap labels.

    The document is what is shuffled, because its tokens share it. t rather than the plain difference, so that the
    null holds when the domains differ in spread only. Streams over documents: memory is latents x shuffles.

    Args:
        in_b: ``[n_documents]`` bool, the domain of each document.
        n_latents: columns to expect.
        draws: shuffles.
    """

    def __init__(self, in_b: NDArray[np.bool_], n_latents: int, draws: int, seed: int) -> None:
        self.n_b, self.n_a = int(in_b.sum()), int((~in_b).sum())
        if min(self.n_a, self.n_b) < 5:
            raise Refusal(f"{self.n_a} and {self.n_b} documents", "at least 5 a domain", "Harvest more documents.")
        rng = np.random.default_rng(seed)
        labels = np.stack([in_b, *(rng.permutation(in_b) for _ in range(draws))])
        self._labels = torch.from_numpy(labels).double()
        shape = (draws + 1, n_latents)
        self._sum_b, self._square_b = torch.zeros(shape).double(), torch.zeros(shape).double()
        self._sum, self._square = torch.zeros(n_latents).double(), torch.zeros(n_latents).double()
        self.seen = torch.zeros(len(in_b), dtype=torch.bool)
        self._pending: list[tuple[Tensor, Tensor]] = []

    def add(self, document: NDArray[np.int64], means: Tensor) -> None:
        """Add documents ``[m]`` with their mean activations ``[m, n_latents]``.

        Raises:
            Refusal: a document for the second time.
        """
        index = torch.from_numpy(document)
        if self.seen[index].any() or len(np.unique(document)) < len(document):
            raise Refusal("a document counted twice", "one row per document", "Do not cut documents between batches.")
        self.seen[index] = True
        self._pending.append((index, means.double()))
        if len(self._pending) >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        index, x = (torch.cat(parts) for parts in zip(*self._pending, strict=True))
        self._pending.clear()
        labels = self._labels[:, index]
        self._sum_b += labels @ x
        self._square_b += labels @ x.square()
        self._sum += x.sum(0)
        self._square += x.square().sum(0)

    def t(self) -> Tensor:
        """``[1 + draws, n_latents]`` t of A minus B; the first row is observed, the others are shuffled.

        Raises:
            Refusal: documents that were announced and never came.
        """
        if not self.seen.all():
            raise Refusal(f"{int((~self.seen).sum())} documents missing", "every document once", "Check the harvest.")
        self._flush()
        mean_b, mean_a = self._sum_b / self.n_b, (self._sum - self._sum_b) / self.n_a
        var_b = (self._square_b / self.n_b - mean_b.square()).clamp_min(0) / (self.n_b - 1)
        var_a = ((self._square - self._square_b) / self.n_a - mean_a.square()).clamp_min(0) / (self.n_a - 1)
        # The floor is far below any real error: it only keeps latents that never vary within a domain finite.
        floor = 1e-6 * (self._square / len(self.seen)).sqrt()
        return torch.nan_to_num((mean_a - mean_b) / torch.maximum((var_a + var_b).sqrt(), floor), nan=0.0)

    def p_values(self) -> tuple[Tensor, Tensor]:
        """``[n_latents]`` each: p of the latent alone, and adjusted for looking at all latents (Westfall-Young max-t).

        Adjusted p at or below .05 for any latent happens in at most 5 % of experiments where domains do not matter.
        """
        t = self.t().abs()
        observed, null = t[0], t[1:]
        draws = len(null)
        alone = 1 + (null >= observed).sum(0).double()
        largest = null.amax(1).sort().values
        above = draws - torch.searchsorted(largest, observed)
        return alone / (draws + 1), (1 + above.double()) / (draws + 1)
