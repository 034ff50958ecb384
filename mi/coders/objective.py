"""Objective: is what sparsify minimises what it says? Looked at on some steps of every training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

OFF, OFF_AUXK = 0.01, 0.1  # relative; on a GPU the engine computes in bfloat16, which may pick other dead latents
NORM_OFF = 0.01
LOOKS_AT_AUXK = 4


class Objective:
    """Watches one trainer: error, auxiliary loss, their weights in the gradient, and the norm of the decoder.

    Args:
        auxk_alpha: the weight that was asked for; 0 for no auxiliary loss.
        threshold: tokens without firing after which a latent is dead for that loss.
    """

    def __init__(self, auxk_alpha: float, threshold: int) -> None:
        self.auxk_alpha, self.threshold = auxk_alpha, threshold
        self.wrong: dict[str, str] = {}
        self._step = self._auxk_seen = 0
        self._silent: Tensor | None = None
        self._weights: dict[str, float] = {}

    @property
    def advice(self) -> list[str]:
        """What was found, one line a kind of mistake."""
        return list(self.wrong.values())

    def see(self, module: Any, kwargs: Mapping[str, Any], result: Any) -> None:
        """Look at one forward pass of training; ``kwargs`` are what the trainer called ``module`` with."""
        x, y, dead = kwargs["x"], kwargs["y"], kwargs["dead_mask"]
        self._step += 1
        with torch.no_grad():
            if not self._step & (self._step - 1):  # steps 1, 2, 4, 8, ...
                self._look_at_error(module, y, result)
            if self.auxk_alpha:
                self._look_at_auxk(module, x, y, dead, result)
                self._count(module, len(x), result)

    def _look_at_error(self, module: Any, y: Tensor, result: Any) -> None:
        fvu = (y - result.sae_out).pow(2).sum() / (y - y.mean(0)).pow(2).sum()
        self._compare("its error", float(result.fvu), float(fvu))
        if module.cfg.normalize_decoder and not module.cfg.transcode:
            norms = module.W_dec.norm(dim=1)
            if float((norms - 1).abs().max()) > NORM_OFF:
                self.wrong["norm"] = (
                    f"decoder rows of norm {float(norms.min()):.3g} to {float(norms.max()):.3g}, which the engine is set to keep at 1"
                )

    def _look_at_auxk(self, module: Any, x: Tensor, y: Tensor, dead: Tensor | None, result: Any) -> None:
        if self._silent is None:
            return
        waiting = int((self._silent > self.threshold).sum())
        acting = 0 if dead is None else int(dead.sum())
        if acting != waiting:
            self.wrong["dead"] = (
                f"the auxiliary loss was made for {acting} dead latents, where {waiting} had been silent for over {self.threshold} tokens"
            )
        if acting and self._auxk_seen < LOOKS_AT_AUXK:
            self._auxk_seen += 1
            wanted = self._auxk(module, x, y, dead, result)
            self._compare("its auxiliary loss", float(result.auxk_loss), wanted, OFF_AUXK)
            if result.fvu.requires_grad and result.auxk_loss.requires_grad:
                # The weights of both losses are what flows back into them.
                result.fvu.register_hook(self._error_weighs)
                result.auxk_loss.register_hook(self._auxk_weighs)

    def _auxk(self, module: Any, x: Tensor, y: Tensor, dead: Any, result: Any) -> float:
        """Gao et al. 2024, B.1: the strongest dead latents, half as many as the width, rebuild the residual."""
        read = x if module.cfg.transcode else x - module.b_dec
        pre = torch.relu(read @ module.encoder.weight.T + module.encoder.bias)[:, dead]
        half, n = y.shape[-1] // 2, int(dead.sum())
        strongest = pre.topk(min(half, n), dim=-1)
        z = torch.zeros_like(pre).scatter(-1, strongest.indices, strongest.values)
        off = (z @ module.W_dec[dead] - (y - result.sae_out)).pow(2).sum() / (y - y.mean(0)).pow(2).sum()
        return min(n / half, 1.0) * float(off)

    def _count(self, module: Any, rows: int, result: Any) -> None:
        if self._silent is None:
            self._silent = torch.zeros(module.num_latents, dtype=torch.int64, device=result.latent_indices.device)
        self._silent += rows
        self._silent[result.latent_indices.flatten()] = 0

    def _error_weighs(self, gradient: Tensor) -> None:
        self._weights["error"] = float(gradient)
        self._look_at_weights()

    def _auxk_weighs(self, gradient: Tensor) -> None:
        self._weights["auxk"] = float(gradient)
        self._look_at_weights()

    def _look_at_weights(self) -> None:
        if len(self._weights) == 2:  # the two come in any order
            given = self._weights["auxk"] / (self._weights["error"] or float("nan"))
            self._compare("the weight of its auxiliary loss", given, self.auxk_alpha)
            self._weights = {}

    def _compare(self, what: str, given: float, wanted: float, off: float = OFF) -> None:
        if not abs(given - wanted) <= off * abs(wanted):
            self.wrong.setdefault(
                what,
                f"sparsify minimises something else than it says: {what} is {given:.4g}, by its definition {wanted:.4g}",
            )
