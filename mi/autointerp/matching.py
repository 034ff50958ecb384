"""Matching: pairs of latents of two coders that fire about equally often."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..refusal import Refusal


def match_rates(first: Mapping[str, float], second: Mapping[str, float], caliper: float) -> list[tuple[str, str]]:
    """Pairs, one latent of each coder, whose firing rates differ by at most ``caliper`` decades.

    As many pairs as possible; among those the ones with the smallest summed distance in log10 of the rate. Scores
    play no part, so a difference over pairs is free of what firing rates alone would explain.

    Args:
        first, second: firing rates above 0 by latent.
        caliper: decades, above 0.

    Raises:
        Refusal: a rate that is not above 0, or a caliper that is not.
    """
    rates = [*first.values(), *second.values()]
    if not (caliper > 0 and all(np.isfinite(r) and r > 0 for r in rates)):
        raise Refusal(
            f"caliper={caliper:g}, lowest rate {min(rates, default=0):g}", "numbers above 0", "Leave dead latents out."
        )
    a, b = sorted(first), sorted(second)
    if not a or not b:
        return []
    logs = (np.log10([first[n] for n in a]), np.log10([second[n] for n in b]))
    distance = np.abs(logs[0][:, None] - logs[1][None, :])
    near = distance <= caliper
    # One forbidden pair costs more than all allowed ones together, so that none is taken where it can be avoided.
    cost = np.where(near, distance, caliper * (min(len(a), len(b)) + 1))
    return [(a[i], b[j]) for i, j in zip(*linear_sum_assignment(cost), strict=True) if near[i, j]]
