"""Dice: random choices that keep their own bill, in nats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A seeded source of choices; ``nats`` is ``-ln`` of the probability of all choices since the last :meth:`reset`.

    Exact, because hold-outs are drawn from explicit lists of what is allowed rather than by rejection; where
    rejection is unavoidable the caller pays the acceptance rate back with :meth:`refund`. ``whole`` is the same bill
    if the choices of both splits had been open: what a model that cannot know the hold-outs has to pay.
    """

    __slots__ = ("_random", "nats", "whole")

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random
        self.reset()

    def reset(self) -> None:
        """Start a new bill."""
        self.nats = self.whole = 0.0

    def _pay(self, nats: float) -> None:
        self.nats += nats
        self.whole += nats

    def below(self, n: int) -> int:
        """Uniform in ``range(n)``."""
        self._pay(math.log(n))
        return int(self._random() * n)

    def pick(self, options: Sequence[T], whole: int | None = None) -> T:
        """One of ``options``, uniformly; ``whole`` is how many there would be in both splits together."""
        n = len(options)
        self.nats += math.log(n)
        self.whole += math.log(whole or n)
        return options[int(self._random() * n)]

    def flip(self, p: float) -> bool:
        """True with probability ``p``."""
        yes = self._random() < p
        self._pay(-math.log(p if yes else 1 - p))
        return yes

    def weighted(self, weights: Sequence[float]) -> int:
        """Index ``k`` with probability ``weights[k]`` (they sum to 1)."""
        x = self._random()
        last = len(weights) - 1
        for k, weight in enumerate(weights):
            x -= weight
            if x < 0 or k == last:
                self._pay(-math.log(weight))
                return k
        raise ValueError("weights is empty; give at least one")

    def refund(self, probability: float) -> None:
        """Rejected draws made the rest likelier in this split: the accepted share was ``probability``."""
        self.nats += math.log(probability)
