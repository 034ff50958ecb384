"""One-sided errors by enumerating every possible table: no Monte Carlo error.

A false pass is a lower limit above the truth, a false fail an upper limit below it.
"""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from mi.contrasts.difference import agresti_caffo, bonett_price
from mi.pivot import ExactBinomial

ALPHA = 0.025
ROUNDED = 0.055  # the expected percentages were rounded to .01 and then to .1


def binomial_limits(n, alpha=ALPHA):
    return np.array([ExactBinomial(k, n).limits(alpha) for k in range(n + 1)]).T


def errors(probability, limits, truth):
    """In percent: false passes and false fails."""
    lo, hi = limits
    return 100 * probability[lo > truth].sum(), 100 * probability[hi < truth].sum()


@pytest.mark.parametrize(("p", "false_pass", "false_fail"), [(0.75, 1.0, 0.8), (0.9, 0.0, 1.7), (0.95, 0.0, 0.7)])
def test_clopper_pearson(p, false_pass, false_fail):
    probability = stats.binom.pmf(range(17), 16, p)
    measured = errors(probability, binomial_limits(16), p)
    assert measured == pytest.approx((false_pass, false_fail), abs=ROUNDED)


@pytest.mark.parametrize("alpha", [0.025, 0.025 / 30])
@pytest.mark.parametrize("n", [10, 16, 60])
def test_clopper_pearson_never_exceeds_its_error(n, alpha):
    limits = binomial_limits(n, alpha)
    for p in np.linspace(0.01, 0.99, 99):
        assert max(errors(stats.binom.pmf(range(n + 1), n, p), limits, p)) <= 100 * alpha + 1e-9


@cache
def paired_limits(n):
    """Discordant counts with few enough pairs to matter, and their limits."""
    cells = [(b, c) for b in range(n + 1) for c in range(n + 1 - b) if b < 110 and c < 45]
    pivots = [bonett_price(b, c, n) for b, c in cells]
    assert all(p.df == float("inf") for p in pivots)
    z = stats.norm.isf(ALPHA)
    limits = np.array([(p.centre - z * p.se, p.centre + z * p.se) for p in pivots]).T
    return np.array(cells), limits


@pytest.mark.parametrize(
    ("n", "p10", "p01", "false_pass", "false_fail"),
    [
        (180, 0.05, 0.05, 2.1, 2.1),
        (180, 0.078, 0.006, 0.8, 3.6),
        (180, 0.37, 0.08, 2.1, 2.7),
        (180, 0.006, 0.006, 0.0, 0.0),
        (40, 0.15, 0.01, 0.4, 4.9),
        (16, 0.05, 0.05, 0.1, 0.1),
    ],
)
def test_bonett_price(n, p10, p01, false_pass, false_fail):
    cells, limits = paired_limits(n)
    counts = np.column_stack([cells, n - cells.sum(axis=1)])
    probability = stats.multinomial.pmf(counts, n, [p10, p01, 1 - p10 - p01])
    assert probability.sum() == pytest.approx(1, abs=1e-6)
    measured = errors(probability, limits, p10 - p01)
    assert measured == pytest.approx((false_pass, false_fail), abs=ROUNDED)


def test_bonett_price_always_has_width():
    lo, hi = paired_limits(16)[1]
    assert (hi - lo).min() > 0.2


@cache
def unpaired_limits(n):
    tables = [agresti_caffo(a, n, b, n).limits(ALPHA) for a in range(n + 1) for b in range(n + 1)]
    return np.array(tables).T.reshape(2, n + 1, n + 1)


def two_arms(n, p, q):
    return np.outer(stats.binom.pmf(range(n + 1), n, p), stats.binom.pmf(range(n + 1), n, q))


@pytest.mark.parametrize(("p", "q", "false_pass", "false_fail"), [(0.9, 0.9, 0.4, 0.4), (0.95, 0.6, 0.9, 3.3)])
def test_agresti_caffo(p, q, false_pass, false_fail):
    measured = errors(two_arms(16, p, q), unpaired_limits(16), p - q)
    # The expected values come from 10,000 simulations.
    assert measured == pytest.approx((false_pass, false_fail), abs=0.5)


def test_agresti_caffo_at_its_worst():
    grid = np.linspace(0.02, 0.98, 49)
    arms = stats.binom.pmf(np.arange(17), 16, grid[:, None])  # [grid, successes]
    lo, hi = unpaired_limits(16)
    worst = []
    for i, p in enumerate(grid):
        for j, q in enumerate(grid):
            joint = np.outer(arms[i], arms[j])
            worst += errors(joint, (lo, hi), p - q)
    assert max(worst) == pytest.approx(6.1, abs=0.051)
    assert 100 * np.mean(np.array(worst) > 4) == pytest.approx(6, abs=1)


def test_sixteen_per_arm_cannot_show_equivalence():
    lo, hi = unpaired_limits(16)
    assert not ((lo > -0.1) & (hi < 0.1)).any()
    lo, hi = unpaired_limits(50)
    equivalent = two_arms(50, 0.9, 0.9)[(lo > -0.1) & (hi < 0.1)].sum()
    assert equivalent < 0.06  # with the 90 % interval; this one is wider
