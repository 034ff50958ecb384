"""Laws: where simulated measurements come from. Each has exactly the true value that it is given.

Shapes follow the published summaries of the sources: latent scores spread by .10, probes on 180
examples, documents of 128 tokens, random feature sets that differ by .085.
"""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .draw import Draw, Law, names

EXAMPLES = names(180, "example ")
TOKENS = 128
CEILING = 0.93
"""Accuracy of the full model; the sources' probe has 168 of 180."""
SHARED_DIFFICULTY = 0.3
"""Correlation of the latent difficulty of one example between feature sets."""

Array = NDArray[np.float64]


def beta_scores(rng: np.random.Generator, mean: float, concentration: float, n: int) -> Array:
    """``[n]`` scores in [0, 1] from a Beta distribution, by its mean and its ``a + b``."""
    return rng.beta(mean * concentration, (1 - mean) * concentration, size=n)


def concentration(mean: float, sd: float) -> float:
    """``a + b`` of the Beta distribution with this mean and standard deviation."""
    return mean * (1 - mean) / sd**2 - 1


def two_arms_of_latents(n_a: int, n_b: int, gap: float, mean: float = 0.75, sd: float = 0.10) -> Law:
    """Scores per latent, independent arms, means ``gap`` apart."""

    def draw(rng: np.random.Generator) -> Draw:
        a = beta_scores(rng, mean + gap, concentration(mean + gap, sd), n_a)
        return Draw((a, beta_scores(rng, mean, concentration(mean, sd), n_b)))

    return draw


def near_ceiling(n: int, mean: float) -> Law:
    """One arm of scores near 1; the concentration is that of mean .93 with standard deviation .09."""
    return lambda rng: Draw((beta_scores(rng, mean, concentration(0.93, 0.09), n),))


def paired_outcomes(only_a: float, only_b: float, both: float = 0.80) -> Law:
    """Right or wrong on the same examples; ``only_a`` and ``only_b`` are the discordant shares."""
    shares = [both, only_a, only_b, 1 - both - only_a - only_b]

    def draw(rng: np.random.Generator) -> Draw:
        cell = rng.choice(4, size=len(EXAMPLES), p=shares)
        return Draw(((cell <= 1).astype(float), ((cell == 0) | (cell == 2)).astype(float)), EXAMPLES)

    return draw


def independent_outcomes(n: int, *p: float) -> Law:
    """One arm of ``n`` outcomes per success probability."""
    return lambda rng: Draw(tuple((rng.random(n) < q).astype(float) for q in p))


def documents(n: int, icc: float, fvu: float = 0.2) -> Law:
    """Squared error and squared deviation per token, ``[n_documents, tokens]`` each.

    The error is log-normal; ``icc`` is the share of the variance of its logarithm that lies between
    documents. The ratio of the expected sums is ``fvu``.
    """
    ids = names(n, "document ")

    def draw(rng: np.random.Generator) -> Draw:
        log_error = sqrt(icc) * rng.standard_normal((n, 1)) + sqrt(1 - icc) * rng.standard_normal((n, TOKENS))
        deviation = rng.gamma(4.0, 0.25, size=(n, TOKENS))  # mean 1, some spread between tokens
        return Draw((fvu * exp(-0.5) * np.exp(log_error), deviation), ids)

    return draw


def circuit_and_random_sets(gap: float, sets: int = 20, tau: float = 0.085, mean: float = 0.66) -> Law:
    """Outcomes of a circuit ``[180]`` and of random feature sets ``[180, sets]`` on the same examples.

    Set accuracies are Beta with standard deviation ``tau``; an example's difficulty is shared through a
    Gaussian threshold, which leaves every accuracy exact (no clipping).
    """
    spread = concentration(mean, tau)
    n = len(EXAMPLES)

    def draw(rng: np.random.Generator) -> Draw:
        accuracy = np.append(mean + gap, beta_scores(rng, mean, spread, sets))
        noise = sqrt(1 - SHARED_DIFFICULTY) * rng.standard_normal((n, sets + 1))
        difficulty = sqrt(SHARED_DIFFICULTY) * rng.standard_normal((n, 1)) + noise
        right = (difficulty < stats.norm.ppf(accuracy)).astype(float)
        return Draw((right[:, 0], right[:, 1:]), EXAMPLES)

    return draw


def training_runs(seeds: int, gap: float, tau: float = 0.02, sd: float = 0.10, latents: int = 60) -> Law:
    """Scores ``[seeds, latents]`` per arm; run means differ by ``tau``, latents of one run by ``sd``."""
    ids = names(seeds, "seed ")

    def arm(rng: np.random.Generator, mean: float) -> Array:
        return mean + tau * rng.standard_normal((seeds, 1)) + sd * rng.standard_normal((seeds, latents))

    return lambda rng: Draw((arm(rng, 0.75 + gap), arm(rng, 0.75)), ids)


def faithful(ratio: float, only_circuit: float) -> Law:
    """Outcomes of a circuit and of the full model, accuracies in the given ratio.

    ``only_circuit`` is the share of examples that the circuit alone gets right; with 0 its errors
    contain all of the full model's.
    """
    kept = ratio - only_circuit / CEILING

    def draw(rng: np.random.Generator) -> Draw:
        full = rng.random(len(EXAMPLES)) < CEILING
        right = rng.random(len(EXAMPLES)) < np.where(full, kept, only_circuit / (1 - CEILING))
        return Draw((right.astype(float), full.astype(float)), EXAMPLES)

    return draw
