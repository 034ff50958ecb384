"""Variance explained, the one definition: one minus summed squared error over summed squared deviation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..refusal import Refusal
from .document_sums import DocumentSums


class Mean:
    """Mean over tokens, ``[d]`` in float64, streamed."""

    def __init__(self) -> None:
        self.n = 0
        self._sum: Tensor | None = None

    def add(self, rows: Tensor) -> None:
        """Add rows ``[n, d]``."""
        # Shifting is needless in float64: activations are far from 2**53 times their spread.
        total = rows.double().sum(0).cpu()
        self._sum = total if self._sum is None else self._sum + total
        self.n += len(rows)

    @property
    def value(self) -> Tensor:
        """``[d]``.

        Raises:
            Refusal: no rows.
        """
        if self._sum is None or self.n == 0:
            raise Refusal("no rows to take a mean of", "at least one scored token", "Check what masked them all.")
        return self._sum / self.n


class SquaredErrors:
    """Squared error and squared deviation from the mean, per document.

    ``FVU = SSE / SST`` and ``VE = 1 - FVU``, where ``SSE = sum over tokens of |target - reconstruction|^2`` and
    ``SST = sum over tokens of |target - mean|^2`` with one ``mean`` over all scored tokens of the evaluation set.
    It is scikit-learn's ``r2_score(multioutput="variance_weighted")``: predicting the mean gives VE 0, the
    identity 1, predicting zero less than 0 unless the mean is 0.

    Args:
        mean: ``[d]`` of the *target* over the whole evaluation set, from a first pass.
        documents: ids, in the order that the rows' indices mean.
    """

    def __init__(self, mean: Tensor, documents: Sequence[str]) -> None:
        self.mean = mean.double()
        self.sums = DocumentSums(documents)
        self._error_by_dimension = torch.zeros_like(self.mean)
        self._deviation_by_dimension = torch.zeros_like(self.mean)

    def add(
        self, target: Tensor, reconstruction: Tensor, document: NDArray[np.int64], **per_token: NDArray[np.float64]
    ) -> None:
        """Add rows ``[n, d]`` of both; ``per_token`` are further columns ``[n]`` to be summed per document.

        Raises:
            Refusal: shapes that differ, which would broadcast into a wrong number.
        """
        if target.shape != reconstruction.shape or target.shape[1:] != self.mean.shape:
            raise Refusal(
                f"target {tuple(target.shape)}, reconstruction {tuple(reconstruction.shape)}, mean {tuple(self.mean.shape)}",
                "[n, d], [n, d] and [d]",
                "Check which site the coder writes to.",
            )
        y = target.detach().cpu().double()
        error = (y - reconstruction.detach().cpu().double()).square()
        deviation = (y - self.mean).square()
        self._error_by_dimension += error.sum(0)
        self._deviation_by_dimension += deviation.sum(0)
        sse, sst = error.sum(1).numpy(), deviation.sum(1).numpy()
        # A token that sits on the mean has no ratio; the legacy number leaves it out as its users did.
        legacy = np.divide(sse, sst, out=np.zeros_like(sse), where=sst > 0)
        self.sums.add(document, sse=sse, sst=sst, legacy_ratio_sum=legacy, **per_token)

    @property
    def fvu(self) -> float:
        """Fraction of variance unexplained, 0 or more.

        Raises:
            Refusal: a target without variance.
        """
        sst = self.sums.total("sst")
        if not sst > 0:
            raise Refusal("a target that never varies", "rows that differ", "Check the site and what was masked.")
        return self.sums.total("sse") / sst

    @property
    def variance_explained(self) -> float:
        """``1 - fvu``, at most 1; below 0 the coder is worse than the mean."""
        return 1.0 - self.fvu

    @property
    def r2_uniform(self) -> float:
        """R² per dimension, averaged (scikit-learn's default): weighs dimensions that hardly vary like any other."""
        error, deviation = self._error_by_dimension, self._deviation_by_dimension
        r2 = torch.where(deviation > 0, 1 - error / deviation.clamp_min(torch.finfo(torch.float64).tiny), 0.0)
        return float(torch.where((deviation == 0) & (error == 0), 1.0, r2).mean())

    @property
    def legacy_variance_explained(self) -> float:
        """Mean over tokens of ``1 - |error|^2 / |deviation|^2``: what SAELens and SAEBench reported before 2025.

        Only for comparing with numbers published under it (SAELens#443, SAEBench#76): tokens near the mean count most.
        """
        return 1.0 - self.sums.total("legacy_ratio_sum") / self.sums.total("n_tokens")


def squared_errors(
    targets: Iterable[Tensor], reconstructions: Iterable[Tensor], mean: Tensor | None = None
) -> SquaredErrors:
    """Squared errors of batches in memory, as one document; ``mean`` defaults to that of all targets."""
    held = list(targets)
    if mean is None:
        running = Mean()
        for batch in held:
            running.add(batch)
        mean = running.value
    errors = SquaredErrors(mean, ["all"])
    for target, reconstruction in zip(held, reconstructions, strict=True):
        errors.add(target, reconstruction, np.zeros(len(target), dtype=np.int64))
    return errors


def variance_explained(target: Tensor, reconstruction: Tensor) -> float:
    """VE of rows ``[n, d]`` held in memory; see :class:`SquaredErrors`."""
    return squared_errors([target], [reconstruction]).variance_explained
