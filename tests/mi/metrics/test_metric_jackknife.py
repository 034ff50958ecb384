"""One number per seed out of one number per pair: is the interval as wide as it should be?"""

import numpy as np
import pytest
from scipy import stats

from mi.claimable import Sample, over_runs
from mi.metrics.jackknife import pseudo_values
from mi.refusal import Refusal

TRUTH = 0.3


def pairs_of(rng, n_runs, run_sd, pair_sd):
    """A run's own quality enters each of its pairs; a pair has something of its own."""
    run = rng.normal(size=n_runs) * run_sd
    ids = [(i, j) for j in range(n_runs) for i in range(j)]
    return {(i, j): TRUTH + run[i] + run[j] + rng.normal() * pair_sd for i, j in ids}


def errors(make, n_runs, run_sd, pair_sd, repeats=3000):
    """One-sided error rates of the 95 % t interval on what ``make`` gives."""
    rng = np.random.default_rng(7)
    values = np.array([make(pairs_of(rng, n_runs, run_sd, pair_sd), n_runs) for _ in range(repeats)])
    n = values.shape[1]
    half = stats.t.ppf(0.975, n - 1) * values.std(1, ddof=1) / np.sqrt(n)
    return float((values.mean(1) - half > TRUTH).mean()), float((values.mean(1) + half < TRUTH).mean())


def mean_of_a_runs_pairs(pairs, n_runs):
    return [np.mean([v for at, v in pairs.items() if k in at]) for k in range(n_runs)]


def each_pair_a_unit(pairs, n_runs):
    return list(pairs.values())


def test_pseudo_values_average_to_the_mean_over_pairs():
    pairs = pairs_of(np.random.default_rng(0), 6, 1, 1)
    assert pseudo_values(pairs, 6).mean() == pytest.approx(np.mean(list(pairs.values())), abs=1e-12)


@pytest.mark.parametrize("n_runs", [5, 8])
@pytest.mark.parametrize(("run_sd", "pair_sd"), [(1, 0), (1, 0.5), (1, 1), (0.3, 1)])
def test_intervals_on_pseudo_values_err_no_more_than_they_say(n_runs, run_sd, pair_sd):
    low, high = errors(pseudo_values, n_runs, run_sd, pair_sd)
    assert max(low, high) < 0.035


def test_the_two_shortcuts_err_several_times_more_often():
    for shortcut in (mean_of_a_runs_pairs, each_pair_a_unit):
        assert min(errors(shortcut, 5, 1, 0.3, 1000)) > 0.10


def test_over_runs_takes_them_as_they_are():
    pairs = pairs_of(np.random.default_rng(1), 5, 0.05, 0.02)
    values = pseudo_values(pairs, 5)
    contrast = over_runs(Sample(values, [f"s{k}" for k in range(5)], unit="seed"))
    assert contrast.scope == "method"
    assert contrast.estimate == pytest.approx(np.mean(list(pairs.values())))
    leave_one_out = [np.mean([v for at, v in pairs.items() if k not in at]) for k in range(5)]
    tukey = np.sqrt(4 / 5 * np.sum((leave_one_out - np.mean(leave_one_out)) ** 2))
    assert contrast.pivot.se == pytest.approx(tukey)


def test_missing_pairs_and_two_runs_are_refused():
    pairs = pairs_of(np.random.default_rng(0), 4, 1, 1)
    del pairs[0, 1]
    with pytest.raises(Refusal, match="5 pairs"):
        pseudo_values(pairs, 4)
    with pytest.raises(Refusal, match="2 training runs"):
        pseudo_values({(0, 1): 0.5}, 2)
