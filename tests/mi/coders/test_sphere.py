"""The geometric null of the nearest cosine: known numbers, simulation, and what it cannot be asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.coders.sphere import Sphere
from mi.metrics.matching import best_match, isotropic, unit_rows
from mi.refusal import Refusal


def nearest(rows):
    cosine = unit_rows(rows) @ unit_rows(rows).T
    np.fill_diagonal(cosine, -np.inf)
    return cosine.max(1)


@pytest.mark.parametrize(
    ("d", "n", "median"), [(768, 128, 0.093), (768, 512, 0.108), (512, 4096, 0.157), (2304, 16384, 0.082)]
)
def test_it_is_the_known_best_match_of_two_random_dictionaries(d, n, median):
    # Each row of one with n rows of the other: one more than a row has neighbours in a dictionary of n.
    assert Sphere(d, n + 1).quantile(0.5) == pytest.approx(median, abs=0.002)


@pytest.mark.parametrize(("d", "n"), [(2, 5), (3, 10), (16, 64), (128, 512), (768, 512)])
def test_simulated_dictionaries_have_its_mean_and_quantiles(d, n):
    drawn = isotropic(d, seed=n)
    found = np.concatenate([nearest(drawn(n)) for _ in range(max(4, 4_000 // n))])
    null = Sphere(d, n)
    spread = found.std() / np.sqrt(len(found) / 4)  # rows of one dictionary share cosines
    assert found.mean() == pytest.approx(null.mean, abs=4 * spread)
    for share in (0.05, 0.5, 0.95):
        assert (found <= null.quantile(share)).mean() == pytest.approx(share, abs=0.04)


def test_two_dictionaries_match_it_too():
    draw = isotropic(64, seed=0)
    assert np.median(best_match(draw(2000), draw(300))) == pytest.approx(Sphere(64, 301).quantile(0.5), abs=0.01)


def test_in_three_dimensions_the_cosine_is_uniform_and_the_mean_known_by_hand():
    # Of m uniform numbers on [-1, 1] the largest has mean (m - 1) / (m + 1).
    assert Sphere(3, 2).mean == pytest.approx(0, abs=1e-4)
    assert Sphere(3, 10).mean == pytest.approx(8 / 10, abs=1e-4)


@given(st.integers(2, 4096), st.integers(2, 100_000), st.floats(0.001, 0.999))
def test_more_directions_are_closer_and_more_dimensions_farther(d, n, share):
    here = Sphere(d, n).quantile(share)
    assert -1 <= here <= 1
    assert Sphere(d, n + 1).quantile(share) >= here - 1e-12
    if here > 0.01:
        assert Sphere(d + 1, n).quantile(share) <= here + 1e-12


@pytest.mark.parametrize(("d", "n"), [(1, 9), (9, 1), (0, 0)])
def test_nothing_has_no_neighbours(d, n):
    with pytest.raises(Refusal, match=f"{n} directions in {d} dimensions"):
        Sphere(d, n)
