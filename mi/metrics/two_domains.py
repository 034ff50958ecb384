"""TwoDomains: the evaluation documents of two domains under one numbering, seen through one coder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..activations.read import Activations, assert_disjoint
from ..coders.coder import Coder
from ..progress import Progress
from .rows import Ints, coded


class OneDocument(NamedTuple):
    """A document's scored tokens, in order."""

    number: int
    """Its index in :class:`TwoDomains`."""
    latents: Tensor
    """``[n_tokens, n_latents]``."""
    token: Ints
    position: Ints


class TwoDomains:
    """Documents of A, then of B.

    Raises:
        Refusal: a document in both, by id or by text.

    Attributes:
        documents: ``[n]`` ids.
        labels: ``[n]`` the domain each document says it is of.
        in_b: ``[n]`` bool.
        held_out: ``[n]`` bool, drawn within each domain from the ids and the seed.
    """

    def __init__(self, a: Path, b: Path, held_out: float, seed: int) -> None:
        self._sets = (Activations(a), Activations(b))
        assert_disjoint(*self._sets)
        self.documents = [name for rows in self._sets for name in rows.documents]
        self.labels = [name for rows in self._sets for name in rows.domains]
        sizes = [len(rows.documents) for rows in self._sets]
        self._first = (0, sizes[0])
        self.in_b = np.arange(sum(sizes)) >= sizes[0]
        self.held_out = _hold_out(self.documents, self.in_b, held_out, seed)
        self.n_rows = sum(rows.n_rows for rows in self._sets)

    def through(self, coder: Coder, progress: Progress, label: str) -> Iterator[OneDocument]:
        """Every document once, whole."""
        with progress(label, self.n_rows, "tokens") as bar:
            for side, rows in enumerate(self._sets):
                for batch in coded(rows, coder, whole=True):
                    document = batch.rows.document
                    cuts = [0, *(np.flatnonzero(np.diff(document)) + 1).tolist(), len(document)]
                    for lo, hi in pairwise(cuts):
                        yield OneDocument(
                            self._first[side] + int(document[lo]),
                            batch.latents[lo:hi],
                            batch.rows.token[lo:hi],
                            batch.rows.position[lo:hi],
                        )
                    bar.update(len(document))


def _hold_out(documents: list[str], in_b: NDArray[np.bool_], share: float, seed: int) -> NDArray[np.bool_]:
    """By id rather than by place, so that the order of the harvest does not matter."""
    held = np.zeros(len(documents), dtype=bool)
    rng = np.random.default_rng(seed)
    for side in (False, True):
        members = sorted(np.flatnonzero(in_b == side).tolist(), key=lambda k: documents[k])
        held[rng.permutation(members)[: round(share * len(members))]] = True
    return held
