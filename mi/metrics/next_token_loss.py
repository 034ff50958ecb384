"""Next-token loss, per document."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CELLS = 2**24  # float64 log-probabilities held at once: 128 MB


class Losses(NamedTuple):
    """Cross-entropies in nats."""

    values: NDArray[np.float64]
    """``[n]``, one per scored prediction."""
    row: NDArray[np.int64]
    """``[n]`` the text of the batch each belongs to."""


def next_token_losses(logits: Tensor, ids: Tensor, scored: Tensor) -> Losses:
    """Cross-entropy of each next token, where both it and the token it is predicted from are scored.

    ``logits`` ``[n, t, vocab]``, ``ids`` and ``scored`` ``[n, t]``. Special positions predict nothing here: no
    edit touches them, so they could only dilute what an edit does. In float64, a slice at a time.
    """
    use = (scored[:, :-1] & scored[:, 1:]).nonzero()
    row, at = use[:, 0], use[:, 1]
    wanted = ids[row, at + 1].to(logits.device)
    values = torch.empty(len(row), dtype=torch.float64)
    step = max(1, CELLS // logits.shape[-1])
    for k in range(0, len(row), step):
        log_p = logits[row[k : k + step], at[k : k + step]].double().log_softmax(-1)
        values[k : k + step] = -log_p.gather(1, wanted[k : k + step, None])[:, 0].cpu()
    return Losses(values.numpy(), row.cpu().numpy())
