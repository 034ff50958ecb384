"""LatentSweep: what one pass of a coder over two domains leaves of every latent."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..coders.coder import Coder
from ..progress import Progress
from .contexts import TopDocuments
from .label_null import LabelNull
from .two_domains import TwoDomains

CHOSEN, HELD = 0, 1


class LatentSweep:
    """Sums by half (documents that decide a latent's class, documents held out) and by domain.

    Attributes:
        chosen_on: the documents that decide, with shuffled labels.
        held: the others, with the true labels only.
        top: documents with the strongest activations of each latent, from both halves: for reading, not for numbers.
    """

    def __init__(self, two: TwoDomains, coder: Coder, progress: Progress, draws: int, seed: int, keep: int) -> None:
        n_latents = coder.n_latents
        self.chosen_on = LabelNull(two.in_b[~two.held_out], n_latents, draws, seed)
        self.held = LabelNull(two.in_b[two.held_out], n_latents, 0, seed)
        self.top = TopDocuments(n_latents, keep)
        self._activation = torch.zeros(2, 2, n_latents, dtype=torch.float64)
        self._fired = torch.zeros(2, 2, n_latents, dtype=torch.float64)
        self._tokens = torch.zeros(2, 2, 1, dtype=torch.float64)
        within = np.where(two.held_out, two.held_out.cumsum(), (~two.held_out).cumsum()) - 1
        for document in two.through(coder, progress, "selectivity"):
            k, z = document.number, document.latents.double()
            half, side = int(two.held_out[k]), int(two.in_b[k])
            self._activation[half, side] += z.sum(0)
            self._fired[half, side] += (z != 0).sum(0)
            self._tokens[half, side] += len(z)
            self.top.add(k, document.latents)
            (self.held if half else self.chosen_on).add(within[[k]], z.mean(0, keepdim=True))

    @property
    def mean(self) -> Tensor:
        """``[2, n_latents]`` mean activation per token in A and in B, over all documents."""
        return self._activation.sum(0) / self._tokens.sum(0)

    @property
    def rate(self) -> Tensor:
        """``[2, n_latents]`` share of tokens on which a latent fires, over all documents."""
        return self._fired.sum(0) / self._tokens.sum(0)

    def mean_of(self, half: int) -> Tensor:
        """``[2, n_latents]`` mean activation per token in A and in B over the documents of one half."""
        return self._activation[half] / self._tokens[half]

    def index_of(self, half: int) -> Tensor:
        """``[n_latents]`` selectivity index on one half; 0 for a latent that is silent there."""
        a, b = self.mean_of(half)
        return torch.where(a + b > 0, (a - b) / (a + b), 0.0)

    def null_specific(self, alpha: float) -> float:
        """Latents per shuffle beyond the threshold that the observed ones had to pass: what chance finds."""
        null = self.chosen_on.t()[1:].abs()
        threshold = torch.quantile(null.amax(1), 1 - alpha)
        return float((null > threshold).sum(1).double().mean())
