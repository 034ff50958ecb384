"""Every interval against a second implementation that shares no code with it."""

from math import sqrt

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from mi import claimable
from mi.contrasts.difference import agresti_caffo, bonett_price
from mi.pivot import ExactBinomial, Hall, Student

ALPHAS = [0.1, 0.025, 0.0004]
close = pytest.approx


def outcome_pair(both, only_a, only_b, neither):
    a = np.repeat([1, 1, 0, 0], [both, only_a, only_b, neither])
    b = np.repeat([1, 0, 1, 0], [both, only_a, only_b, neither])
    return claimable.paired(a, b, range(len(a)))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 12), (8, 16), (15, 16), (16, 16), (168, 180)])
def test_proportion(k, n, alpha):
    limits = claimable.proportion(k, n).limits(alpha)
    scipys = stats.binomtest(k, n).proportion_ci(1 - 2 * alpha, "exact")
    assert limits == close((scipys.low, scipys.high), abs=1e-9)
    assert limits == close(proportion_confint(k, n, 2 * alpha, method="beta"), abs=1e-9)


@pytest.mark.parametrize("bound", [0.3, 0.9])
def test_proportion_p(bound):
    contrast = claimable.proportion(13, 16)
    above = stats.binomtest(13, 16, bound, alternative="greater").pvalue
    below = stats.binomtest(13, 16, bound, alternative="less").pvalue
    assert contrast.p_above(bound) == close(above)
    assert contrast.p_below(bound) == close(below)


def test_proportion_error_is_agresti_coulls():
    lo, hi = proportion_confint(13, 16, 2 * stats.norm.sf(2), method="agresti_coull")
    # At z = 2 Agresti and Coull add two successes and two failures.
    assert ExactBinomial(13, 16).se == close((hi - lo) / 4)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_welch(alpha):
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.3, 1, size=11), rng.gamma(2, size=37)
    contrast = claimable.unpaired(a, b)
    test = stats.ttest_ind(a, b, equal_var=False)
    reference = test.confidence_interval(1 - 2 * alpha)
    assert contrast.limits(alpha) == close((reference.low, reference.high))
    smaller = min(contrast.p_above(0), contrast.p_below(0))
    assert 2 * smaller == close(test.pvalue)
    summary = claimable.unpaired_summary(a.mean(), a.std(ddof=1), 11, b.mean(), b.std(ddof=1), 37)
    assert summary.limits(alpha) == close((reference.low, reference.high))
    assert summary.calibration == "from summary"


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("table", [(14, 16, 9, 16), (16, 16, 0, 10), (15, 60, 15, 20)])
def test_agresti_caffo(table, alpha):
    x1, n1, x2, n2 = table
    # Agresti and Caffo (2000): one success and one failure added to each sample, then Wald.
    p1, p2 = (x1 + 1) / (n1 + 2), (x2 + 1) / (n2 + 2)
    half = stats.norm.isf(alpha) * sqrt(p1 * (1 - p1) / (n1 + 2) + p2 * (1 - p2) / (n2 + 2))
    pivot = agresti_caffo(*table)
    assert pivot.limits(alpha) == close((p1 - p2 - half, p1 - p2 + half), abs=1e-12)
    theirs = confint_proportions_2indep(*table, method="agresti-caffo", alpha=2 * alpha)
    assert pivot.limits(alpha) == close(theirs, abs=1e-12)
    lo, hi = claimable.two_proportions(*table).limits(alpha)
    assert (lo, hi) == close((max(p1 - p2 - half, -1), min(p1 - p2 + half, 1)), abs=1e-12)


@pytest.mark.parametrize("table", [(14, 16, 9, 16), (15, 16, 15, 16), (40, 50, 20, 60)])
def test_fisher_p(table):
    x1, n1, x2, n2 = table
    # Two-sided Fisher: total hypergeometric probability of tables no likelier than this one.
    probability = stats.hypergeom(n1 + n2, x1 + x2, n1).pmf(np.arange(n1 + 1))
    expected = probability[probability <= probability[x1] * (1 + 1e-9)].sum()
    assert claimable.two_proportions(*table).extra["fisher_p"] == close(expected)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("cells", [(150, 14, 1, 15), (5, 0, 0, 5), (0, 9, 3, 0), (3, 12, 0, 0)])
