"""Controls of an explanation: another latent's, and random tokens. Both have to score at chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .latent_examples import LatentExamples
from .lexical import named_in, naming

TRUE, SHUFFLED, RANDOM = "true", "shuffled", "random"
ARMS = (TRUE, SHUFFLED, RANDOM)
NAMED = 3
"""Tokens of a random explanation where the true one names none to be counted."""


def shuffled(explanations: Mapping[int, str], seed: int) -> dict[int, str]:
    """Every latent with the explanation of another one, each used once; alone, a latent gets none."""
    latents = sorted(explanations)
    if len(latents) < 2:
        return {}
    order = [latents[i] for i in np.random.default_rng(seed).permutation(len(latents))]
    return {latent: explanations[other] for latent, other in zip(order, order[1:] + order[:1], strict=True)}


def random_tokens(latents: Sequence[LatentExamples], explanations: Mapping[int, str], seed: int) -> dict[int, str]:
    """Every latent with random tokens of the training texts, as many as its own explanation names.

    Tokens are drawn as often as they occur, whatever the latent does on them.
    """
    windows = {e.id: e.tokens for latent in latents for e in (*latent.explain, *latent.silent)}
    text = [token for name in sorted(windows) for token in windows[name]]
    kinds = len(set(text))
    found = {}
    for latent in sorted(explanations):
        rng = np.random.default_rng([seed, latent])
        wanted = min(len(named_in(explanations[latent]) or range(NAMED)), kinds)
        drawn: dict[str, None] = {}
        while len(drawn) < wanted:
            drawn[text[int(rng.integers(len(text)))]] = None
        found[latent] = naming(list(drawn))
    return found
