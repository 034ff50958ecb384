"""Laws of every design: no order, limits that agree with p-values, stricter is wider."""

from functools import partial

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mi.claimable import Refusal

law = partial(settings, deadline=None, database=None, derandomize=True)

seeds = st.integers(0, 2**32 - 1)
alphas = st.floats(np.log(1e-4), np.log(0.2)).map(np.exp)


def drawn(build, seed):
    try:
        return build(seed)
    except Refusal:  # random data can be degenerate
        assume(False)


def limits(contrast, alpha):
    """None where the data cannot support a level so strict."""
    try:
        return contrast.limits(alpha)
    except Refusal:
        return None


def everything(contrast):
    bounds = contrast.estimate + contrast.pivot.se * np.array([-2.0, 0.3, 1.0])
    return (
        contrast.estimate,
        contrast.limits(0.025),
        [(contrast.p_above(b), contrast.p_below(b)) for b in bounds],
        contrast.extra,
        contrast.digest,
    )


@law(max_examples=10)
@given(seed=seeds, shuffle=seeds)
def test_order_changes_nothing(build, seed, shuffle):
    straight = drawn(build, seed)
    assert everything(build(seed, shuffle)) == everything(straight)


@law(max_examples=12)
@given(seed=seeds, alpha=alphas)
def test_limits_are_where_p_crosses_alpha(build, seed, alpha):
    contrast = drawn(build, seed)
    median = contrast.design == "median"  # its p-values are found by bisection
    step = 1e-7 * contrast.pivot.se
    lowest, highest = contrast.support or (-np.inf, np.inf)
    slack = 1.01 if median else 1 + 1e-6
    alpha = max(alpha, 1e-3) if median else alpha
    found = limits(contrast, alpha)
    assume(found)
    lo, hi = found
    if lo > lowest:
        assert contrast.p_above(lo - step) <= alpha * slack
    if hi < highest:
        assert contrast.p_below(hi + step) <= alpha * slack
    assert contrast.p_above(lo + step) >= alpha / slack
    assert contrast.p_below(hi - step) >= alpha / slack


@law(max_examples=10)
@given(seed=seeds, pair=st.tuples(alphas, alphas))
def test_stricter_limits_are_wider(build, seed, pair):
    contrast = drawn(build, seed)
    outer, inner = (limits(contrast, alpha) for alpha in sorted(pair))
    assume(outer and inner)
    assert outer[0] <= inner[0] < inner[1] <= outer[1]


@law(max_examples=10)
@given(seed=seeds)
def test_p_values_are_monotone(build, seed):
    contrast = drawn(build, seed)
    lo, hi = contrast.limits(0.01)
    bounds = np.linspace(lo, hi, 9)
    above = [contrast.p_above(b) for b in bounds]
    assert above == sorted(above)
    assert [contrast.p_below(b) for b in bounds] == sorted(map(contrast.p_below, bounds))[::-1]
    assert all(0 <= p <= 1 for p in above)


ADJUSTED = ("bonett-price", "agresti-caffo", "paired+between-set-t")  # shrunken towards 0


@law(max_examples=10)
@given(seed=seeds, alpha=alphas)
def test_limits_contain_the_estimate(build, seed, alpha):
    contrast = drawn(build, seed)
    found = limits(contrast, alpha)
    assume(found)
    centre = contrast.pivot.centre if contrast.method in ADJUSTED else contrast.estimate
    assert found[0] <= centre <= found[1]
    assert abs(centre) <= abs(contrast.estimate)
