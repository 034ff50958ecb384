"""Covariance of rows, streamed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Covariance:
    """Covariance ``[d, d]`` about the mean, in float64, merged batch by batch (Chan, Golub and LeVeque 1983)."""

    def __init__(self, d: int) -> None:
        self.n = 0
        self._mean = torch.zeros(d, dtype=torch.float64)
        self._scatter = torch.zeros(d, d, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Add rows ``[n, d]``."""
        x = rows.detach().cpu().double()
        mean = x.mean(0)
        shift, total = mean - self._mean, self.n + len(x)
        centred = x - mean
        self._scatter += centred.T @ centred + torch.outer(shift, shift) * (self.n * len(x) / total)
        self._mean += shift * (len(x) / total)
        self.n = total

    @property
    def value(self) -> NDArray[np.float64]:
        """``[d, d]``, divided by the number of rows."""
        return np.asarray((self._scatter / self.n).numpy())
