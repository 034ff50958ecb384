"""Laws of variance explained, and the mutants that each law is for."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from mi.metrics.squared_errors import Mean, SquaredErrors, squared_errors, variance_explained
from mi.refusal import Refusal

seeds = st.integers(0, 2**32 - 1)


def data(seed, n=None, d=None):
    """Rows with a mean, unequal spread per dimension, and a reconstruction that is neither bad nor good."""
    rng = np.random.default_rng(seed)
    n, d = n or int(rng.integers(3, 60)), d or int(rng.integers(2, 9))
    y = rng.normal(size=(n, d)) * rng.gamma(1, size=d) * 3 + rng.normal(size=d) * 10
    yhat = y + rng.normal(size=(n, d)) * rng.gamma(1)
    return torch.from_numpy(y), torch.from_numpy(yhat)


def predict_mean(y):
    return y.mean(0).expand_as(y)


# The definitions that were shipped somewhere and were wrong.


def mean_of_token_ratios(y, yhat):  # SAELens#443
    return float((1 - (y - yhat).square().sum(1) / (y - y.mean(0)).square().sum(1)).mean())


def scaled_target_only(y, yhat):  # SAELens#518: the coder saw y * 0.5 and answered on that scale
    return variance_explained(y * 0.5, yhat)


def about_batch_means(y, yhat, size=2):  # SAELens#659
    parts = list(zip(y.split(size), yhat.split(size), strict=True))
    sse = sum(float((a - b).square().sum()) for a, b in parts)
    return 1 - sse / sum(float((a - a.mean(0)).square().sum()) for a, _ in parts)


def about_zero(y, yhat):
    return 1 - float((y - yhat).square().sum() / y.square().sum())


def mean_over_wrong_axis(y, yhat):  # sparsify 3befd93
    return float((1 - (y - yhat).square().sum(0) / (y - y.mean(0)).square().sum(0)).mean())


@given(seeds)
def test_the_mean_explains_nothing_and_the_identity_everything(seed):
    y, _ = data(seed)
    assert variance_explained(y, predict_mean(y)) == pytest.approx(0, abs=1e-12)
    assert variance_explained(y, y.clone()) == 1.0


@given(seeds)
def test_it_is_sklearns_variance_weighted_r2(seed):
    y, yhat = data(seed)
    assert variance_explained(y, yhat) == pytest.approx(r2_score(y, yhat, multioutput="variance_weighted"), abs=1e-9)
    errors = squared_errors([y], [yhat])
    assert errors.r2_uniform == pytest.approx(r2_score(y, yhat, multioutput="uniform_average"), abs=1e-9)


def test_constant_dimensions_count_in_r2_as_sklearn_counts_them():
    y, yhat = data(3, n=30, d=4)
    y[:, 1] = 2.0
    y[:, 2] = yhat[:, 2] = -1.0
    expected = r2_score(y, yhat, multioutput="uniform_average")
    assert squared_errors([y], [yhat]).r2_uniform == pytest.approx(expected, abs=1e-12)


@given(seeds, st.integers(1, 7))
def test_batches_and_row_order_do_not_matter(seed, size):
    y, yhat = data(seed)
    whole = variance_explained(y, yhat)
    assert squared_errors(y.split(size), yhat.split(size)).variance_explained == pytest.approx(whole, abs=1e-12)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(y)))
    assert variance_explained(y[order], yhat[order]) == pytest.approx(whole, abs=1e-12)


@given(seeds, st.floats(0.01, 100), st.floats(-50, 50))
def test_scaling_and_shifting_both_sides_changes_nothing(seed, scale, shift):
    y, yhat = data(seed)
    moved = variance_explained(y * scale + shift, yhat * scale + shift)
    assert moved == pytest.approx(variance_explained(y, yhat), abs=1e-8, rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_rotating_both_sides_changes_nothing(seed):
    y, yhat = data(seed)
    q = torch.linalg.qr(torch.from_numpy(np.random.default_rng(seed).normal(size=(y.shape[1],) * 2)))[0]
    assert variance_explained(y @ q, yhat @ q) == pytest.approx(variance_explained(y, yhat), abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_every_wrong_definition_breaks_a_law(seed):
    y, yhat = data(seed, n=24, d=5)
    zero = torch.zeros_like(y)
    reference = r2_score(y, zero, multioutput="variance_weighted")
    assert variance_explained(y, zero) == pytest.approx(reference, rel=1e-9)
    # Predict-mean and identity pass for the mean of token ratios: it takes predict-zero against the reference to see it.
    assert mean_of_token_ratios(y, y) == 1.0
    assert mean_of_token_ratios(y, predict_mean(y)) == pytest.approx(0, abs=1e-12)
    assert mean_of_token_ratios(y, zero) != pytest.approx(reference, rel=1e-3)
    assert scaled_target_only(y, y) < 1 - 1e-3
    assert about_batch_means(y, predict_mean(y)) < -1e-3
    assert about_zero(y, predict_mean(y)) > 1e-3
    fvu = 1 - r2_score(y, yhat, multioutput="variance_weighted")
    assert 1 - mean_over_wrong_axis(y, yhat) != pytest.approx(fvu, rel=1e-3)


def test_the_legacy_number_is_the_one_that_was_published_and_is_called_legacy():
    y, yhat = data(1, n=40, d=5)
    errors = squared_errors([y], [yhat])
    assert errors.legacy_variance_explained == pytest.approx(mean_of_token_ratios(y, yhat), abs=1e-12)
    assert errors.legacy_variance_explained != pytest.approx(errors.variance_explained, rel=1e-3)


@given(seeds)
def test_document_sums_add_up_to_the_whole_about_one_mean(seed):
    y, yhat = data(seed, n=40)
    rng = np.random.default_rng(seed)
    document = rng.integers(0, 6, len(y))
    mean = Mean()
    mean.add(y[:11])
    mean.add(y[11:])
    errors = SquaredErrors(mean.value, [f"d{k}" for k in range(7)])
    errors.add(y[:25], yhat[:25], document[:25])
    errors.add(y[25:], yhat[25:], document[25:])
    columns = errors.sums.columns()
    assert "d6" not in errors.sums.units  # it has no token: not a unit with zero error
    assert columns["n_tokens"].sum() == len(y)
    assert 1 - columns["sse"].sum() / columns["sst"].sum() == pytest.approx(variance_explained(y, yhat), abs=1e-12)
    first = document == np.unique(document)[0]
    assert columns["sst"][0] == pytest.approx(float((y[first] - y.mean(0)).square().sum()), rel=1e-9)
    assert columns["sse"][0] == pytest.approx(float((y[first] - yhat[first]).square().sum()), rel=1e-9)


def test_float32_rows_far_from_zero_are_summed_in_float64():
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.normal(size=(20_000, 3)) + 3000).float()
    yhat = y + torch.from_numpy(rng.normal(size=y.shape) * 0.1).float()
    batches = [(y.split(7), yhat.split(7)), (y.split(5000), yhat.split(5000))]
    exact = r2_score(y.double(), yhat.double(), multioutput="variance_weighted")
    for targets, reconstructions in batches:
        assert squared_errors(targets, reconstructions).variance_explained == pytest.approx(exact, abs=1e-9)


def test_shapes_that_would_broadcast_are_refused():
    y, yhat = data(0, n=12, d=4)
    with pytest.raises(Refusal, match="which site"):
        squared_errors([y], [yhat[:, :1]])
    with pytest.raises(Refusal, match="which site"):
        SquaredErrors(y[0], ["d"]).add(y[:1].T, y[:1].T, np.zeros(4, int))


def test_a_target_without_variance_is_refused_and_nan_is_an_error():
    y = torch.ones(9, 3)
    with pytest.raises(Refusal, match="never varies"):
        variance_explained(y, y)
    y, yhat = data(0)
    yhat[1, 0] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinite in document 'all'"):
        variance_explained(y, yhat)
