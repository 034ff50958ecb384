"""Shuffled domain labels."""

import numpy as np
import pytest
import torch
from scipy import stats

from mi.metrics.label_null import LabelNull
from mi.refusal import Refusal


def null_of(values, in_b, draws=199, seed=0, size=7):
    null = LabelNull(in_b, values.shape[1], draws, seed)
    for k in range(0, len(values), size):
        null.add(np.arange(k, min(k + size, len(values))), torch.from_numpy(values[k : k + size]))
    return null


def sparse(rng, n, n_latents):
    """Mean activations of documents: mostly zero, skewed, each latent as rare as another."""
    on = rng.random((n, n_latents)) < rng.uniform(0.02, 0.6, n_latents)
    return on * rng.gamma(1, size=(n, n_latents))


def test_t_is_welchs():
    rng = np.random.default_rng(0)
    values, in_b = sparse(rng, 60, 12), np.arange(60) % 3 == 0
    expected = stats.ttest_ind(values[~in_b], values[in_b], equal_var=False).statistic
    np.testing.assert_allclose(null_of(values, in_b).t()[0], expected, rtol=1e-9)


def test_batches_and_document_order_do_not_matter_for_what_is_observed():
    rng = np.random.default_rng(1)
    values, in_b = sparse(rng, 50, 9), rng.random(50) < 0.4
    order = rng.permutation(50)
    a, b = null_of(values, in_b, size=50).t()[0], null_of(values[order], in_b[order], size=3).t()[0]
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_domains_that_do_not_matter_rarely_yield_any_latent():
    rng, found = np.random.default_rng(2), 0
    for seed in range(100):
        values, in_b = sparse(rng, 40, 40), rng.permutation(40) < 15
        found += bool((null_of(values, in_b, draws=99, seed=seed, size=40).p_values()[1] <= 0.05).any())
    assert stats.binomtest(found, 100, 0.05, alternative="greater").pvalue > 0.01


def test_unequal_spread_alone_is_not_a_difference():
    """Why it is t and not the plain difference: few documents of the domain that varies more."""
    rng, found, plain = np.random.default_rng(3), 0, 0
    for seed in range(80):
        in_b = np.arange(60) < 12
        values = 5 + rng.normal(size=(60, 1)) * np.where(in_b, 4.0, 0.5)[:, None]
        found += float(null_of(values, in_b, draws=99, seed=seed, size=60).p_values()[0][0]) <= 0.05
        observed = abs(values[in_b].mean() - values[~in_b].mean())
        shuffled = [rng.permutation(in_b) for _ in range(99)]
        plain += np.mean([abs(values[s].mean() - values[~s].mean()) >= observed for s in shuffled]) <= 0.05
    assert found / 80 < 0.12
    assert plain / 80 > 0.2


def test_planted_latents_are_found_and_only_they():
    rng = np.random.default_rng(4)
    values, in_b = sparse(rng, 120, 80), np.arange(120) % 2 == 1
    values[np.ix_(~in_b, [3, 41])] += rng.gamma(2, size=(60, 2))
    adjusted = null_of(values, in_b, draws=499).p_values()[1]
    assert set(np.flatnonzero(adjusted.numpy() <= 0.05)) == {3, 41}


def test_a_latent_that_separates_perfectly_stays_finite():
    in_b = np.arange(20) < 10
    values = np.where(in_b, 0.0, 1.0)[:, None] * np.ones((20, 2))
    values[:, 1] = 0.0
    t = null_of(values, in_b).t()
    assert torch.isfinite(t).all()
    assert t[0, 0] > t[1:, 0].abs().quantile(0.9)
    assert (t[:, 1] == 0).all()


def test_documents_are_counted_once_and_all_of_them():
    null = LabelNull(np.arange(20) < 10, 2, 9, 0)
    null.add(np.arange(10), torch.rand(10, 2))
    with pytest.raises(Refusal, match="twice"):
        null.add(np.array([3]), torch.rand(1, 2))
    with pytest.raises(Refusal, match="10 documents missing"):
        null.t()
    with pytest.raises(Refusal, match="at least 5"):
        LabelNull(np.arange(20) < 3, 2, 9, 0)
