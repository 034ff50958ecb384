"""microscope: is a skip-transcoder more interpretable than an SAE, and what the scorer has to do with it."""

import pytest

from mi.claimable import mean, unpaired

ARMS = ("skip-transcoder", "sae")


@pytest.mark.claim("microscope.bigger-scorer-changed-the-answer")
def test_bigger_scorer_changed_the_answer(judge, reported_interaction, score):
    judge(reported_interaction(score), above=0.0)


@pytest.mark.claim("microscope.gemma-scope-latents-are-explained")
def test_gemma_scope_latents_are_explained(judge, reported_gemma_scope, score):
    judge(reported_gemma_scope(score), above=0.5)


@pytest.mark.claim("microscope.gemma-scope-latents-are-explained-again")
def test_gemma_scope_latents_are_explained_again(judge, autointerp, scorer, score, drawn):
    judge(mean(autointerp.score("gemma-scope", scorer, score, drawn=drawn)), above=0.5)


@pytest.mark.claim("microscope.gemma-scope-random-explanations")
def test_gemma_scope_random_explanations(judge, autointerp, scorer, score, drawn):
    judge(autointerp.above_chance("gemma-scope", scorer, score, "random", drawn=drawn), within=0.05)


@pytest.mark.claim("microscope.scorer-beside-the-subject")
def test_scorer_beside_the_subject(judge, reported_attempt):
    judge(reported_attempt(), above=0.5)


@pytest.mark.claim("microscope.skip-transcoder-more-interpretable-at-one-site")
def test_skip_transcoder_more_interpretable_at_one_site(judge, autointerp, scorer, score, drawn):
    judge(autointerp.advantage(ARMS, scorer, score, drawn=drawn), above=0.0)


@pytest.mark.claim("microscope.skip-transcoders-more-interpretable-over-seeds")
def test_skip_transcoders_more_interpretable_over_seeds(judge, autointerp, scorer, score, drawn):
    judge(autointerp.over_seeds(scorer, score, drawn=drawn), above=0.0)


@pytest.mark.claim("microscope.bigger-scorer-changes-the-answer")
def test_bigger_scorer_changes_the_answer(judge, autointerp, bigger, smaller, score, drawn):
    judge(autointerp.interaction(ARMS, bigger, smaller, score, drawn=drawn), above=0.0)


@pytest.mark.claim("microscope.trained-more-interpretable-than-randomised")
def test_trained_more_interpretable_than_randomised(judge, autointerp, scheme, scorer, score, drawn):
    real = autointerp.score("sae", scorer, score, drawn=drawn)
    judge(unpaired(real, autointerp.randomised(scheme).score("sae", scorer, score, drawn=drawn)), above=0.05)


@pytest.mark.claim("microscope.randomised-model-is-explained")
def test_randomised_model_is_explained(judge, autointerp, scheme, scorer, score, drawn):
    judge(mean(autointerp.randomised(scheme).score("sae", scorer, score, drawn=drawn)), above=0.6)
