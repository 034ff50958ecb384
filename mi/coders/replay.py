"""A model that replays stored activations, so that sparsify trains on them with its own, unmodified trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

POINT = "replay"  # the one hookpoint


class ReplayPoint(nn.Module):
    """The module that is hooked: gets a stored input and returns the stored output."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """``[1, n, d]`` each."""
        return y


class ReplayModel(nn.Module):
    """What sparsify needs of a language model. Its ``input_ids`` are the numbers of rows; it has no weights.

    Args:
        take: step to the stored ``(input, output)`` rows, ``[n, d]`` each.
        width: d.
        rows: n.
    """

    def __init__(self, take: Callable[[int], tuple[Tensor, Tensor]], width: int, rows: int, device: str) -> None:
        super().__init__()
        self.replay = ReplayPoint()
        self.take, self.width, self.rows = take, width, rows
        self.device = torch.device(device)

    @property
    def base_model(self) -> nn.Module:
        """Where sparsify looks for hookpoints."""
        return self

    @property
    def dummy_inputs(self) -> dict[str, Tensor]:
        """What sparsify feeds to measure widths: a row that no step has."""
        return {"input_ids": torch.full((1, 1), -1)}

    def forward(self, input_ids: Tensor) -> None:
        """Pass the rows numbered ``input_ids`` ``[1, n]`` through the hookpoint.

        Raises:
            RuntimeError: other rows than those of one step.
        """
        first = int(input_ids[0, 0])
        if first < 0:
            self.replay(*[torch.zeros(1, 1, self.width, device=self.device)] * 2)
            return
        if input_ids.shape != (1, self.rows) or first % self.rows or int(input_ids[0, -1]) != first + self.rows - 1:
            raise RuntimeError(f"rows {first} to {int(input_ids[0, -1])}, expected one step of {self.rows}")
        x, y = self.take(first // self.rows)
        self.replay(x[None].to(self.device), y[None].to(self.device))


class ReplayRows(Dataset[dict[str, Tensor]]):
    """One item per step: the numbers of its rows."""

    def __init__(self, steps: int, rows: int) -> None:
        self.steps, self.rows = steps, rows

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> dict[str, Any]:
        return {"input_ids": torch.arange(step * self.rows, (step + 1) * self.rows)}
