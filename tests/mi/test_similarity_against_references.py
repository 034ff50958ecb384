"""The block permutation against brute force."""

from itertools import permutations
from math import sqrt

import numpy as np
import pytest

from mi import claimable
from mi.pivot import Permutation

close = pytest.approx

TOPICS = dict(zip("abcdefgh", "xxxyyyzz", strict=True))  # topic of every block
BLOCKS = list("aabcccdeffghh")


def brute_force(matrix):
    """``p(shift)`` for both directions over every way to sort the blocks into topics."""
    pairs = [(i, j) for i in range(13) for j in range(i) if BLOCKS[i] != BLOCKS[j]]
    scores = np.array([matrix[i, j] for i, j in pairs])
    partitions = set()
    for names in permutations(TOPICS.values()):
        of = dict(zip(TOPICS, names, strict=True))
        partitions.add(tuple(of[BLOCKS[i]] == of[BLOCKS[j]] for i, j in pairs))
    within = np.array(sorted(partitions))
    observed = np.array([TOPICS[BLOCKS[i]] == TOPICS[BLOCKS[j]] for i, j in pairs])

    def statistic(labels, shifted):
        return shifted[labels].mean() - shifted[~labels].mean()

    def p(shift):
        shifted = scores - shift * observed
        all_of_them = np.array([statistic(labels, shifted) for labels in within])
        at = statistic(observed, shifted)
        return (all_of_them >= at - 1e-12).mean(), (all_of_them <= at + 1e-12).mean()

    return statistic(observed, scores), p, len(within)


def test_similarity_by_brute_force():
    matrix = np.random.default_rng(8).normal(size=(13, 13))
    matrix = matrix + matrix.T + np.equal.outer([TOPICS[b] for b in BLOCKS], list("xxxxxxyyyyzzz"))
    contrast = claimable.similarity(matrix, [TOPICS[b] for b in BLOCKS], BLOCKS)
    estimate, p, count = brute_force(matrix)
    assert count == 280
    assert contrast.estimate == close(estimate)
    assert contrast.extra["exact"] == 1
    assert contrast.counts["relabellings"] == count - 1
    assert (contrast.p_above(0), contrast.p_below(0)) == close(p(0))
    grid = np.arange(-4, 5, 0.02)
    above, below = np.array([p(shift) for shift in grid]).T
    assert [contrast.p_above(shift) for shift in grid] == close(above)
    assert [contrast.p_below(shift) for shift in grid] == close(below)
    for alpha in (0.1, 0.025):
        lo, hi = contrast.limits(alpha)
        assert 0 <= lo - grid[above <= alpha].max() < 0.0201
        assert 0 <= grid[below <= alpha].min() - hi < 0.0201


def test_similarity_draws_relabellings_when_there_are_many():
    rng = np.random.default_rng(9)
    matrix = rng.normal(size=(12, 12))
    matrix += matrix.T
    labels = np.repeat(range(4), 3)
    contrast = claimable.similarity(matrix, labels, range(12))
    i, j = np.triu_indices(12, 1)

    def statistic(labels):
        within = labels[i] == labels[j]
        return matrix[i, j][within].mean() - matrix[i, j][~within].mean()

    null = np.array([statistic(rng.permutation(labels)) for _ in range(4000)])
    expected = (null >= statistic(labels)).mean()
    assert contrast.extra["exact"] == 0
    assert contrast.p_above(0) == close(expected, abs=5 * sqrt(0.25 / 4000 + 0.25 / 9999))


def test_similarity_counts_draws_of_the_observed_labels():
    # 11 blocks in topics of 3 and eight of 1: 165 partitions, however many relabellings are drawn.
    matrix = np.random.default_rng(10).random((11, 11)) / 100
    matrix += matrix.T
    matrix[:3, :3] += 1
    contrast = claimable.similarity(matrix, [0, 0, 0, *range(1, 9)], range(11))
    assert contrast.p_above(0) == close(1 / 165, rel=0.4)


def test_permutation_pivot_by_hand():
    pivot = Permutation(0.0, np.arange(-4.0, 5.0))
    assert pivot.p_above(-3.5) == 2 / 10
    assert pivot.p_above(-3.0) == 3 / 10  # a relabelling that scores as high counts
    assert pivot.p_below(3.0) == 3 / 10
    assert pivot.p_below(2.0) == 4 / 10
    assert pivot.limits(0.2) == (-3.0, 3.0)
    held = Permutation(0.0, np.arange(-4.0, 5.0), unmoved=2)
    assert held.p_above(-3.5) == 4 / 12
    assert held.limits(4 / 12) == (-3.0, 3.0)
