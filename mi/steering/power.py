"""Power: how many prompts a paired difference of success rates needs."""

from __future__ import annotations

from math import ceil, sqrt

from scipy import stats


def prompts_needed(discordance: float, difference: float = 0.1, power: float = 0.8, alpha: float = 0.025) -> int:
    """Pairs for a one-sided McNemar test (Connor 1987, Biometrics 43:207).

    Args:
        discordance: share of pairs with different outcomes, 0 to 1; at least ``difference`` is assumed.
        difference: of the two success rates, to be told from 0.
        power: chance of telling it, 0 to 1.
        alpha: one-sided error.
    """
    spread = max(discordance, difference)
    z_alpha, z_beta = float(stats.norm.isf(alpha)), float(stats.norm.isf(1 - power))
    return ceil(((z_alpha * sqrt(spread) + z_beta * sqrt(spread - difference**2)) / difference) ** 2)
