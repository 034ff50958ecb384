"""microscope, measured here: sparse probes, the token-only baseline, and Control A on randomised copies."""

import pytest

from mi.claimable import mean

COMPOSED = "negated_job_outdoor"


@pytest.mark.claim("microscope.real-beats-randomised-copies")
def test_real_beats_randomised_copies(judge, probing, concept, scheme):
    judge(probing.real_minus_randomised(concept, scheme), above=0.05)


@pytest.mark.claim("microscope.real-beats-randomised-copies-on-words")
def test_real_beats_randomised_copies_on_words(judge, probing, concept, scheme):
    judge(probing.real_minus_randomised(concept, scheme), above=0.05)


@pytest.mark.claim("microscope.most-signal-is-token-level")
def test_most_signal_is_token_level(judge, probing, concept, baseline):
    judge(probing.share_reached(concept, baseline), above=0.9)


@pytest.mark.claim("microscope.beyond-the-tokens")
def test_beyond_the_tokens(judge, probing, concept):
    judge(probing.arm(concept, "sae_few") - probing.arm(concept, "tokens_few"), above=0.1)


@pytest.mark.claim("microscope.beyond-the-tokens-where-nothing-is")
def test_beyond_the_tokens_where_nothing_is(judge, probing, concept):
    judge(probing.arm(concept, "sae_few") - probing.arm(concept, "tokens_few"), above=0.1)


@pytest.mark.claim("microscope.nothing-in-nothing")
def test_nothing_in_nothing(judge, probing, null):
    judge(mean(probing.probes(COMPOSED, null).sample("sae_full", less=0.5)), within=0.1)


@pytest.mark.claim("microscope.few-latents-keep-the-ceiling")
def test_few_latents_keep_the_ceiling(judge, probing, concept):
    judge(probing.faithfulness(concept, "sae_top_20", "residual_full"), above=0.9)


@pytest.mark.claim("microscope.sae-probe-matches-residual-probe")
def test_sae_probe_matches_residual_probe(judge, probing, concept):
    judge(probing.arm(concept, "sae_few") - probing.arm(concept, "residual_few"), within=0.04)


@pytest.mark.claim("microscope.best-latents-beat-best-dimensions")
def test_best_latents_beat_best_dimensions(judge, probing, concept, k):
    judge(probing.arm(concept, f"sae_top_{k}") - probing.arm(concept, f"residual_top_{k}"), above=0.0)
