"""Clusters, crossed sets and ratios against second implementations."""

from math import sqrt

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import anova_lm

from mi import claimable
from mi.contrasts.ratio import monte_carlo_rank_p

close = pytest.approx


def jackknife_se(estimate, n):
    """Delete-one jackknife error of ``estimate(kept indices)``."""
    left_out = np.array([estimate(np.delete(np.arange(n), k)) for k in range(n)])
    return sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())


def test_ratio_against_the_jackknife():
    rng = np.random.default_rng(0)
    total = rng.gamma(4, size=(2, 300))
    error = total * rng.beta(3, 5, size=(2, 300))
    one = claimable.ratio_of_sums(error[0], total[0], range(300))
    se = jackknife_se(lambda kept: error[0, kept].sum() / total[0, kept].sum(), 300)
    assert one.pivot.se == close(se, rel=0.02)
    two = claimable.ratio_difference(error[0], total[0], error[1], total[1], range(300))

    def difference(kept):
        a, b = error[:, kept].sum(1) / total[:, kept].sum(1)
        return a - b

    assert two.estimate == close(difference(np.arange(300)))
    assert two.pivot.se == close(jackknife_se(difference, 300), rel=0.02)


def test_faithfulness_error_against_the_jackknife():
    rng = np.random.default_rng(8)
    ceiling = rng.normal(3, 0.5, size=200)
    circuit = 0.8 * ceiling + rng.normal(0, 0.3, size=200)
    contrast = claimable.faithfulness(circuit, ceiling, range(200), chance=0.5)
    se = jackknife_se(lambda kept: (circuit[kept].mean() - 0.5) / (ceiling[kept].mean() - 0.5), 200)
    assert contrast.pivot.se == close(se, rel=0.02)


def test_ratio_with_equal_denominators_is_a_mean():
    scores = np.random.default_rng(1).exponential(size=25)
    ratio = claimable.ratio_of_sums(scores, np.full(25, 4.0), range(25))
    assert ratio.limits(0.025) == close(claimable.mean(scores / 4).limits(0.025))


def test_clustered_mean_against_cluster_robust_regression():
    rng = np.random.default_rng(2)
    clusters = rng.integers(30, size=400)
    scores = rng.normal(size=400) + rng.normal(size=30)[clusters]
    contrast = claimable.clustered_mean(scores, clusters)
    fit = smf.ols("y ~ 1", pd.DataFrame({"y": scores})).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert contrast.estimate == close(scores.mean())
    assert contrast.pivot.se == close(fit.bse["Intercept"])
    assert contrast.n == 30


def crossed(rng, n=14, r=20):
    sets = rng.normal(size=(r, n)) + rng.normal(size=(r, 1)) / 2 + rng.normal(size=n)
    return rng.normal(1, 1, size=n), sets


@pytest.mark.parametrize("alpha", [0.1, 0.025, 0.0004])
def test_random_sets_against_an_anova_table(alpha):
    circuit, sets = crossed(np.random.default_rng(3))
    r, n = sets.shape
    rows = [(circuit[e] - sets[s, e], e, s) for s in range(r) for e in range(n)]
    frame = pd.DataFrame(rows, columns=["d", "example", "set"])
    table = anova_lm(smf.ols("d ~ C(example) + C(set)", frame).fit())
    ms_example, ms_set, ms_rest = table["mean_sq"]
    v = (ms_example + ms_set - ms_rest) / (n * r)
    assert v > max(ms_example, ms_set) / (n * r)  # no floor here
    df = v**2 / ((ms_example / (n * r)) ** 2 / (n - 1) + (ms_set / (n * r)) ** 2 / (r - 1))
    expected = stats.t.interval(1 - 2 * alpha, df, frame["d"].mean(), sqrt(v))
    contrast = claimable.against_random_sets(circuit, sets, range(n))
    assert contrast.limits(alpha) == close(expected)
    assert contrast.extra["between_set_sd"] == close(sqrt((ms_set - ms_rest) / n))


def test_random_sets_never_beat_the_example_error():
    circuit, sets = crossed(np.random.default_rng(4))
    sets -= sets.mean(axis=1, keepdims=True)  # sets as good as each other: v_set below v_rest
    contrast = claimable.against_random_sets(circuit, sets, range(14))
    reference = stats.ttest_1samp(circuit - sets.mean(axis=0), 0).confidence_interval()
    assert contrast.limits(0.025) == close((reference.low, reference.high))


def test_borrowed_spread_by_hand():
    a, b = np.repeat([1, 0, 1], [37, 8, 135]), np.repeat([0, 1, 1], [37, 8, 135])
    contrast = claimable.against_one_set(a, b, range(180), between_set_sd=0.09, between_set_df=3)
    v = (38 / 182 + 9 / 182 - (29 / 182) ** 2) / 182
    df = (v + 0.0081) ** 2 / (v**2 / 179 + 0.0081**2 / 3)
    expected = stats.t.interval(0.95, df, 29 / 182, sqrt(v + 0.0081))
    assert contrast.limits(0.025) == close(expected)
    assert contrast.calibration == "borrowed spread"


def test_rank_p_is_uniform_among_exchangeable_draws():
    draws = np.random.default_rng(5).normal(size=40)
    ps = [monte_carlo_rank_p(draws[k], np.delete(draws, k)) for k in range(40)]
    assert sorted(ps) == close(np.arange(1, 41) / 40)


def test_rank_p_counts_ties_against_the_claim():
    circuit, sets = crossed(np.random.default_rng(6))
    sets[3] = circuit[::-1]  # as good on average
    sets[4] = circuit + 1
    sets[5:] -= 5
    sets[:3] -= 5
    contrast = claimable.against_random_sets(circuit, sets, range(14))
    assert contrast.extra["rank_p"] == 3 / 21


@pytest.mark.parametrize("chance", [0.0, 0.5])
@pytest.mark.parametrize("outcomes", [True, False])
def test_faithfulness_by_scanning_ratios(outcomes, chance):
    rng = np.random.default_rng(7)
    if outcomes:
        ceiling = np.repeat([1.0, 0.0], [75, 5])
        circuit = np.abs(ceiling - (rng.random(80) < 0.08))
        added = np.array([[1.0, 0.0], [0.0, 1.0]])  # one discordant pair of each kind
    else:
        ceiling = rng.normal(2, 0.5, size=80)
        circuit = 0.9 * ceiling + rng.normal(0, 0.4, size=80)
        added = np.empty((2, 0))
    contrast = claimable.faithfulness(circuit, ceiling, range(80), chance=chance)
    assert contrast.estimate == close((circuit.mean() - chance) / (ceiling.mean() - chance))
    top, bottom = np.hstack([[circuit, ceiling], added]) - chance
    grid = np.linspace(0.01, 2, 3981)
    above = np.array([claimable.mean(top - r * bottom).p_above(0) for r in grid])
    below = np.array([claimable.mean(top - r * bottom).p_below(0) for r in grid])
    for alpha in (0.1, 0.025, 0.005):
        lo, hi = contrast.limits(alpha)
        assert lo == close(grid[above <= alpha].max(), abs=5e-4)
        assert hi == close(grid[below <= alpha].min(), abs=5e-4)
    assert [contrast.p_above(r) for r in grid[::400]] == close(above[::400])
