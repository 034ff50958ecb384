"""The decision rule, against a table worked out by hand from the specification."""

from math import inf, nan, nextafter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.verdict import RULES, Bound, Verdict
from mi.pivot import Hall, Student

DECISIONS = [
    ("above", 0.0, 0.1, 0.5, "pass"),
    ("above", 0.0, -0.1, 0.5, "inconclusive"),
    ("above", 0.0, -0.5, -0.1, "fail"),
    ("above", 0.0, 0.0, 0.5, "inconclusive"),
    ("above", 0.0, -0.5, 0.0, "inconclusive"),
    ("above", 0.0, 5e-324, 0.5, "pass"),
    ("above", 0.02, 0.01, 0.5, "inconclusive"),
    ("above", -0.05, -0.04, 0.01, "pass"),  # non-inferiority with a margin of .05
    ("above", -0.05, -0.2, -0.06, "fail"),
    ("above", -0.05, -0.05, 0.01, "inconclusive"),
    ("below", 0.0, -0.5, -0.1, "pass"),
    ("below", 0.0, -0.5, 0.1, "inconclusive"),
    ("below", 0.0, 0.1, 0.5, "fail"),
    ("below", 0.0, -0.5, 0.0, "inconclusive"),
    ("below", 0.0, 0.0, 0.5, "inconclusive"),
    ("within", 0.1, -0.09, 0.09, "pass"),
    ("within", 0.1, -0.09, 0.11, "inconclusive"),
    ("within", 0.1, -0.11, 0.09, "inconclusive"),
    ("within", 0.1, -0.11, 0.11, "inconclusive"),
    ("within", 0.1, -0.1, 0.09, "inconclusive"),
    ("within", 0.1, -0.09, 0.1, "inconclusive"),
    ("within", 0.1, 0.1, 0.2, "inconclusive"),
    ("within", 0.1, -0.2, -0.1, "inconclusive"),
    ("within", 0.1, 0.11, 0.2, "fail"),
    ("within", 0.1, -0.2, -0.11, "fail"),
]


@pytest.mark.parametrize(("rule", "bound", "lo", "hi", "verdict"), DECISIONS)
def test_the_decision_table(rule, bound, lo, hi, verdict):
    assert Bound(rule, bound).decide(lo, hi) is Verdict(verdict)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("limits", [(nan, 1), (0, nan), (nan, nan), (-inf, 1), (0, inf), (1, 1), (1, 0)])
def test_limits_that_are_no_interval_have_no_verdict(rule, limits):
    with pytest.raises(LedgerError, match="finite limits with lo < hi"):
        Bound(rule, 0.5).decide(*limits)


@pytest.mark.parametrize(
    ("rule", "value"),
    [(r, v) for r in RULES for v in (nan, inf, -inf)] + [("within", 0.0), ("within", -0.1)],
)
def test_bounds_that_are_none(rule, value):
    with pytest.raises(LedgerError):
        Bound(rule, value)


def test_kinds_and_words():
    assert [Bound(r, 0.5).kind for r in RULES] == ["superiority", "superiority", "equivalence"]
    assert [str(Bound(r, 0.02)) for r in RULES] == ["> 0.02", "< 0.02", "within ±0.02"]


@pytest.mark.parametrize(
    ("rule", "estimate", "distance"),
    [("above", 0.5, 0.3), ("below", 0.5, 0.3), ("within", 0.05, 0.15), ("within", -0.3, 0.1)],
)
def test_distance_from_the_bound(rule, estimate, distance):
    assert Bound(rule, 0.2).distance(estimate) == pytest.approx(distance)


centres = st.floats(-3, 3)
errors = st.floats(0.01, 2)
bounds = st.floats(0.01, 3)
pivots = st.one_of(
    st.builds(Student, centres, errors, st.floats(2, 200)),
    st.builds(Hall, centres, errors, st.integers(10, 200), st.floats(-2, 2)),
)


@given(pivots, st.sampled_from(RULES), bounds, st.floats(0.001, 0.05))
def test_p_values_say_what_the_interval_says(pivot, rule, value, alpha):
    """p at most alpha exactly where the interval at alpha decides."""
    bound = Bound(rule, value)
    lo, hi = pivot.limits(alpha)
    p_pass, p_fail = bound.p_values(pivot)
    assert 0 <= p_pass <= 1
    assert 0 <= p_fail <= 1
    assume(min(abs(p_pass - alpha), abs(p_fail - alpha)) > 1e-9)
    verdict = bound.decide(lo, hi)
    assert (verdict is Verdict.PASS) == (p_pass < alpha)
    assert (verdict is Verdict.FAIL) == (p_fail < alpha)


@given(pivots, st.sampled_from(RULES), bounds)
def test_no_data_pass_and_fail_at_once(pivot, rule, value):
    p_pass, p_fail = Bound(rule, value).p_values(pivot)
    assert p_pass + p_fail >= 1 - 1e-9


@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(-2, 2))
def test_below_mirrors_above(lo, width, value):
    above, below = Bound("above", value), Bound("below", -value)
    assert above.decide(lo, lo + width) is below.decide(-(lo + width), -lo)


def test_one_step_beyond_the_bound_decides():
    assert Bound("above", 0.3).decide(nextafter(0.3, 1), 1) is Verdict.PASS
    assert Bound("above", 0.3).decide(-1, nextafter(0.3, -1)) is Verdict.FAIL
