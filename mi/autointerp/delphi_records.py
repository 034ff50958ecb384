"""record_of: a latent and its explanation as delphi's scorers want them."""

from __future__ import annotations

from typing import Any

import torch

from .delphi_engine import load
from .latent_examples import LatentExamples


def record_of(latent: LatentExamples, explanation: str) -> Any:
    """A ``LatentRecord`` with the test windows of both kinds.

    delphi's embedding and surprisal scorers shuffle the windows and hand back neither which one a number is of nor
    whether it is activating: all they keep is a quantile or a distance, and both can be 0. So the index of a window in
    ``latent.test`` stands there, and comes home as ``distance``.
    """
    d = load("delphi.latents.latents")
    record = d.LatentRecord(d.Latent("", latent.latent), explanation=explanation)
    for i, example in enumerate(latent.test):
        common = {
            "tokens": torch.zeros(len(example.tokens), dtype=torch.int64),
            "activations": torch.tensor(example.activations),
            "str_tokens": list(example.tokens),
        }
        if example.activating:
            record.test.append(d.ActivatingExample(**common, quantile=i))
        else:
            record.not_active.append(d.NonActivatingExample(**common, distance=i))
    record.extra_examples = record.not_active
    return record
