"""Auto-interpretation: planted truth, controls, reading and reliability of scores."""

import pytest

from mi.claimable import mean, paired


@pytest.mark.claim("autointerp.single-token-latents-are-explained")
def test_single_token_latents_are_explained(judge, planted, score):
    judge(mean(planted.tokens(score)), above=0.9)


@pytest.mark.claim("autointerp.compositions-are-not-explained-by-tokens")
def test_compositions_are_not_explained_by_tokens(judge, planted, concept):
    judge(mean(planted.concept(concept)), within=0.1)


@pytest.mark.claim("autointerp.words-are-explained-by-tokens")
def test_words_are_explained_by_tokens(judge, planted, concept):
    judge(mean(planted.concept(concept)), above=0.2)


@pytest.mark.claim("autointerp.words-are-explained-where-compositions-are-not")
def test_words_are_explained_where_compositions_are_not(judge, planted, concept):
    judge(mean(planted.concept(concept)), above=0.1)


@pytest.mark.claim("autointerp.explanations-beat-shuffled")
def test_explanations_beat_shuffled(judge, autointerp, coder, scorer, score, drawn):
    own = autointerp.score(coder, scorer, score, drawn=drawn)
    judge(own - autointerp.score(coder, scorer, score, control="shuffled", drawn=drawn), above=0.1)


@pytest.mark.claim("autointerp.random-explanations-are-at-chance")
def test_random_explanations_are_at_chance(judge, autointerp, coder, scorer, score, drawn):
    judge(autointerp.above_chance(coder, scorer, score, "random", drawn=drawn), within=0.05)


@pytest.mark.claim("autointerp.shuffled-explanations-are-at-chance")
def test_shuffled_explanations_are_at_chance(judge, autointerp, coder, scorer, score, drawn):
    judge(autointerp.above_chance(coder, scorer, score, "shuffled", drawn=drawn), within=0.05)


@pytest.mark.claim("autointerp.answers-are-read")
def test_answers_are_read(judge, autointerp, coder, scorer, drawn):
    judge(mean(autointerp.read(coder, scorer, drawn=drawn)), above=0.9)


@pytest.mark.claim("autointerp.live-latents-are-scored")
def test_live_latents_are_scored(judge, autointerp, coder, drawn):
    judge(mean(autointerp.scored(coder, drawn=drawn)), above=0.8)


@pytest.mark.claim("autointerp.missing-answers-do-not-decide")
def test_missing_answers_do_not_decide(judge, autointerp, coder, scorer, score, drawn):
    left_out = autointerp.score(coder, scorer, score, drawn=drawn)
    judge(paired(left_out, autointerp.score(coder, scorer, score, nulls_wrong=True, drawn=drawn)), within=0.01)


@pytest.mark.claim("autointerp.scored-again-the-same")
def test_scored_again_the_same(judge, autointerp, coder, scorer, score, drawn):
    judge(paired(*autointerp.twice(coder, scorer, score, drawn=drawn)), within=0.02)


@pytest.mark.claim("autointerp.scores-are-reliable")
def test_scores_are_reliable(judge, autointerp, coder, scorer, score, drawn):
    judge(autointerp.disagreement(*autointerp.twice(coder, scorer, score, drawn=drawn)), below=0.25)


@pytest.mark.claim("autointerp.scorers-agree")
def test_scorers_agree(judge, autointerp, coder, score, one, other, drawn):
    judge(autointerp.disagreement(*autointerp.by_both(coder, one, other, score, drawn=drawn)), below=0.25)


@pytest.mark.claim("autointerp.above-the-lexical-baseline")
def test_above_the_lexical_baseline(judge, autointerp, coder, scorer, score, drawn):
    ours = autointerp.score(coder, scorer, score, drawn=drawn)
    judge(ours - autointerp.baseline(coder, score, drawn=drawn), above=0.0)


@pytest.mark.claim("autointerp.length-gives-nothing-away")
def test_length_gives_nothing_away(judge, autointerp, coder, drawn):
    judge(mean(autointerp.length_above_chance(coder, drawn=drawn)), within=0.05)