def test_bonett_price(cells, alpha):
    _, f12, f21, _ = cells
    n = sum(cells)
    # Bonett and Price (2012): Wald with one pair added to each discordant cell.
    p12, p21 = (f12 + 1) / (n + 2), (f21 + 1) / (n + 2)
    half = stats.norm.isf(alpha) * sqrt((p12 + p21 - (p12 - p21) ** 2) / (n + 2))
    expected = (p12 - p21 - half, p12 - p21 + half)
    assert bonett_price(f12, f21, n).limits(alpha) == close(expected, abs=1e-12)
    if f12 + f21:  # identical arms are refused
        clipped = (max(expected[0], -1), min(expected[1], 1))
        assert outcome_pair(*cells).limits(alpha) == close(clipped, abs=1e-12)


@pytest.mark.parametrize("cells", [(150, 14, 1, 15), (9, 4, 4, 3), (0, 9, 0, 3)])
def test_mcnemar_p(cells):
    both, only_a, only_b, neither = cells
    reference = mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue
    assert outcome_pair(*cells).extra["mcnemar_p"] == close(reference)


def hall_limits(scores, alpha):
    """Hall's limits by solving his transformation numerically."""
    n, skew = len(scores), stats.skew(scores)
    se = scores.std(ddof=1) / sqrt(n)

    def g(t):
        return t + skew * t**2 / (3 * sqrt(n)) + skew**2 * t**3 / (27 * n) + skew / (6 * sqrt(n))

    q = stats.t.ppf(1 - alpha, n - 1)
    upper = optimize.brentq(lambda t: g(t) - q, -500, 500)
    lower = optimize.brentq(lambda t: g(t) + q, -500, 500)
    return scores.mean() - se * upper, scores.mean() - se * lower


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hall(seed, alpha):
    rng = np.random.default_rng(seed)
    scores, other = rng.beta(12, 1, size=18), rng.exponential(size=18)
    assert claimable.mean(scores).limits(alpha) == close(hall_limits(scores, alpha), rel=1e-7)
    paired = claimable.paired(scores, other, range(18))
    assert paired.limits(alpha) == close(hall_limits(scores - other, alpha), rel=1e-7)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_hall_without_skewness_is_students_t(alpha):
    half = np.random.default_rng(3).normal(size=12)
    scores = np.concatenate([half, -half])
    test = stats.ttest_1samp(scores, 0.1)
    reference = test.confidence_interval(1 - 2 * alpha)
    contrast = claimable.mean(scores)
    assert contrast.limits(alpha) == close((reference.low, reference.high))
    assert contrast.p_below(0.1) == close(test.pvalue / 2)


def test_hall_leans_towards_the_long_tail():
    scores = np.random.default_rng(4).exponential(size=20)
    lo, hi = claimable.mean(scores).limits(0.025)
    reference = stats.ttest_1samp(scores, 0).confidence_interval()
    assert lo > reference.low
    assert hi > reference.high
    assert Hall.of(scores).skew == close(stats.skew(scores))


@pytest.mark.parametrize("alpha", ALPHAS)
def test_runs(alpha):
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 4, 30))
    arms = {f"a{k}": run for k, run in enumerate(a)}, {f"b{k}": run for k, run in enumerate(b)}
    means = a.mean(1), b.mean(1)
    for contrast, test in [
        (claimable.over_runs(arms[0]), stats.ttest_1samp(means[0], 0)),
        (claimable.over_runs(*arms), stats.ttest_ind(*means, equal_var=False)),
        (claimable.over_runs(dict(enumerate(a)), dict(enumerate(b))), stats.ttest_rel(*means)),
    ]:
        reference = test.confidence_interval(1 - 2 * alpha)
        assert contrast.limits(alpha) == close((reference.low, reference.high))
        assert contrast.scope == "method"


def test_student_with_infinite_df_is_normal():
    pivot = Student(0.2, 0.1)
    assert pivot.limits(0.025) == close(stats.norm.interval(0.95, 0.2, 0.1))
    assert pivot.p_above(0.05) == close(stats.norm.sf(1.5))


@pytest.mark.parametrize("alpha", [0.1, 0.025, 0.004])
def test_median(alpha):
    scores = np.sort(np.random.default_rng(6).gamma(2, size=61))
    sample = claimable.Sample(scores)
    reference = stats.bootstrap(
        (scores,),
        np.median,
        n_resamples=9999,
        method="BCa",
        confidence_level=1 - 2 * alpha,
        rng=np.random.default_rng(int(sample.digest[:16], 16)),
    )
    contrast = claimable.median(sample)
    assert contrast.limits(alpha) == close(tuple(reference.confidence_interval))
    assert contrast.pivot.se == close(reference.standard_error)
    assert contrast.calibration == "unverified"
