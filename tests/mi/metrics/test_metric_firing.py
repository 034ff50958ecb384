"""Counts of firing latents."""

import numpy as np
import pytest
import torch

from mi.metrics.firing import Firing


def latents(n=200_000):
    z = torch.zeros(n, 6)
    z[:, 0] = 2.0
    z[::2, 1] = 0.5
    z[7, 2] = 1e-7  # once in 200,000 tokens, and weakly
    z[::1000, 3] = 3.0
    return z


def firing_of(z, size, decoder=None):
    firing = Firing(torch.eye(6) if decoder is None else decoder)
    parts = [firing.add(batch) for batch in z.split(size)]
    return firing, {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def test_rare_latents_are_alive():
    firing, _ = firing_of(latents(), 4096)
    facts = firing.facts()
    assert facts["alive"] == 4
    assert facts["dead"] == 2
    assert firing.fired.tolist() == [200_000, 100_000, 1, 200, 0, 0]
    # SAEBench d1eea66: a rate stored with five digits is 0 for latent 2.
    assert (np.round(firing.fired.numpy() / firing.n_tokens, 5) > 0).sum() == 3


def test_sums_do_not_depend_on_batches_and_match_the_definition():
    z = latents(1000)
    decoder = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    (one, a), (other, b) = firing_of(z, 1000, decoder), firing_of(z, 7, decoder)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-12)
    assert one.facts() == other.facts()
    assert a["l0_sum"].tolist() == (z != 0).sum(1).tolist()
    np.testing.assert_allclose(a["l1_sum"], z.double().abs().sum(1).numpy())


def test_l1_times_decoder_norm_survives_a_change_of_units_and_plain_l1_does_not():
    generator = torch.Generator().manual_seed(1)
    z, decoder = torch.rand(50, 6, generator=generator), torch.randn(6, 3, generator=generator)
    scale = torch.tensor([1.0, 2.0, 4.0, 0.5, 8.0, 1.0])
    _, before = firing_of(z, 50, decoder)
    _, after = firing_of(z * scale, 50, decoder / scale[:, None])
    np.testing.assert_allclose(before["l1_scaled_sum"], after["l1_scaled_sum"], rtol=1e-6)
    assert not np.allclose(before["l1_sum"], after["l1_sum"])
    assert (before["l0_sum"] == after["l0_sum"]).all()


def test_facts_say_on_how_many_tokens_a_latent_was_looked_for():
    firing, _ = firing_of(latents(3000), 512)
    facts = firing.facts()
    assert "3000 tokens" in facts["dead_means"]
    assert facts["dead_rate_below"] == pytest.approx(3 / 3000, rel=0.01)  # the rule of three
    histogram = facts["firing_rate_histogram"]
    assert sum(histogram["counts"]) + histogram["never"] == 6
