"""SecondLook: the sums of a measurement once more, by other code, before anybody sees the first ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..activations.read import Activations
from ..refusal import Refusal

RELATIVE = 1e-6  # float64 sums in another order agree far better; anything rounded on its way does not
AT_ONCE = 4096  # rows that are read again, document by document


class SecondLook:
    """Running totals over all scored tokens, in float64, with nothing in common with the classes that are checked.

    Variance is taken from ``sum |y|^2 - |sum y|^2 / n``, so that no mean has to be right beforehand.
    """

    def __init__(self) -> None:
        self.n = 0
        self.error = self.squares = self.active = 0.0
        self.total: Tensor | None = None
        self.alive: Tensor | None = None

    def add(self, target: Tensor, reconstruction: Tensor, latents: Tensor | None = None) -> None:
        """Add rows ``[n, d]`` of target and reconstruction, and ``[n, n_latents]`` of latents if they are counted."""
        y = target.detach().cpu().double()
        self.n += len(y)
        self.total = y.sum(0) if self.total is None else self.total + y.sum(0)
        self.squares += float((y * y).sum())
        self.error += float((y - reconstruction.detach().cpu().double()).norm() ** 2)
        if latents is not None:
            on = latents.detach().cpu() != 0
            self.active += float(on.sum())
            self.alive = on.any(0) if self.alive is None else self.alive | on.any(0)

    @property
    def variance(self) -> float:
        """Squared distances from the mean, added up."""
        assert self.total is not None
        return self.squares - float(self.total @ self.total) / self.n

    def require_mean(self, mean: Tensor) -> None:
        """Refuse a mean that is not that of the rows which were added.

        Raises:
            Refusal: it lies elsewhere.
        """
        assert self.total is not None
        off = float((mean.cpu().double() - self.total / self.n).norm())
        spread = max(self.variance / self.n, 0.0) ** 0.5
        if not off <= RELATIVE * max(spread, float(self.total.norm()) / self.n):
            raise Refusal(
                f"a mean {off:.3g} away from that of the {self.n} rows (their spread is {spread:.3g})",
                "the mean over all scored tokens",
                "Look for a mean of the last batch, of other rows, or divided by another number.",
            )

    def require_totals(self, columns: Mapping[str, NDArray[np.float64]], facts: Mapping[str, Any]) -> None:
        """Refuse a table whose columns do not add up to what was seen here.

        Raises:
            Refusal: with the first column that does not.
        """
        assert self.alive is not None
        wanted = {
            "n_tokens": float(self.n),
            "sse": self.error,
            "sst": self.variance,
            "l0_sum": self.active,
            "alive latents": float(self.alive.sum()),
        }
        given = {name: float(np.sum(columns[name])) for name in ("n_tokens", "sse", "sst", "l0_sum")}
        given["alive latents"] = float(facts["alive"])
        # The variance is a difference of two sums: it can be no more exact than they are.
        slack = {"sst": 1e-12 * self.squares}
        for name, value in wanted.items():
            if not abs(given[name] - value) <= RELATIVE * abs(value) + slack.get(name, 0.0):
                raise Refusal(
                    f"{name} of {given[name]:.9g} in all documents", f"{value:.9g}, counted independently", _LOOK
                )


def require_documents(
    rows: Activations,
    site: str,
    mean: Tensor,
    units: Sequence[str],
    columns: Mapping[str, NDArray[np.float64]],
) -> None:
    """Refuse a table that misses documents, or whose first ones hold other rows than the files.

    Raises:
        Refusal: with the document.
    """
    if list(units) != list(rows.documents):
        raise Refusal(
            f"{len(units)} documents in the table", f"the {len(rows.documents)} that were harvested, in order", _LOOK
        )
    batch = next(rows.ordered(site, AT_ONCE))
    document = batch["document"].numpy()
    squares = (batch[site].double() - mean.cpu().double()).square().sum(1).numpy()
    last = int(document[-1])
    whole = range(last + 1 if len(document) == rows.n_rows else last)  # the last may go on in the next batch
    for i in whole:
        here = document == i
        given, wanted = (columns["n_tokens"][i], columns["sst"][i]), (here.sum(), squares[here].sum())
        if given[0] != wanted[0] or not abs(given[1] - wanted[1]) <= RELATIVE * abs(wanted[1]):
            raise Refusal(
                f"document {units[i]!r} with {given[0]:g} tokens and a variance of {given[1]:.6g}",
                f"{wanted[0]} tokens and {wanted[1]:.6g}, read from the files again",
                _LOOK,
            )


_LOOK = "Look for rows that were filed, summed or cut otherwise than the definition says."
