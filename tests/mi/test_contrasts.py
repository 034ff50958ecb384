"""What a contrast says about its data beyond the interval."""

import numpy as np
import pytest

from mi import claimable
from mi.claimable import Sample

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 12))
OUTCOMES = np.repeat([1, 0], [9, 3])
OTHERS = np.repeat([1, 0, 1], [4, 5, 3])


def arms(**about_a):
    return Sample(A, range(12), **about_a), Sample(B, range(12))


def test_conditions_are_merged_over_the_arms():
    a = Sample(A, range(12), params={"layer": 3, "k": 32, "seed": 0}, sources=["x", "both"])
    b = Sample(B, range(12), params={"layer": 3, "k": 64}, sources=["both", "y"])
    assert (a - b).params == {"layer": 3, "k": [32, 64], "seed": 0}
    assert (a - b).sources == ("x", "both", "y")


def test_the_first_arm_names_the_quantity():
    a, b = arms(quantity="AUC", unit="prompt")
    assert ((a - b).quantity, (a - b).unit) == ("AUC", "prompt")


def test_excluded_units_are_counted_per_arm():
    a, b = arms(planned=16)
    assert a.excluded == 4
    assert b.excluded == 0
    assert (a - b).excluded_shares == (0.25, 0.0)
    both = a - Sample(B, range(12), planned=15)
    assert both.excluded_shares == pytest.approx((0.25, 0.2))
    summary = claimable.unpaired_summary(0.5, 0.1, 45, 0.4, 0.1, 60, planned=60)
    assert summary.excluded_shares == pytest.approx((0.25, 0.0))
    assert claimable.mean(A).excluded_shares == ()


def test_selection_on_tested_units_is_counted():
    a, b = arms(selected_on=[1, 2, 99])
    assert (a - b).selected_on_test == 2
    assert claimable.mean(Sample(A, range(12), selected_on=[99])).selected_on_test == 0


def test_differences_keep_their_units():
    a, b = Sample(A, range(12), support=(-9, 9)), Sample(B, range(12), support=(-9, 9))
    assert dict(zip((a - b).differences.units, (a - b).differences.values, strict=True)) == {
        str(k): A[k] - B[k] for k in range(12)
    }
    assert (a - b).differences.support == (-18, 18)
    c = Sample(RNG.normal(size=12), range(12))
    assert ((a - b) - (c - b)).estimate == pytest.approx((a - c).estimate)


def test_only_like_is_subtracted_from_like():
    a, b = arms()
    with pytest.raises(TypeError):
        a - 0.5
    with pytest.raises(TypeError):
        (a - b) - 0.5


def test_interval():
    interval = claimable.proportion(15, 20).interval(0.9)
    assert interval.estimate == 0.75
    assert (interval.level, interval.n, interval.method) == (0.9, 20, "clopper-pearson")
    assert (interval.lo, interval.hi) == claimable.proportion(15, 20).limits(0.05)
    assert "+0.75" in repr(claimable.proportion(15, 20))


def test_limits_stay_inside_the_support():
    scores = np.append(np.full(10, 0.99), 0.2)
    contrast = claimable.mean(Sample(scores, support=(0, 1)))
    assert contrast.limits(0.001)[1] == 1
    assert claimable.mean(scores).limits(0.001)[1] > 1


def test_best_case_of_a_proportion():
    contrast = claimable.proportion(9, 12)
    assert contrast.best_case(True).limits(0.1) == claimable.proportion(12, 12).limits(0.1)
    assert contrast.best_case(False).limits(0.1) == claimable.proportion(0, 12).limits(0.1)


@pytest.mark.parametrize("high", [True, False])
def test_best_case_of_two_arms(high):
    ids, extreme = range(12), np.full(12, float(high))
    contrast = claimable.paired(OUTCOMES, OTHERS, ids)
    expected = claimable.paired(extreme, OTHERS, ids).pivot
    assert contrast.best_case(high).limits(0.1) == pytest.approx(expected.limits(0.1))
    contrast = claimable.unpaired(OUTCOMES, OTHERS)
    expected = claimable.unpaired(extreme, OTHERS).pivot
    assert contrast.best_case(high).limits(0.1) == pytest.approx(expected.limits(0.1))


@pytest.mark.parametrize("high", [True, False])
def test_best_case_of_faithfulness(high):
    ids, extreme = range(40), np.full(40, float(high))
    ceiling = np.repeat([1.0, 0.0], [37, 3])
    circuit = np.roll(ceiling, 2)
    contrast = claimable.faithfulness(circuit, ceiling, ids, chance=0.5)
    expected = claimable.faithfulness(extreme, ceiling, ids, chance=0.5)
    assert contrast.best_case(high).p_above(0.9) == pytest.approx(expected.p_above(0.9))


def test_scores_have_no_best_case():
    a, b = arms()
    assert (a - b).best_case is None


@pytest.mark.parametrize(
    ("build", "scope", "limited_by"),
    [
        (lambda: claimable.mean(A), "artifact", "units"),
        (lambda: claimable.over_runs(dict(enumerate(A.reshape(4, 3)))), "method", "runs"),
        (lambda: claimable.ratio_of_sums(RNG.random(20), 1 + RNG.random(20), range(20)), "artifact", "clusters"),
    ],
)
def test_scope_and_what_limits(build, scope, limited_by):
    assert (build().scope, build().limited_by) == (scope, limited_by)


@pytest.mark.parametrize(("spread", "limited_by"), [(0.0, "examples"), (3.0, "sets")])
def test_random_sets_say_what_limits_them(spread, limited_by):
    sets = RNG.normal(size=(20, 12)) + spread * RNG.normal(size=(20, 1)) + 5 * (spread == 0) * B
    assert claimable.against_random_sets(A, sets, range(12)).limited_by == limited_by


def test_samples_do_not_change():
    values = A.copy()
    sample = Sample(values)
    values[0] = 99
    assert sample.values[0] == A[0]
    with pytest.raises(ValueError, match="read-only"):
        sample.values[0] = 1
    with pytest.raises(AttributeError):
        sample.unit = "document"


def test_outcomes_are_recognised():
    assert Sample([True, False]).binary
    assert Sample([0, 1.0]).support == (0, 1)
    assert not Sample([0, 1], support=(0, 2)).binary
    assert not Sample([0, 0.5, 1]).binary


def test_a_difference_of_differences_keeps_what_was_left_out_and_what_was_chosen():
    a, b = arms(planned=40, selected_on=[1, 2])
    c, d = Sample(RNG.normal(size=12), range(12)), Sample(RNG.normal(size=12), range(12))
    twice = (a - b) - (c - d)
    assert max(twice.excluded_shares) == pytest.approx(28 / 40)
    assert twice.selected_on_test == 2
