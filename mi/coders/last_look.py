"""last_look: what finished coders measure on the rows that they were trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from .linear_coder import LinearCoder
from .stream import Batch, open_activations, pool_rows

ROWS = 65_536
BATCH = 4096


def sample(path: Path, sites: list[str], seed: int, rows: int = ROWS) -> Iterator[Batch]:
    """About ``rows`` shuffled rows in batches."""
    activations = open_activations(path)
    batches = activations.batches(sites, BATCH, shuffle_seed=seed, epochs=1, pool_rows=pool_rows(activations))
    yield from islice(batches, -(-rows // BATCH))


@torch.no_grad()
def last_look(coders: Mapping[str, LinearCoder], batches: Iterable[Batch]) -> dict[str, dict[str, float]]:
    """Per coder: FVU, mean L0, and the fraction of latents that never fired, over all rows.

    FVU is the sum of squared errors over the sum of squared distances from the mean of these rows.
    """
    sums = {name: _Sums.of(coder) for name, coder in coders.items()}
    for batch in batches:
        for name, coder in coders.items():
            device = coder.W_dec.device
            sums[name].add(coder, batch[coder.site_in].to(device), batch[coder.site_out].to(device))
    return {name: s.result() for name, s in sums.items()}


@dataclass
class _Sums:
    total: Tensor
    fired: Tensor
    squares: float = 0.0
    error: float = 0.0
    rows: int = 0

    @classmethod
    def of(cls, coder: LinearCoder) -> _Sums:
        return cls(torch.zeros(coder.d_out, dtype=torch.float64), torch.zeros(coder.n_latents))

    def add(self, coder: LinearCoder, x: Tensor, y: Tensor) -> None:
        z = coder.encode(x)
        self.error += float((y - coder.decode(z, x)).double().square().sum())
        self.squares += float(y.double().square().sum())
        self.total += y.double().sum(0).cpu()
        self.fired += (z > 0).sum(0).cpu()
        self.rows += len(y)

    def result(self) -> dict[str, float]:
        variance = self.squares - float(self.total.square().sum()) / self.rows
        return {
            "fvu": self.error / variance,
            "l0": float(self.fired.sum()) / self.rows,
            "dead_fraction": float((self.fired == 0).double().mean()),
            "rows": self.rows,
        }
