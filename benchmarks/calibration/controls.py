"""Negative controls: the sources' own methods, on the scenarios where they are known to go wrong.

They must miss the bar. If one clears it, the benchmark has become blind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import bootstrap
from .block import SIZE, draws, generator
from .draw import Draw
from .scenario import Scenario
from .scenarios import BY_NAME

Limits = tuple[NDArray[np.float64], NDArray[np.float64]]
RESAMPLES = 2000
TOKEN_RESAMPLES = 1000  # of 12,288 tokens: half as many, for memory


@dataclass(frozen=True)
class Control:
    """A method of the sources on one scenario, exactly at its bound."""

    scenario: str
    method: str
    limits: Callable[[Sequence[Draw], np.random.Generator], Limits]
    """Lower and upper limits ``[claims]`` for the claims of one block."""

    @property
    def name(self) -> str:
        return f"{self.scenario}: {self.method}"


def _percentile_mean(block: Sequence[Draw], rng: np.random.Generator) -> Limits:
    scores = np.stack([draw.arms[0] for draw in block])
    by = bootstrap.weights(rng, scores.shape[1], RESAMPLES)
    return bootstrap.limits(bootstrap.resampled_means(scores, by))


def _token_ratio(block: Sequence[Draw], rng: np.random.Generator) -> Limits:
    error, deviation = (np.stack([draw.arms[k].ravel() for draw in block]) for k in (0, 1))
    by = bootstrap.weights(rng, error.shape[1], TOKEN_RESAMPLES)
    return bootstrap.limits(bootstrap.resampled_means(error, by) / bootstrap.resampled_means(deviation, by))


def _one_random_set(block: Sequence[Draw], rng: np.random.Generator) -> Limits:
    differences = np.stack([draw.arms[0] - draw.arms[1][:, 0] for draw in block])
    by = bootstrap.weights(rng, differences.shape[1], RESAMPLES)
    return bootstrap.limits(bootstrap.resampled_means(differences, by))


def _pooled_latents(runs: int) -> Callable[[Sequence[Draw], np.random.Generator], Limits]:
    def limits(block: Sequence[Draw], rng: np.random.Generator) -> Limits:
        arms = [np.stack([draw.arms[k][:runs].ravel() for draw in block]) for k in (0, 1)]
        a, b = (bootstrap.resampled_means(arm, bootstrap.weights(rng, arm.shape[1], RESAMPLES)) for arm in arms)
        return bootstrap.limits(a - b)

    return limits


CONTROLS = (
    Control("S2 n=58", "percentile bootstrap", _percentile_mean),
    Control("S2 n=18", "percentile bootstrap", _percentile_mean),
    Control("S4 p=.9", "percentile bootstrap", _percentile_mean),
    Control("S6 96 docs, ICC 0.05", "tokens resampled", _token_ratio),
    Control("S6 64 docs, ICC 0.2", "tokens resampled", _token_ratio),
    Control("S7 R=20", "one random set", _one_random_set),
    Control("S8 3 seeds", "one run, latents pooled", _pooled_latents(1)),
    Control("S8 3 seeds", "3 runs, latents pooled", _pooled_latents(3)),
    Control("S8 5 seeds", "5 runs, latents pooled", _pooled_latents(5)),
)

BY_CONTROL = {control.name: control for control in CONTROLS}


def false_passes(control: Control, block: int, n: int = SIZE) -> int:
    """False passes among ``n`` claims at the bound, on the same measurements that the scenario judges."""
    scenario = BY_NAME[control.scenario]
    lo, hi = control.limits(list(draws(scenario, "bound", block, n)), generator("control", control.name, block))
    return int(passes(scenario, lo, hi).sum())


def passes(scenario: Scenario, lo: NDArray[np.float64], hi: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each interval clears the scenario's bound."""
    bound = scenario.at_bound.bound
    return np.asarray(lo > bound if scenario.rule == "above" else hi < bound)
