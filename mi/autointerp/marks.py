"""Marks: which tokens of a window fuzzing highlights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

THRESHOLD = 0.3  # delphi's: of the window's strongest activation


def true_marks(activations: Sequence[float]) -> tuple[int, ...]:
    """Indices of the tokens that fire with at least 0.3 of the window's strongest activation, which is positive."""
    least = THRESHOLD * max(activations)
    return tuple(i for i, a in enumerate(activations) if a >= least)


def false_marks(size: int, marked: Sequence[tuple[tuple[int, ...], int]], rng: np.random.Generator) -> tuple[int, ...]:
    """Marks for a window of ``size`` tokens in which the latent is silent, as one that activates it has them.

    As many, and as far along the window, so that neither number nor place tells: delphi always marks the token at
    three quarters, and may mark padding. Places that fall together move to the nearest free one.

    Args:
        size: tokens of the window.
        marked: marks and size of each window that activates the latent; one that fits is drawn.
        rng: draws it.

    Returns:
        Different indices below ``size``, in order; all of them if no window has so few marks.
    """
    fitting = [(marks, n) for marks, n in marked if len(marks) <= size]
    if not fitting:
        return tuple(range(size))
    marks, n = fitting[int(rng.integers(len(fitting)))]
    free = list(range(size))
    for mark in marks:
        aim = (mark + 0.5) / n * size - 0.5
        free.remove(min(free, key=lambda i: abs(i - aim)))
    return tuple(i for i in range(size) if i not in free)
