"""Sparse probing: is a probe on SAE latents any better than one on the activations?"""

import pytest

from mi.sample import Sample


def gain(probe_auc, k, noise):
    """SAE probe minus logistic regression, per data set."""
    setting = f"label_noise_{noise}"
    return probe_auc(f"sae16k_k{k}", setting) - probe_auc("logreg_layer20", setting)


def share(of, held):
    """The data sets of a difference on which something held, as outcomes."""
    return Sample(held, of.units, quantity="share of data sets", unit="data set", sources=of.sources)


@pytest.mark.claim("sae-probes.tokens-are-not-enough")
def test_tokens_are_not_enough(judge, probe_auc):
    judge(probe_auc("logreg_layer20", "clean") - probe_auc("logreg_layerembed", "clean"), above=0.05)


@pytest.mark.claim("sae-probes.token-level-data-sets-are-rare")
def test_token_level_data_sets_are_rare(judge, probe_auc):
    gap = (probe_auc("logreg_layer20", "clean") - probe_auc("logreg_layerembed", "clean")).differences
    judge(share(gap, gap.values <= 0.02), below=0.10)


@pytest.mark.claim("sae-probes.non-inferior")
def test_non_inferior(judge, probe_auc, k, noise):
    judge(gain(probe_auc, k, noise), above=-0.01)


@pytest.mark.claim("sae-probes.wins-under-label-noise")
def test_wins_under_label_noise(judge, probe_auc, k, noise):
    judge(gain(probe_auc, k, noise), above=0.0)


@pytest.mark.claim("sae-probes.noise-flips-the-sign")
def test_noise_flips_the_sign(judge, probe_auc):
    judge(gain(probe_auc, 16, 0.45) - gain(probe_auc, 16, 0.0), above=0.0)


@pytest.mark.claim("sae-probes.more-latents-help-on-clean-labels")
def test_more_latents_help_on_clean_labels(judge, probe_auc):
    judge(probe_auc("sae16k_k128", "label_noise_0.0") - probe_auc("sae16k_k16", "label_noise_0.0"), above=0.0)


@pytest.mark.claim("sae-probes.more-latents-hurt-under-label-noise")
def test_more_latents_hurt_under_label_noise(judge, probe_auc):
    judge(probe_auc("sae16k_k128", "label_noise_0.45") - probe_auc("sae16k_k16", "label_noise_0.45"), below=0.0)


@pytest.mark.claim("sae-probes.wins-on-most-data-sets")
def test_wins_on_most_data_sets(judge, probe_auc, noise):
    gains = gain(probe_auc, 16, noise).differences
    judge(share(gains, gains.values > 0), above=0.5)


@pytest.mark.claim("sae-probes.within-the-noise-floor")
def test_within_the_noise_floor(judge, probe_auc, k, noise):
    judge(gain(probe_auc, k, noise), within=0.04)


@pytest.mark.claim("sae-architectures.first-beats-second")
def test_first_architecture_beats_second(judge, architecture_wins, first, second):
    judge(architecture_wins(first, second), above=0.5)
