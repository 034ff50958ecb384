"""Usable: the windows of two caches that may be shown and scored, none of them twice and none on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal
from .cached import Cached
from .windows import Windows


class Usable(NamedTuple):
    """Masks over the windows of both sides."""

    train: NDArray[np.bool_]
    """``[n_train]``: the first of those with the same tokens."""
    test: NDArray[np.bool_]
    """``[n_test]``: the same, and neither its document nor its tokens are among the training texts'."""
    dropped: dict[str, int]
    """How many fell away, and why."""


def usable(train: Cached, test: Cached) -> Usable:
    """What may be used of training and held-out texts.

    A generated world repeats itself: a held-out document whose text is a training document's under another id, or an
    earlier held-out document's, is left out, and so is a window with the tokens of a training window.

    Raises:
        Refusal: a document id on both sides, or nothing left.
    """
    shared = sorted(set(train.documents) & set(test.documents))
    if shared:
        raise Refusal(
            f"{len(shared)} documents among the training and the test texts ({', '.join(shared[:3])})",
            "test texts that no explanation was made from",
            "Cache the latents on held-out texts.",
        )
    seen = set(train.text_hashes)
    known = np.array([text in seen for text in test.text_hashes])
    again = ~_first(test.text_hashes) & ~known
    ours, theirs = _keys(train.windows), _keys(test.windows)
    shown = set(ours)
    document = test.windows.document
    fresh = ~(known | again)[document]
    equal = np.array([key in shown for key in theirs]) & fresh
    left = fresh & ~equal
    left[np.flatnonzero(left)] = _first([theirs[w] for w in np.flatnonzero(left)])
    dropped = {
        "train_windows_repeated": int((~_first(ours)).sum()),
        "test_documents_in_training_texts": int(known.sum()),
        "test_documents_repeated": int(again.sum()),
        "test_windows_in_training_windows": int(equal.sum()),
        "test_windows_repeated": int((fresh & ~equal).sum() - left.sum()),
    }
    if not left.any():
        raise Refusal(f"no test window of {len(theirs)} left ({dropped})", "some", "Take other held-out texts.")
    return Usable(_first(ours), left, dropped)


def _keys(windows: Windows) -> list[bytes]:
    return [row[:size].tobytes() for row, size in zip(windows.tokens, windows.size, strict=True)]


def _first(keys: Sequence[str | bytes]) -> NDArray[np.bool_]:
    seen: set[str | bytes] = set()
    found = np.ones(len(keys), dtype=bool)
    for k, key in enumerate(keys):
        found[k] = key not in seen
        seen.add(key)
    return found
