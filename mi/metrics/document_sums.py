"""DocumentSums: per-document totals of per-token numbers, streamed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


class DocumentSums:
    """Adds up per-token numbers by document, in float64.

    What is kept is one number per document and column, whatever the number of tokens. How the tokens were
    split into batches, and in which order they came, moves the totals by rounding only.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        self.documents = tuple(documents)
        self._columns: dict[str, NDArray[np.float64]] = {"n_tokens": np.zeros(len(self.documents))}

    def add(self, document: NDArray[np.int64], **per_token: ArrayLike) -> None:
        """Count the tokens of ``document`` ``[n]`` (indices into ``documents``) and add ``[n]`` numbers per column.

        Raises:
            ValueError: a column without one number per token, or a number that is not finite.
        """
        n = len(self.documents)
        self._columns["n_tokens"] += np.bincount(document, minlength=n)
        for name, values in per_token.items():
            array = np.asarray(values, dtype=np.float64)
            if array.shape != document.shape:
                raise ValueError(f"{name}: shape {array.shape} for {document.shape} tokens. Pass one number per token.")
            if not np.isfinite(array).all():
                bad = self.documents[int(document[np.flatnonzero(~np.isfinite(array))[0]])]
                raise ValueError(f"{name} is NaN or infinite in document {bad!r}. Check the coder and its input.")
            column = self._columns.setdefault(name, np.zeros(n))
            column += np.bincount(document, weights=array, minlength=n)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """``[n_documents]`` which documents had at least one token."""
        return self._columns["n_tokens"] > 0

    @property
    def units(self) -> list[str]:
        """Ids of the documents that were scored."""
        return [name for name, has in zip(self.documents, self.scored, strict=True) if has]

    def columns(self) -> dict[str, NDArray[np.float64]]:
        """``[n_scored]`` totals per scored document, ``n_tokens`` among them."""
        return {name: column[self.scored] for name, column in self._columns.items()}

    def total(self, name: str) -> float:
        """Sum of a column over all documents."""
        return float(self._columns[name].sum())
