"""Optimiser: Muon for the matrices of the layers, Adam for the rest, masters in float32 beside bfloat16 weights."""

from __future__ import annotations

import math
from collections import defaultdict

import torch
from torch import Tensor

from .network import Network


def orthogonalised(g: Tensor, steps: int = 5) -> Tensor:
    """The nearest orthogonal matrices, roughly: quintic Newton-Schulz of a stack ``[n, rows, columns]``.

    Coefficients of K. Jordan's Muon (2024); singular values end up near 1, not at it.
    """
    tall = g.shape[1] > g.shape[2]
    x = (g.transpose(1, 2) if tall else g).bfloat16()
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).bfloat16()
    for _ in range(steps):
        a = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    out: Tensor = (x.transpose(1, 2) if tall else x).float()
    return out


class Optimiser:
    """Steps a network whose parameters are rounded copies of float32 masters.

    Args:
        network: converted to bfloat16 here.
        matrix_rate: of Muon; rate: of Adam (0.9, 0.95). No weight decay.
    """

    def __init__(self, network: Network, matrix_rate: float = 0.02, rate: float = 3e-3) -> None:
        stacks: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
        rest: list[Tensor] = []
        for name, value in network.named_parameters():
            if value.dim() == 2 and ".layers." in name:
                stacks[tuple(value.shape)].append(value)
            else:
                rest.append(value)
        self.rates = matrix_rate, rate
        self._stacks = [(values, torch.stack([v.data.float() for v in values])) for values in stacks.values()]
        self._momenta = [torch.zeros_like(master) for _, master in self._stacks]
        self._rest = rest
        self._flat = torch.cat([v.data.float().flatten() for v in rest])
        self._first, self._second = torch.zeros_like(self._flat), torch.zeros_like(self._flat)
        self._steps = 0
        network.bfloat16()

    @torch.no_grad()
    def step(self, scale: float) -> None:
        """One update with both rates times ``scale``; clears the gradients."""
        self._steps += 1
        for (values, master), momentum in zip(self._stacks, self._momenta, strict=True):
            grad = torch.stack([v.grad.float() for v in values])  # type: ignore[union-attr]
            momentum.lerp_(grad, 0.05)
            update = orthogonalised(grad.lerp(momentum, 0.95))
            rows, columns = master.shape[1:]
            master.sub_(update, alpha=scale * self.rates[0] * math.sqrt(max(1.0, rows / columns)))
            for v, m in zip(values, master, strict=True):
                v.data.copy_(m)
                v.grad = None
        grad = torch.cat([v.grad.float().flatten() for v in self._rest])  # type: ignore[union-attr]
        self._first.lerp_(grad, 0.1)
        self._second.lerp_(grad * grad, 0.05)
        c1, c2 = 1 - 0.9**self._steps, 1 - 0.95**self._steps
        self._flat.sub_(self._first / ((self._second / c2).sqrt_().add_(1e-8)), alpha=scale * self.rates[1] / c1)
        at = 0
        for v in self._rest:
            v.data.copy_(self._flat[at : at + v.numel()].view_as(v))
            v.grad = None
            at += v.numel()
