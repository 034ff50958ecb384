"""Tiny coders: small LinearCoders with nothing about them that would hide a bug.

Trained for a second by plain Adam, then moved off every neutral value: ``b_dec`` far from 0, decoder norms spread
over a factor of about three, thresholds above 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder

LATENTS, K, STEPS, BATCH = 128, 8, 250, 512


def tiny_coder(
    x: Tensor, y: Tensor, kind: str, engine: str, gate: str, sites: tuple[str, str], seed: int
) -> LinearCoder:
    """A coder from rows ``x`` ``[n, d_in]`` to ``y`` ``[n, d_out]`` of the given kind, engine and gate."""
    generator = torch.Generator().manual_seed(seed)
    facts = CoderFacts(
        engine, kind, gate, *sites, x.shape[1], y.shape[1], LATENTS, k=K if gate == "topk" else None, seed=seed
    )
    weights = _initial(x, y, kind, generator)
    for w in weights.values():
        w.requires_grad_(True)
    optimiser = torch.optim.Adam(weights.values(), lr=5e-3)
    scale = (y - y.mean(0)).square().sum(1).mean()
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = 5e-3 * (1 - step / STEPS)
        rows = torch.randint(len(x), (BATCH,), generator=generator)
        coder = _coder(facts, weights)
        z = coder.encode(x[rows])
        loss = (coder.decode(z, x[rows]) - y[rows]).square().sum(1).mean() / scale
        if gate == "jumprelu":
            loss = loss + 0.15 * (z * weights["W_dec"].norm(dim=1)).sum(1).mean() / scale.sqrt()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    trained = _coder(facts, {name: w.detach().clone() for name, w in weights.items()})
    if gate == "topk":
        return trained  # under TopK, rescaling single latents would make another coder
    return trained.with_latents_scaled(torch.empty(LATENTS).uniform_(0.6, 1.8, generator=generator))


def _initial(x: Tensor, y: Tensor, kind: str, generator: torch.Generator) -> dict[str, Tensor]:
    d_in, d_out = x.shape[1], y.shape[1]
    directions = torch.randn(LATENTS, d_in, generator=generator) / d_in**0.5
    weights = {
        "W_enc": directions * 2 / x.std(),
        "b_enc": torch.full((LATENTS,), -0.1),
        "W_dec": (directions if d_in == d_out else torch.randn(LATENTS, d_out, generator=generator) / d_out**0.5) * 0.7,
        "b_dec": y.mean(0).clone(),
    }
    if kind == "skip-transcoder":
        weights["W_skip"] = torch.zeros(d_out, d_in)
    return weights


def _coder(facts: CoderFacts, weights: dict[str, Tensor]) -> LinearCoder:
    threshold = torch.linspace(0.05, 0.15, LATENTS) if facts.architecture == "jumprelu" else None
    gate = Gate(facts.architecture, k=facts.k, threshold=threshold)
    return LinearCoder(facts, **weights, gate=gate, input_bias=weights["b_dec"] if facts.kind == "sae" else None)
