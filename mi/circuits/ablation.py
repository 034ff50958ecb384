"""Ablation: latents set to their means inside the running model, all but a circuit's or a circuit's alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..coders.linear_coder import LinearCoder
from ..refusal import Refusal
from ..subjects.subject import Subject
from ..subjects.tokens import TokenBatch
from .circuit import Circuit
from .reference import Reference

Edits = Mapping[str, Callable[[Tensor], Tensor]]
ERRORS = ("kept", "ablated")


class Ablation:
    """Edits at the sites of some coders, at every scored position of a batch.

    There ``x = decode(z) + error``. Latents that are not kept take their means; the error stays as it is (``"kept"``)
    or takes its mean as well (``"ablated"``). Other positions (BOS, padding) are left alone. With several coders, a later one
    sees what the edits before it have made of its site.
    """

    def __init__(self, coders: Mapping[str, LinearCoder], reference: Reference) -> None:
        self.coders, self.reference = dict(coders), reference
        self._seen: dict[str, tuple[Tensor, Tensor]] = {}

    def only(self, circuit: Circuit | None, batch: TokenBatch, error: str = "kept") -> Edits:
        """Everything is ablated but the circuit; with None, everything."""
        return self._edits(batch, error, self.mask(circuit), False)

    def without(self, circuit: Circuit | None, batch: TokenBatch, error: str = "kept") -> Edits:
        """The circuit is ablated and nothing else; with None, nothing (with ``"ablated"`` the error alone)."""
        return self._edits(batch, error, self.mask(circuit), True)

    def mask(self, circuit: Circuit | None) -> dict[str, Tensor]:
        """``[n_latents]`` bool per coder: which latents are the circuit's."""
        numbers = {} if circuit is None else circuit.latents
        if unknown := set(numbers) - set(self.coders):
            raise Refusal(f"a circuit in {sorted(unknown)}", f"coders {sorted(self.coders)}", "Load all its coders.")
        found = {}
        for name, coder in self.coders.items():
            found[name] = torch.zeros(coder.n_latents, dtype=torch.bool, device=self.reference.latents[name].device)
            found[name][list(numbers.get(name, ()))] = True
        marked = sum(int(mask.sum()) for mask in found.values())
        if circuit is not None and marked != circuit.size:
            raise Refusal(f"{marked} latents in place", f"the circuit's {circuit.size}", "Count them as evaluated.")
        return found

    def _edits(self, batch: TokenBatch, error: str, marked: Mapping[str, Tensor], inverse: bool) -> Edits:
        if error not in ERRORS:
            raise Refusal(f"error={error!r}", f"one of {', '.join(ERRORS)}", "Correct the recipe.")
        return {
            coder.site_in: self._edit(name, batch, error, ~marked[name] if inverse else marked[name])
            for name, coder in self.coders.items()
        }

    def _encoded(self, name: str, x: Tensor) -> Tensor:
        # At the first site every pass over a batch brings the same rows, and encoding them is half of its cost.
        seen = self._seen.get(name)
        if seen is None or seen[0].shape != x.shape or not torch.equal(seen[0], x):
            self._seen[name] = seen = (x, self.coders[name].encode(x))
        return seen[1]

    def _edit(self, name: str, batch: TokenBatch, error: str, kept: Tensor) -> Callable[[Tensor], Tensor]:
        coder, means = self.coders[name], self.reference

        def write(value: Tensor) -> Tensor:
            where = batch.scored.to(value.device)
            x = value[where].float()
            z = self._encoded(name, x)
            new = torch.where(kept, z, means.latents[name])
            # decode is affine: its difference is the decoder's, and what is kept comes back to the last bit.
            by = x + (new - z) @ coder.W_dec if error == "kept" else coder.decode(new) + means.error[name]
            copy = value.clone()
            copy[where] = by.to(copy.dtype)
            return copy

        return write


def require_in_place(subject: Subject, batch: TokenBatch, ablation: Ablation) -> None:
    """Refuse an ablation that touches other positions, or does not leave the mean of the site where all is ablated.

    Raises:
        Refusal: either, at any of the sites.
    """
    for name, coder in ablation.coders.items():
        site = coder.site_in
        edit = {site: ablation.only(None, batch, "ablated")[site]}
        before, after = (subject.run(batch, [site], edits)[1][site].cpu() for edits in (None, edit))
        mean, scored = ablation.reference.site[name].cpu(), batch.scored.cpu()
        off = float((after[scored].float() - mean).abs().max())
        others = int((after[~scored & batch.attend.cpu()] != before[~scored & batch.attend.cpu()]).any(-1).sum())
        if others or not off <= 1e-3 * float(mean.abs().max()):
            raise Refusal(
                f"an ablation of {name} that is {off:.2g} from the mean of {site} and changes {others} other positions",
                "the mean at every scored position and nothing elsewhere",
                "Look for an edit of a copy, a mean along another axis, or one without the batch's mask.",
            )
