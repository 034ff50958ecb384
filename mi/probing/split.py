"""FitSet and TestSet: rows that may be looked at, and rows that may only be judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal
from .labelled import require_apart
from .pooled import Pooled


@dataclass(frozen=True)
class FitSet:
    """Training rows: everything is chosen and fitted on them.

    Attributes:
        x: ``[n, d]`` float32.
        y: ``[n]`` 0 or 1.
        hashes: ``[n]`` of the texts.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    hashes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (len(self.x) == len(self.y) == len(self.hashes)) or len(np.unique(self.y)) != 2:
            raise Refusal(
                f"{len(self.x)} rows, {len(self.y)} labels of {len(np.unique(self.y))} classes",
                "as many rows as labels, and both classes",
                "Check the examples.",
            )

    def take(self, rows: NDArray[np.int64]) -> FitSet:
        """Some of the rows."""
        return FitSet(self.x[rows], self.y[rows], tuple(self.hashes[i] for i in rows))


class TestSet:
    """Held-out rows. There is no way to read them or their labels; a fitted probe turns them into outcomes.

    Attributes:
        ids: ``[n]`` of the examples.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    def __init__(self, x: NDArray[np.float32], y: NDArray[np.int64], ids: Sequence[str], hashes: Sequence[str]) -> None:
        self.ids = tuple(ids)
        self.__x, self.__y, self.__hashes = x, y, frozenset(hashes)

    def __len__(self) -> int:
        return len(self.ids)

    def outcomes(self, probe: object) -> NDArray[np.float64]:
        """``[n]`` 1 where a :class:`.probe.FittedProbe` is right.

        Raises:
            Refusal: not a fitted probe, or one that was fitted on any of these texts.
        """
        from .probe import FittedProbe

        if not isinstance(probe, FittedProbe):
            raise Refusal(f"{type(probe).__name__} on held-out rows", "a fitted probe", "Fit it on a FitSet first.")
        if shared := self.__hashes & probe.fitted_on:
            raise Refusal(
                f"a probe that was fitted on {len(shared)} of the texts it is tested on",
                "no text in both",
                "Keep the splits apart.",
            )
        right: NDArray[np.float64] = (probe.predict(self.__x) == self.__y).astype(np.float64)
        return right


def split(fit: Pooled, test: Pooled, names: str | Sequence[str]) -> tuple[FitSet, TestSet]:
    """Rows of ``names`` to fit on and to test on.

    Raises:
        Refusal: examples in both, or artifacts of the wrong splits.
    """
    a, b = fit.examples, test.examples
    require_apart(a, b)
    if a.split != "train" or b.split == "train":
        raise Refusal(
            f"fitted on the split {a.split}, tested on {b.split}",
            "fitted on train and tested on another",
            "Exchange them.",
        )
    return FitSet(fit.rows(names), a.labels, tuple(a.hashes)), TestSet(test.rows(names), b.labels, b.ids, b.hashes)
