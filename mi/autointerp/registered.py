"""Which latents are scored: drawn beforehand by a rule that needs no model, and bound by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from ..refusal import Refusal

SHORT = 12  # hex digits


def draw(n_latents: int, n: int, seed: int = 0) -> list[int]:
    """``n`` different latents of ``n_latents``, in ascending order, dead ones included.

    Raises:
        Refusal: more than there are, or none.
    """
    if not 0 < n <= n_latents:
        raise Refusal(f"{n} latents of {n_latents}", "at least one, at most all", "Draw fewer.")
    return sorted(int(i) for i in np.random.default_rng(seed).choice(n_latents, n, replace=False))


def digest(latents: Sequence[int]) -> str:
    """Twelve hex digits that stand for these latents, whatever their order."""
    return hashlib.sha256(json.dumps(sorted(latents)).encode()).hexdigest()[:SHORT]
