"""N-grams: what counting words alone predicts; the yardstick below a language model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class NGrams:
    """Unigram, bigram and trigram probabilities with Witten-Bell back-off.

    ``p(w | h) = (count(h w) + types(h) p(w | h')) / (count(h) + types(h))``, where ``h'`` is ``h`` without its first
    token and ``types(h)`` the number of different tokens seen after it (Witten and Bell 1991). Unigrams are add-one.
    """

    def __init__(self, documents: Iterable[Sequence[int]], vocabulary: int, end: int = 0) -> None:
        """Count ``documents`` (token ids without special tokens), each between two ``end``."""
        self.vocabulary, self.end = vocabulary, end
        history, targets = self._rows(documents)
        counts = np.bincount(targets, minlength=vocabulary)
        self._unigram = (counts + 1.0) / (counts.sum() + vocabulary)
        self._tables = [
            _Table(history[:, 1], targets, vocabulary),
            _Table(history[:, 0] * vocabulary + history[:, 1], targets, vocabulary),
        ]

    def _rows(self, documents: Iterable[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        stream: list[int] = []
        keep: list[bool] = []
        for ids in documents:
            stream += [self.end, self.end, *ids, self.end]
            keep += [False, False] + [True] * (len(ids) + 1)
        all_ids, at = np.array(stream, np.int64), np.flatnonzero(keep)
        return np.stack([all_ids[at - 2], all_ids[at - 1]], 1), all_ids[at]

    def nats(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """``[3]``: nats of one document under the unigram, the bigram and the trigram, its end included."""
        history, targets = self._rows([ids])
        p = self._unigram[targets]
        out = [-np.log(p).sum()]
        for table, key in zip(
            self._tables, (history[:, 1], history[:, 0] * self.vocabulary + history[:, 1]), strict=True
        ):
            p = table.probability(key, targets, p)
            out.append(-np.log(p).sum())
        return np.array(out)


class _Table:
    def __init__(self, keys: NDArray[np.int64], targets: NDArray[np.int64], vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self._pairs, self._pair_counts = np.unique(keys * vocabulary + targets, return_counts=True)
        self._keys, self._key_counts = np.unique(keys, return_counts=True)
        self._types = np.unique(self._pairs // vocabulary, return_counts=True)[1]

    def probability(
        self, keys: NDArray[np.int64], targets: NDArray[np.int64], backed: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        pair = _look_up(self._pairs, self._pair_counts, keys * self._vocabulary + targets)
        count, types = (_look_up(self._keys, of, keys) for of in (self._key_counts, self._types))
        known = count > 0
        return np.where(known, (pair + types * backed) / np.where(known, count + types, 1), backed)


def _look_up(table: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    at = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return np.where(table[at] == wanted, values[at], 0)
