"""Matching of dictionaries and what chance gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.metrics.matching import best_match, gaussian, hungarian, isotropic, null_cosines, summary
from mi.refusal import Refusal


def rows(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)) * np.random.default_rng(seed + 1).gamma(1, size=(n, 1))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 30), st.integers(2, 8))
def test_the_same_rows_in_another_order_and_length_match_exactly(seed, n, d):
    a = rows(n, d, seed)
    order = np.random.default_rng(seed).permutation(n)
    scale = np.random.default_rng(seed).gamma(2, size=(n, 1)) + 0.1
    assert hungarian(a, (a * scale)[order]) == pytest.approx(np.ones(n), abs=1e-9)
    assert best_match(a, a[order]) == pytest.approx(np.ones(n), abs=1e-5)


def test_rotating_both_dictionaries_changes_nothing_and_one_destroys_the_match():
    a, b = rows(40, 12), rows(40, 12, 5)
    q = np.linalg.qr(rows(12, 12, 9))[0]
    assert np.sort(hungarian(a @ q, b @ q)) == pytest.approx(np.sort(hungarian(a, b)), abs=1e-9)
    assert np.median(hungarian(a, a @ q)) < 0.8


def test_a_flipped_row_is_another_latent():
    a = np.eye(6)
    assert hungarian(a, -a).max() <= 0


def test_one_to_one_cannot_use_a_row_twice_and_best_match_can():
    a = np.eye(4)
    b = np.vstack([np.eye(4)[0], np.eye(4)[0] + 0.01, -np.eye(4)[1], -np.eye(4)[2]])
    assert hungarian(a, b).sum() < best_match(b, a).sum()
    assert best_match(np.vstack([a[0], a[0]]), a) == pytest.approx([1, 1])


def test_unequal_sizes_match_the_smaller_one():
    a = rows(30, 8)
    cosines = hungarian(a, a[[3, 17, 21]])
    assert cosines == pytest.approx(np.ones(3), abs=1e-9)


def test_a_planted_share_is_found():
    d, n, shared = 128, 200, 60
    a, b = rows(n, d, 1), rows(n, d, 2)
    b[:shared] = a[:shared]
    b = b[np.random.default_rng(0).permutation(n)]
    found = summary(hungarian(a, b))
    assert found["share_90"] == pytest.approx(shared / n)
    assert found["share_50"] == pytest.approx(shared / n, abs=0.01)


def test_a_dead_row_is_refused():
    a = rows(5, 3)
    a[2] = 0
    with pytest.raises(Refusal, match="decoder row 2"):
        hungarian(a, a)


# Medians computed elsewhere with other code.


@pytest.mark.parametrize(("d", "n", "median"), [(768, 128, 0.087), (768, 512, 0.104), (512, 1024, 0.136)])
def test_the_geometric_null_of_the_hungarian_matching_is_as_known(d, n, median):
    assert np.median(null_cosines(isotropic(d, seed=n), n, n)) == pytest.approx(median, abs=0.005)


@pytest.mark.parametrize(("d", "n", "median"), [(768, 128, 0.093), (768, 512, 0.108), (512, 4096, 0.157)])
def test_the_geometric_null_of_best_matches_is_as_known(d, n, median):
    assert np.median(null_cosines(isotropic(d, seed=n), n, n, match=best_match)) == pytest.approx(median, abs=0.005)


@pytest.mark.slow
def test_the_geometric_null_of_a_gemma_scope_dictionary_is_as_known():
    # Every row against all 16,384: a sample of rows has the same median.
    draw = isotropic(2304, seed=0)
    assert np.median(best_match(draw(1024), draw(16384))) == pytest.approx(0.082, abs=0.005)


def test_rows_that_vary_in_few_directions_are_closer_by_chance():
    d, n = 64, 100
    spectrum = np.diag(np.r_[np.full(4, 10.0), np.full(d - 4, 0.01)])
    flat = np.median(null_cosines(isotropic(d, 0), n, n))
    steep = np.median(null_cosines(gaussian(np.zeros(d), spectrum, 0), n, n))
    assert steep > flat + 0.3
    same = np.median(null_cosines(gaussian(np.zeros(d), np.eye(d), 1), n, n))
    assert same == pytest.approx(flat, abs=0.01)


def test_a_gaussian_null_has_the_moments_it_was_given():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(5, 5))
    mean, covariance = rng.normal(size=5), root @ root.T
    drawn = gaussian(mean, covariance, 1)(200_000)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.12)
