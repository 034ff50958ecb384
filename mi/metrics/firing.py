"""Firing: how often each latent fires, and how strongly, on an evaluation set."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


class Firing:
    """Counts per latent, kept as integers: a rate that is rounded first makes rare latents look dead.

    Args:
        decoder: ``[n_latents, d_out]``, for the L1 that does not change when a latent and its decoder row are rescaled.
    """

    def __init__(self, decoder: Tensor) -> None:
        self.norms = decoder.detach().double().norm(dim=1).cpu()
        self.fired = torch.zeros(len(self.norms), dtype=torch.int64)
        self.activation = torch.zeros(len(self.norms), dtype=torch.float64)
        self.n_tokens = 0
        self.l0_max = 0

    def add(self, latents: Tensor) -> dict[str, Any]:
        """Count latents ``[n, n_latents]``; returns ``l0_sum``, ``l1_sum`` and ``l1_scaled_sum``, ``[n]`` each."""
        z = latents.detach().cpu()
        on = z != 0
        magnitude = z.abs().double()
        l0 = on.sum(1)
        self.fired += on.sum(0)
        self.activation += magnitude.sum(0)
        self.n_tokens += len(z)
        self.l0_max = max(self.l0_max, int(l0.max()) if len(l0) else 0)
        return {
            "l0_sum": l0.double().numpy(),
            "l1_sum": magnitude.sum(1).numpy(),
            "l1_scaled_sum": (magnitude @ self.norms).numpy(),
        }

    @property
    def live(self) -> Tensor:
        """``[n_latents]`` bool: fired at least once."""
        return self.fired > 0

    def facts(self) -> dict[str, Any]:
        """Alive and dead shares with the tokens they rest on, and a histogram of firing rates."""
        n, n_latents = self.n_tokens, len(self.fired)
        alive = int(self.live.sum())
        rates = self.fired.double().numpy() / n
        edges = np.concatenate([[0.0], np.logspace(-6, 0, 25)])
        counts, _ = np.histogram(rates[rates > 0], bins=edges)
        return {
            "n_latents": n_latents,
            "alive": alive,
            "alive_share": alive / n_latents,
            "dead": n_latents - alive,
            "dead_share": 1 - alive / n_latents,
            "dead_means": f"never fired on the {n} tokens of this evaluation set",
            # A latent that never fired in n tokens has a rate below this, with 95 % confidence.
            "dead_rate_below": 1 - 0.05 ** (1 / n),
            "l0_max": self.l0_max,
            "firing_rate_histogram": {"edges": edges.tolist(), "counts": counts.tolist(), "never": n_latents - alive},
        }
