"""Circuit: a set of latents of one coder or of several. A set, not an edge graph. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal


@dataclass(frozen=True)
class Circuit:
    """Latents by coder. A latent is known by its coder and its number, so equal numbers at two depths stay two latents.

    Attributes:
        latents: coder name to the numbers of its latents, coders in the order of a forward pass.
        fitted_on: hashes of the texts that it was chosen on; empty for a set that was drawn at random.

    Raises:
        Refusal: no latent at all (a circuit without parts cannot be measured), a latent twice, a negative number.
    """

    latents: Mapping[str, tuple[int, ...]]
    fitted_on: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not any(self.latents.values()):
            raise Refusal(
                "an empty circuit",
                "at least one latent",
                "An empty circuit cannot be measured: with nothing spliced in, the model runs clean and looks faithful.",
            )
        for coder, numbers in self.latents.items():
            if len(set(numbers)) != len(numbers) or min(numbers, default=0) < 0:
                raise Refusal(f"latents {numbers} of {coder}", "different numbers from 0 up", "Choose each once.")

    @property
    def size(self) -> int:
        """How many latents there are, and how many are evaluated."""
        return sum(map(len, self.latents.values()))

    @property
    def members(self) -> frozenset[tuple[str, int]]:
        """``(coder, number)`` of each latent."""
        return frozenset((coder, number) for coder, numbers in self.latents.items() for number in numbers)

    def first(self, n: int) -> Circuit:
        """What of it lies in the first ``n`` coders."""
        return Circuit(dict(list(self.latents.items())[:n]), self.fitted_on)

    def columns(self, widths: Mapping[str, int]) -> NDArray[np.int64]:
        """``[size]`` where its latents are among the rows of all coders side by side.

        Args:
            widths: number of latents of every coder, in the order in which the rows were put together.

        Raises:
            Refusal: a latent that its coder does not have.
        """
        starts = dict(zip(widths, np.cumsum([0, *widths.values()]), strict=False))
        unknown = [c for c, numbers in self.latents.items() if numbers and max(numbers) >= widths.get(c, 0)]
        if unknown:
            raise Refusal(f"latents of {unknown[0]} that are not there", f"coders {dict(widths)}", "Pool these coders.")
        found = [starts[coder] + number for coder, numbers in self.latents.items() for number in numbers]
        return np.array(found, dtype=np.int64)


def require_different(sets: Sequence[Circuit]) -> None:
    """Refuse random sets of which two are the same.

    Raises:
        Refusal: copies of a set would shrink an interval and say nothing.
    """
    different = len({circuit.members for circuit in sets})
    if different < len(sets):
        raise Refusal(
            f"{len(sets)} random sets of which {different} differ", "all of them different", "Draw more latents a set."
        )
