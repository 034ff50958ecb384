"""SecondLook: circuits once more on a few items, latent by latent, by other code than the ablation's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..coders.linear_coder import LinearCoder
from ..organism.world import Item
from ..refusal import Refusal
from ..subjects.subject import Subject
from .answers import Answers
from .circuit import Circuit
from .reference import Reference

ITEMS = 4
COARSE = 0.3  # ten steps leave up to a seventh on the organism, whose latents are far from their means
NATS = 1e-2  # what a whole pass and float32 sums in another order may change


class SecondLook:
    """A few of the items, in whole passes over a batch of their own."""

    def __init__(
        self, subject: Subject, items: Sequence[Item], coders: Mapping[str, LinearCoder], means: Reference
    ) -> None:
        self.at = np.unique(np.linspace(0, len(items) - 1, ITEMS).round().astype(int))
        self.answers = Answers(subject, [items[i] for i in self.at])
        self.subject, self.coders, self.means = subject, coders, means

    def require_clean(self, clean: NDArray[np.float64]) -> None:
        """Refuse logit differences that are not those of the model that nobody edits.

        Raises:
            Refusal: an item differs.
        """
        self._require("clean", clean, self.answers.differences(self.subject.logits(self.answers.batch)))

    def require(self, label: str, column: NDArray[np.float64], circuit: Circuit, only: bool, error: str) -> None:
        """Refuse a column that is not what the circuit's latents give.

        Args:
            label: of the column.
            column: ``[n_items]`` logit differences.
            circuit: by coder and number; each of its latents is added, or taken away, on its own.
            only: whether everything but the circuit is at its mean, or the circuit alone.
            error: ``"kept"`` or ``"ablated"``.

        Raises:
            Refusal: an item differs.
        """
        edits = {
            coder.site_in: self._edit(name, coder, circuit.latents.get(name, ()), only, error == "kept")
            for name, coder in self.coders.items()
        }
        self._require(label, column, self.answers.differences(self.subject.run_edited(self.answers.batch, edits)))

    def _edit(
        self, name: str, coder: LinearCoder, numbers: Sequence[int], only: bool, error_kept: bool
    ) -> Callable[[Tensor], Tensor]:
        mean = self.means.latents[name]

        def write(value: Tensor) -> Tensor:
            where = self.answers.batch.scored.to(value.device)
            x = value[where].float()
            with torch.no_grad():
                z = coder.encode(x)
                by = coder.decode(mean[None] if only else z).expand(len(x), -1).clone()
                for number in numbers:
                    change = (z[:, number] - mean[number])[:, None] * coder.W_dec[number]
                    by += change if only else -change
                by += x - coder.decode(z) if error_kept else self.means.error[name]
            new = value.clone()
            new[where] = by.to(new.dtype)
            return new

        return write

    def _require(self, label: str, column: NDArray[np.float64], again: NDArray[np.float64]) -> None:
        off = float(np.abs(column[self.at] - again).max())
        if not off <= NATS * max(1.0, float(np.abs(again).max())):
            raise Refusal(
                f"{label}, off by {off:.2g} nats from the same circuit put together latent by latent",
                "the same logit differences",
                "Look for latents of another coder, an error term that was dropped, another reference, another site, or "
                "other questions.",
            )


def require_complete(name: str, effect: NDArray[np.float64], full: float, empty: float) -> None:
    """Refuse integrated gradients that do not add up to what they explain (Sundararajan et al. 2017, completeness).

    Args:
        name: of the coder.
        effect: ``[n_latents]``.
        full, empty: the summed logit difference with its latents as they are, and at their means.

    Raises:
        Refusal: the sum is off by more than :data:`COARSE`.
    """
    gap = full - empty
    if not abs(float(effect.sum()) - gap) <= COARSE * max(abs(gap), 0.1 * abs(full)):
        raise Refusal(
            f"attributions to the latents of {name} that add up to {effect.sum():.4g} nats",
            f"{gap:.4g}, what their means cost",
            "Look for gradients and activations of different positions, or take more steps.",
        )
