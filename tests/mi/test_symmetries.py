"""Laws of two arms: pairs go by id, swapped arms mirror, limits move with the data."""

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mi import claimable
from mi.claimable import Sample

law = partial(settings, deadline=None, database=None, derandomize=True)
close = partial(pytest.approx, rel=1e-6, abs=1e-9)

alphas = st.floats(np.log(1e-4), np.log(0.2)).map(np.exp)


@st.composite
def scores(draw, least=10, most=40):
    """Eighths: sums and shifts of them are exact."""
    values = draw(st.lists(st.integers(-4000, 4000), min_size=least, max_size=most))
    assume(len(set(values)) > 2)
    return np.array(values) / 8


@st.composite
def two_scores(draw):
    a = draw(scores())
    b = np.array(draw(st.lists(st.integers(-4000, 4000), min_size=len(a), max_size=len(a)))) / 8
    assume(len(set(a - b)) > 2 and sorted(a) != sorted(b))  # the same scores twice are refused
    return a, b


@law(max_examples=60)
@given(data=two_scores(), permutation=st.randoms(use_true_random=False))
def test_pairs_are_matched_by_id(data, permutation):
    a, b = data
    order = list(range(len(a)))
    permutation.shuffle(order)
    straight = claimable.paired(a, b, order)
    jumbled = Sample(a, order) - Sample(b[::-1], order[::-1])
    assert jumbled.limits(0.025) == straight.limits(0.025)
    assert jumbled.digest == straight.digest
    moved = Sample(a, order) - Sample(np.roll(b, 1), order)  # the values change owners
    assume(len(set(b)) > 1)
    assert moved.digest != straight.digest
    assert moved.estimate == close(straight.estimate)


def mirrored(ab, ba, alpha, bound):
    lo, hi = ab.limits(alpha)
    assert ba.limits(alpha) == close((-hi, -lo))
    assert ab.p_above(bound) == close(ba.p_below(-bound))
    assert ab.p_below(bound) == close(ba.p_above(-bound))


@law(max_examples=60)
@given(data=two_scores(), alpha=alphas, bound=st.floats(-500, 500))
def test_swapping_scores_mirrors(data, alpha, bound):
    a, b = data
    ids = range(len(a))
    mirrored(claimable.paired(a, b, ids), claimable.paired(b, a, ids), alpha, bound)
    mirrored(claimable.unpaired(a, b), claimable.unpaired(b, a), alpha, bound)
    mirrored(claimable.mean(a), claimable.mean(-a), alpha, bound)
    runs = [dict(enumerate(np.reshape(x[:9], (3, 3)))) for x in (a, b)]
    assume(len({tuple(sorted(r)) for r in runs[0].values()}) == 3 == len({tuple(sorted(r)) for r in runs[1].values()}))
    assume(np.ptp([x.mean() - y.mean() for x, y in zip(runs[0].values(), runs[1].values(), strict=True)]) > 0)
    mirrored(claimable.over_runs(*runs), claimable.over_runs(*runs[::-1]), alpha, bound)


@law(max_examples=60)
@given(
    outcomes=st.lists(st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)]), min_size=10, max_size=40),
    alpha=alphas,
    bound=st.floats(-1, 1),
)
def test_swapping_outcomes_mirrors(outcomes, alpha, bound):
    a, b = np.array(outcomes).T
    mirrored(claimable.unpaired(a, b), claimable.unpaired(b, a), alpha, bound)
    swapped_labels = claimable.unpaired(1 - b, 1 - a)
    assert swapped_labels.limits(alpha) == close(claimable.unpaired(a, b).limits(alpha))
    assume((a != b).any())
    ids = range(len(a))
    ab, ba = claimable.paired(a, b, ids), claimable.paired(b, a, ids)
    mirrored(ab, ba, alpha, bound)
    assert ab.extra["mcnemar_p"] == close(ba.extra["mcnemar_p"])
    lo, hi = claimable.mean(a).limits(alpha)
    assert claimable.mean(1 - a).limits(alpha) == close((1 - hi, 1 - lo))


@law(max_examples=60)
@given(data=two_scores(), shift=st.integers(-999, 999), scale=st.sampled_from([1e-9, 0.3, 7.0, 1e9]))
def test_limits_move_with_the_data(data, shift, scale):
    a, b = data
    ids = range(len(a))
    mean, unpaired = claimable.mean(a).limits(0.025), claimable.unpaired(a, b).limits(0.025)
    paired = claimable.paired(a, b, ids)
    moved = claimable.mean(scale * (a + shift)).limits(0.025)
    assert moved == pytest.approx([scale * (x + shift) for x in mean], rel=1e-6, abs=1e-6 * scale)
    moved = claimable.unpaired(scale * (a + shift), scale * b).limits(0.025)
    assert moved == pytest.approx([scale * (x + shift) for x in unpaired], rel=1e-6, abs=1e-6 * scale)
    moved = claimable.paired(scale * (a + shift), scale * b, ids).limits(0.025)
    expected = [scale * (x + shift) for x in paired.limits(0.025)]
    assert moved == pytest.approx(expected, rel=1e-6, abs=1e-6 * scale)
    # A constant on both arms cancels: in eighths it does so exactly.
    both = claimable.paired(a + shift, b + shift, ids)
    assert both.limits(0.025) == paired.limits(0.025)
    assert both.p_above(1.0) == paired.p_above(1.0)


@law(max_examples=40)
@given(data=two_scores(), scale=st.sampled_from([1e-6, 0.5, 32.0]))
def test_ratios_have_no_unit(data, scale):
    a, b = (np.resize(x, 24) for x in data)
    top, bottom = np.abs(a) + 1, np.abs(b) + 1
    assume(np.ptp(top / bottom) > 1e-3)
    straight = claimable.ratio_of_sums(top, bottom, range(24))
    scaled = claimable.ratio_of_sums(scale * top, scale * bottom, range(24))
    assert scaled.limits(0.025) == close(straight.limits(0.025))
    tripled = claimable.ratio_of_sums(3 * top, bottom, range(24)).limits(0.025)
    assert tripled == close([3 * x for x in straight.limits(0.025)])


@law(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-3, 3))
def test_similarity_moves_with_the_within_topic_pairs(seed, shift):
    matrix = np.random.default_rng(seed).normal(size=(9, 9))
    matrix += matrix.T
    topics = np.repeat(range(3), 3)
    within = np.equal.outer(topics, topics)
    straight = claimable.similarity(matrix, topics, range(9))
    moved = claimable.similarity(matrix + shift * within, topics, range(9))
    lifted = claimable.similarity(matrix + shift, topics, range(9))
    lo, hi = straight.limits(0.05)
    assert moved.limits(0.05) == close((lo + shift, hi + shift))
    assert lifted.limits(0.05) == close((lo, hi))
