"""LossCurve: what training looked like, and whether it was over when it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

POINTS = 64
TAIL = 0.2  # the part of the run that is looked at
STILL_FALLING = 0.1  # relative fall of the loss over the tail
NOISE = 3.0  # standard errors that a fall must exceed to be one


@dataclass
class LossCurve:
    """The fraction of variance unexplained, and the latents on, of every training step (of the weights that train)."""

    fvu: list[float] = field(default_factory=list)
    l0: list[float] = field(default_factory=list)

    def add(self, fvu: float, l0: float) -> None:
        """One more step."""
        self.fvu.append(fvu)
        self.l0.append(l0)

    def tail_fall(self) -> tuple[float, float]:
        """Relative fall of the loss over the last fifth of the steps, and its standard error.

        From a straight line through the logarithm of the loss; negative when the loss rose. (0, inf) for fewer than ten steps there.
        """
        tail = np.array(self.fvu[-max(1, int(len(self.fvu) * TAIL)) :])
        tail = np.log(tail[tail > 0])
        n = len(tail)
        if n < 10:
            return 0.0, math.inf
        t = np.linspace(-0.5, 0.5, n)
        slope = float(t @ tail / (t @ t))
        rest = tail - tail.mean() - slope * t
        return 1 - math.exp(slope), math.exp(slope) * math.sqrt(float(rest @ rest) / (n - 2) / float(t @ t))

    def converged(self) -> bool | None:
        """Whether the loss had stopped falling; None when the run was too short to say."""
        fall, error = self.tail_fall()
        if math.isinf(error):
            return None
        return not (fall > STILL_FALLING and fall > NOISE * error)

    def summary(self) -> dict[str, Any]:
        """At most 64 points of both curves (means over equal stretches), and the verdict, in JSON."""
        n = len(self.fvu)
        cuts = np.linspace(0, n, min(n, POINTS) + 1).astype(int)
        stretches = list(pairwise(cuts))
        fall, error = self.tail_fall()
        return {
            "curve": {
                "step": [int(b) for _, b in stretches],
                "fvu": [round(float(np.mean(self.fvu[a:b])), 6) for a, b in stretches],
                "l0": [round(float(np.mean(self.l0[a:b])), 3) for a, b in stretches],
            },
            "tail_fall": None if math.isinf(error) else round(fall, 4),
            "converged": self.converged(),
        }
