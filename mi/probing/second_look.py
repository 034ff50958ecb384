"""SecondLook: what a fitted probe says of itself, held against the files by other code. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal
from .pooled import FILE
from .probe import C, FittedProbe

Floats = NDArray[np.float64]
RELATIVE = 1e-6
STATIONARY = 1e-3  # ten times scikit-learn's tolerance for the gradient of the mean loss


class SecondLook:
    """The rows and labels of one thing that is probed, read from both artifacts once more."""

    def __init__(self, train: Path, test: Path, name: str) -> None:
        self.name = name
        (self._x, self._y), (self._held_x, self._held_y) = (_read(folder, name) for folder in (train, test))

    def require(self, probe: FittedProbe, right: Floats, k: int | None, drawn: NDArray[np.int64] | None = None) -> None:
        """Refuse a probe that anything but the training rows went into, or outcomes that are not its own.

        Args:
            probe: as it was fitted.
            right: ``[n]`` what was recorded of it on the test rows.
            k: how many columns it was allowed to choose; None for all.
            drawn: which training rows it was fitted on; None for all.

        Raises:
            Refusal: columns that do not differ most between the classes, a scale of other rows, weights that do not
                minimise the loss on these rows and labels, or outcomes that do not follow from its weights.
        """
        rows = np.arange(len(self._y)) if drawn is None else drawn
        x, y = self._x[rows], self._y[rows]
        if k is not None:
            self._require_columns(probe, x, y, k)
        x = self._require_scale(probe, x[:, probe.columns])
        self._require_weights(probe, x, y)
        self._require_outcomes(probe, right)

    def _require_columns(self, probe: FittedProbe, x: Floats, y: NDArray[Any], k: int) -> None:
        gaps = np.abs(x[y == 1].mean(0) - x[y == 0].mean(0))
        least, worst = float(np.sort(gaps)[-k]), float(gaps[probe.columns].min())
        if len(probe.columns) != k or worst < least * (1 - RELATIVE):
            raise self._refusal(
                f"a column among the best {k} with a difference of class means of {worst:.3g}",
                f"at least {least:.3g}, on training rows",
            )

    def _require_scale(self, probe: FittedProbe, x: Floats) -> Floats:
        spread = x.std(0)
        scale = np.where(spread > 0, spread, 1.0)
        off = max(float((np.abs(probe.centre - x.mean(0)) / scale).max()), float(np.abs(probe.scale / scale - 1).max()))
        if not off <= RELATIVE:
            raise self._refusal(
                f"columns centred and scaled {off:.2g} standard deviations off",
                "by the mean and spread of the training rows",
            )
        scaled: Floats = (x - x.mean(0)) / scale
        return scaled

    def _require_weights(self, probe: FittedProbe, x: Floats, y: NDArray[Any]) -> None:
        weights, bias = probe.model.coef_[0], probe.model.intercept_[0]
        left = 1 / (1 + np.exp(-np.clip(x @ weights + bias, -500, 500))) - y
        slope = float(np.abs(np.append(x.T @ left + weights / C, left.sum())).max()) / len(y)
        if not slope <= STATIONARY:
            raise self._refusal(
                f"weights at which the loss on the training rows still has a slope of {slope:.2g}",
                "a minimum: fitted on these rows and these labels",
            )

    def _require_outcomes(self, probe: FittedProbe, right: Floats) -> None:
        weights, bias = probe.model.coef_[0], probe.model.intercept_[0]
        held = (self._held_x[:, probe.columns] - probe.centre) / probe.scale @ weights + bias
        clear = np.abs(held) > RELATIVE * np.abs(held).max()  # others may round to either side
        wrong = int((((held > 0) == (self._held_y == 1)) != (right == 1))[clear].sum())
        if wrong:
            raise self._refusal(f"{wrong} of {len(right)} outcomes", "what its weights say of the test rows")

    def _refusal(self, given: str, expected: str) -> Refusal:
        return Refusal(f"a probe of {self.name}: {given}", expected, "Look for rows or labels of another split.")


def require_different_draws(drawn: list[NDArray[np.int64]], y: NDArray[np.int64]) -> None:
    """Refuse few examples that were drawn once and counted many times.

    Raises:
        Refusal: all draws are one set, where there was something to draw.
    """
    sets = {frozenset(rows.tolist()) for rows in drawn}
    if len(sets) == 1 < len(drawn) and len(drawn[0]) // 2 < max(np.bincount(y)):
        raise Refusal(f"{len(drawn)} draws of the same examples", "different ones", "Look for a seed inside the loop.")


def _read(folder: Path, name: str) -> tuple[Floats, NDArray[Any]]:
    from safetensors.numpy import load_file

    lines = (folder / "documents.jsonl").read_text("utf-8").splitlines()
    rows = load_file(folder / FILE)[name].astype(np.float64)
    return rows, np.array([json.loads(line)["label"] for line in lines if line.strip()])
