"""Published interpretability numbers under calibrated intervals.

The published tables give counts and gaps only; where a gap fits several paired tables, all of them
are tried.
"""

import numpy as np
import pytest

from mi import claimable

N = 180
TAU = 0.082  # between-set SD of the published random controls
NORMAL = 10**9  # degrees of freedom


def paired_counts(only_a, only_b, correct_a, n=N):
    """Both arms of a paired comparison from its discordant counts and the first arm's total."""
    both = correct_a - only_a
    neither = n - both - only_a - only_b
    a = np.repeat([1, 1, 0, 0], [both, only_a, only_b, neither])
    b = np.repeat([1, 0, 1, 0], [both, only_a, only_b, neither])
    return claimable.Sample(a, range(n)), claimable.Sample(b, range(n))


def near(contrast, lo, hi, tolerance=6e-4):
    assert contrast.limits(0.025) == pytest.approx((lo, hi), abs=tolerance)


def test_probe_accuracy():
    contrast = claimable.proportion(168, N)
    assert contrast.estimate == pytest.approx(0.9333, abs=5e-5)
    near(contrast, 0.886, 0.965)
    assert contrast.p_above(0.9) > 0.025
    assert contrast.p_below(0.9) > 0.025


def test_real_against_random_model():
    a, b = paired_counts(14, 1, 168)
    near(a - b, 0.028, 0.115)
    assert (a - b).extra["mcnemar_p"] == pytest.approx(0.001, abs=5e-4)
    assert (a - b).estimate == pytest.approx(0.072, abs=5e-4)
    # The same scores with the pairing thrown away.
    unpaired = claimable.two_proportions(168, N, 155, N)
    assert unpaired.pivot.se / (a - b).pivot.se > 1.4


@pytest.mark.parametrize("c", [13, 14, 15, 16])
def test_circuit_against_one_random_set(c):
    a, b = paired_counts(53 + c, c, 158)
    near(a - b, 0.203, 0.380, tolerance=0.004)
    assert (a - b).estimate == pytest.approx(0.294, abs=5e-4)
    borrowed = claimable.against_one_set(a, b, between_set_sd=TAU, between_set_df=NORMAL)
    near(borrowed, 0.11, 0.48, tolerance=0.01)


@pytest.mark.parametrize(
    ("gap", "only_random", "circuit", "lo", "hi"),
    [
        (58, (8, 9, 10, 11), 165, 0.14, 0.50),
        (51, (5, 6, 7, 8), 171, 0.11, 0.46),
        (29, (8,), 169, -0.015, 0.337),
    ],
)
def test_multi_layer_circuit_with_between_set_spread(gap, only_random, circuit, lo, hi):
    for c in only_random:
        a, b = paired_counts(gap + c, c, circuit)
        contrast = claimable.against_one_set(a, b, between_set_sd=TAU, between_set_df=NORMAL)
        # The published limits are centred on the raw gap, these on the Laplace-adjusted one.
        near(contrast, lo, hi, tolerance=0.01)
        assert (contrast.p_above(0) < 0.025) == (lo > 0)
        assert (a - b).p_above(0) < 0.025  # against that one set every circuit wins
        assert contrast.limited_by == "sets"


@pytest.mark.parametrize(
    ("a", "b", "lo", "hi", "fisher"),
    [
        (14, 15, -0.28, 0.17, 1.0),
        (14, 9, -0.009, 0.565, 0.11),
        (15, 9, 0.062, 0.605, 0.037),
        (13, 13, -0.27, 0.27, 1.0),
    ],
)
def test_steering(a, b, lo, hi, fisher):
    contrast = claimable.two_proportions(a, 16, b, 16)
    near(contrast, lo, hi, tolerance=6e-3 if abs(lo) > 0.1 else 6e-4)
    assert contrast.extra["fisher_p"] == pytest.approx(fisher, abs=5e-3)
    assert (contrast.p_above(0) < 0.025) == (lo > 0)


@pytest.mark.parametrize(
    ("gap", "sd", "lo", "hi", "p"),
    [(0.053, 0.101, 0.016, 0.090, 0.006), (0.059, 0.108, 0.019, 0.099, 0.004)],
)
def test_interpretability_scores_of_two_dictionaries(gap, sd, lo, hi, p):
    contrast = claimable.unpaired_summary(0.7 + gap, sd, 58, 0.7, sd, 60)
    near(contrast, lo, hi, tolerance=1.1e-3)  # the SDs were rounded
    assert 2 * contrast.p_above(0) == pytest.approx(p, abs=1e-3)
    # Passes Holm over its four tests and not Bonferroni over thirty.
    assert 0.025 / 30 < contrast.p_above(0) < 0.025 / 4


@pytest.mark.parametrize("only_circuit", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    ("circuit", "ceiling", "raw", "corrected", "passes_raw", "passes_corrected"),
    [
        (158, 168, 0.940, 0.872, False, False),
        (163, 168, 0.970, 0.936, True, False),
        (165, 170, 0.971, 0.9375, True, False),
        (169, 170, 0.994, 0.9875, True, True),
    ],
)
def test_faithfulness(circuit, ceiling, raw, corrected, passes_raw, passes_corrected, only_circuit):
    a, b = paired_counts(only_circuit, ceiling - circuit + only_circuit, circuit)
    for chance, value, passes in [(0, raw, passes_raw), (0.5, corrected, passes_corrected)]:
        contrast = claimable.faithfulness(a, b, chance=chance)
        lo, hi = contrast.limits(0.025)
        assert contrast.estimate == pytest.approx(value, abs=5e-4)
        assert (lo > 0.9) == passes
        assert hi > 0.9
        assert (contrast.p_above(0.9) < 0.025) == passes


@pytest.mark.parametrize(
    ("ours", "theirs", "n", "lo", "hi"),
    [
        (0.670, 0.688, 500, -0.075, 0.040),
        (0.670, 0.688, 2500, -0.043, 0.008),
        (0.767, 0.688, 500, 0.024, 0.134),
    ],
)
def test_sparse_probing(ours, theirs, n, lo, hi):
    contrast = claimable.two_proportions(round(ours * n), n, round(theirs * n), n)
    near(contrast, lo, hi, tolerance=1.1e-3)  # the counts were rounded
    assert (contrast.p_above(0) < 0.025) == (lo > 0)
    assert contrast.p_below(0) > 0.025
