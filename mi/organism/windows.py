"""Windows: the training stream, cut so that every window starts where a document starts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .world import documents

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHUNK = 20_000  # documents encoded at a time
FIRST_DATA_SEED = 1_000_000  # far from the seeds that people type; model seed k reads the stream k after it


def windows(tokenizer: Tokenizer, seed: int, batch: int, length: int) -> Iterator[NDArray[np.int64]]:
    """Endless batches ``[batch, length + 1]`` of packed training documents, each led by its BOS.

    A document that does not fit is cut, and opens the next window whole.
    """
    stream = documents("train", FIRST_DATA_SEED + seed, None)
    ready: list[NDArray[np.int64]] = []
    window: list[int] = []
    while True:
        for encoding in tokenizer.encode_batch_fast([d.text for d in islice(stream, CHUNK)]):
            ids = encoding.ids
            window += ids
            if len(window) > length:
                ready.append(np.array(window[: length + 1], np.int64))
                window = list(ids) if len(window) > length + 1 else []
                if len(ready) == batch:
                    yield np.stack(ready)
                    ready = []
