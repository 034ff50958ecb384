"""The recipe of the shipped weights: one for all seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingRecipe:
    """What, besides the seed, decides over the weights.

    Attributes:
        tokens: seen in all; a step sees ``batch * length``.
        warm_up: steps of linear warm-up; then a constant rate, falling linearly to zero over the last ``decay`` share.
        threads: of the training process. One: the sums are then the same whatever else the machine has to do, and two
            seeds train side by side on two cores as fast as one would on both.
        early: tokens after which a second set of weights is put aside (not decayed); 0 for none.
    """

    tokens: int = 7_000_000
    batch: int = 64
    length: int = 64
    matrix_rate: float = 0.02
    rate: float = 3e-3
    warm_up: int = 100
    decay: float = 0.3
    early: int = 800_000
    curve_every: int = 1_000_000
    threads: int = 1

    @property
    def steps(self) -> int:
        """Number of updates."""
        return max(1, self.tokens // (self.batch * self.length))

    def scale(self, step: int) -> float:
        """Factor of both learning rates at ``step`` (from 0): in (0, 1]."""
        up = min(1.0, (step + 1) / self.warm_up)
        return min(up, (self.steps - step) / max(1.0, self.decay * self.steps))

    def facts(self) -> dict[str, Any]:
        """In JSON, for ``training.json``."""
        return asdict(self) | {"steps": self.steps}


# The tokenizer reads this many training documents of this data seed; all model seeds share it.
TOKENIZER_DOCUMENTS = 60_000
TOKENIZER_SEED = 0
