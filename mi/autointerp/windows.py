"""Windows: the documents of a harvest, cut into the short contexts in which a latent is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal

Ints = NDArray[np.int64]
LENGTH = 32  # delphi's; weak scorers read longer ones worse
SHORTEST = 6  # the embedded model's shortest documents; of the tail of a cut document, less says too little


@dataclass(frozen=True)
class Windows:
    """Runs of neighbouring scored tokens; no BOS, which was fed to the model and is not scored.

    Attributes:
        document: ``[n]`` index into the harvest's documents.
        start: ``[n]`` position of the first token in its document, where BOS is 0.
        size: ``[n]`` tokens, at most ``length``.
        tokens: ``[n, length]`` ids; what lies behind ``size`` is padding, and no token.
    """

    document: Ints
    start: Ints
    size: Ints
    tokens: Ints

    def __len__(self) -> int:
        return len(self.size)

    @property
    def length(self) -> int:
        """Tokens of the longest window that there could be."""
        return int(self.tokens.shape[1])

    def ids(self, window: int) -> tuple[int, ...]:
        """The token ids of one window, without padding."""
        return tuple(self.tokens[window, : self.size[window]].tolist())


@dataclass(frozen=True)
class Cut:
    """How the rows of a harvest became windows.

    Attributes:
        windows: in the rows' order.
        window: ``[n_rows]`` which window each row is in; -1 where that was too short to keep.
        offset: ``[n_rows]`` its place there.
        dropped: windows that were too short.
        dropped_tokens: rows in them.
        documents: documents that have rows.
        led: documents with a token in front of the first scored one: BOS.
    """

    windows: Windows
    window: Ints
    offset: Ints
    dropped: int
    dropped_tokens: int
    documents: int
    led: int


def cut(document: Ints, position: Ints, token: Ints, length: int = LENGTH, shortest: int = SHORTEST) -> Cut:
    """Cut rows, given document after document, into windows of ``length`` tokens; the last of a document is shorter.

    A position that was not scored (a special token written out in a text) ends a window: nothing is glued together.

    Args:
        document: ``[n_rows]`` index of each row's document.
        position: ``[n_rows]`` in the document.
        token: ``[n_rows]`` ids.
        length: tokens of a window at most.
        shortest: windows of fewer tokens are dropped.

    Raises:
        Refusal: lengths that contradict each other, or no window left.
    """
    if not 1 <= shortest <= length:
        raise Refusal(f"windows of {shortest} to {length} tokens", "1 <= shortest <= length", "Correct the recipe.")
    n = len(token)
    other = np.ones(n, dtype=bool)
    other[1:] = document[1:] != document[:-1]
    broken = other.copy()
    broken[1:] |= position[1:] != position[:-1] + 1
    first = np.flatnonzero(broken)
    within = np.arange(n) - first[np.cumsum(broken) - 1]
    begins = within % length == 0
    number = np.cumsum(begins) - 1
    size = np.bincount(number)
    kept = size >= shortest
    if not kept.any():
        raise Refusal(f"{len(size)} windows below {shortest} tokens", "one to show at least", "Take longer texts.")
    window = np.where(kept, np.cumsum(kept) - 1, -1)[number]
    offset = within % length
    inside = window >= 0
    tokens = np.zeros((int(kept.sum()), length), dtype=np.int64)
    tokens[window[inside], offset[inside]] = token[inside]
    starts = begins & inside
    windows = Windows(document[starts], position[starts], size[kept], tokens)
    return Cut(
        windows,
        window,
        offset,
        dropped=int((~kept).sum()),
        dropped_tokens=int((~inside).sum()),
        documents=int(other.sum()),
        led=int((position[other] > 0).sum()),
    )
