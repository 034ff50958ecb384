"""Draw: the raw measurements behind one simulated claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draw:
    """Arms of raw measurements; axis 0 of each arm is the independent unit.

    ``arms`` have shapes ``[n_units]`` or ``[n_units, parts of a unit]`` (tokens of a document, latents
    of a training run, random sets scored on an example). With ``ids`` the arms share their units;
    without, each arm has its own.
    """

    arms: tuple[NDArray[np.float64], ...]
    ids: tuple[str, ...] = ()

    def permuted(self, rng: np.random.Generator) -> Draw:
        """The same measurements with their rows in another order."""
        if self.ids:
            order = rng.permutation(len(self.ids))
            return Draw(tuple(arm[order] for arm in self.arms), tuple(self.ids[i] for i in order))
        return Draw(tuple(rng.permutation(arm) for arm in self.arms))

    def swapped(self) -> Draw:
        """The same measurements with the arms the other way round."""
        return Draw(self.arms[::-1], self.ids)


Law = Callable[[np.random.Generator], Draw]
"""What a claim's measurements are drawn from."""


def names(n: int, what: str) -> tuple[str, ...]:
    """``n`` unit ids."""
    return tuple(f"{what}{i:03}" for i in range(n))
