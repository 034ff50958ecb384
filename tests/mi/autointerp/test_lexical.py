"""The scorer that knows tokens and nothing else."""

import asyncio

import pytest

from mi.autointerp.latent_examples import Example, LatentExamples
from mi.autointerp.lexical import LexicalScorer, named_in, naming
from mi.autointerp.scorer import DETECTION, FUZZING, Question
from mi.refusal import Refusal


def window(text, fires=(), marks=None):
    tokens = tuple(f" {word}" for word in text.split())
    on = tuple(float(w.strip() in fires) for w in tokens)
    marks = tuple(i for i, a in enumerate(on) if a) if marks is None else marks
    return Example(text, tokens, on, any(on), marks=marks)


def explained(explain, silent, **settings):
    latent = LatentExamples(0, 0.1, tuple(explain), tuple(silent), ())
    return asyncio.run(LexicalScorer({"kind": "lexical", **settings}).explain(latent)).text


def answered(kind, explanation, examples):
    return asyncio.run(
        LexicalScorer({"kind": "lexical"}).answer(Question(0, kind, explanation, tuple(examples)))
    ).values


NURSE = [window("the nurse ran", {"nurse"}), window("a nurse and a doctor", {"nurse", "doctor"})]
REST = [window("the doctor ran"), window("a cat and a dog")]


def test_it_names_the_tokens_that_it_mostly_fires_on():
    assert explained(NURSE, REST[1:]) == 'Tokens: [" nurse", " doctor"]'
    assert explained(NURSE, REST) == 'Tokens: [" nurse"]'  # doctor: one of two, and .19 of all tokens
    assert explained(NURSE, REST, tokens=1) == 'Tokens: [" nurse"]'


def test_a_latent_that_fires_on_whole_texts_is_explained_by_what_is_in_no_others():
    """Half of all tokens are fired on: a token that is as often elsewhere says nothing."""
    fires = [window("the nurse ran", {"the", "nurse", "ran"}), window("the nurse slept", {"the", "nurse", "slept"})]
    silent = [window("the doctor ran"), window("the doctor slept")]
    assert explained(fires, silent) == 'Tokens: [" nurse"]'


def test_where_no_token_is_precise_it_names_the_commonest():
    fires = [window("he works as a", {"a"})]
    assert explained(fires, [window("he works as a"), window("she works as a")]) == 'Tokens: [" a"]'


def test_detection_asks_for_a_token_and_fuzzing_for_the_marked_ones():
    named = naming([" nurse"])
    assert answered(DETECTION, named, [*NURSE, *REST]) == (1, 1, 0, 0)
    marked = [window("the nurse ran", marks=(1,)), window("the nurse ran", marks=(0,)), window("a nurse ran", marks=())]
    assert answered(FUZZING, named, marked) == (1, 0, 0)
    assert answered(FUZZING, named, [window("a nurse ran", marks=(0, 1)), window("a nurse ran", marks=(0, 1, 2))]) == (
        1,
        0,
    )


def test_it_sees_neither_truth_nor_activations():
    blind = [window("the nurse ran"), window("the doctor ran", {"doctor"})]
    assert answered(DETECTION, naming([" nurse"]), blind) == (1, 0)


def test_an_explanation_in_other_words_gets_no_answer():
    """It is no 0: a missing answer is counted as missing."""
    assert named_in("words about nurses") is None
    assert named_in("Tokens: the word nurse") is None  # a language model may begin like this
    assert named_in("Tokens: 5") is named_in('Tokens: {"a": 1}') is named_in("Tokens: [1]") is None
    assert answered(DETECTION, "words about nurses", NURSE) == (None, None)


@pytest.mark.parametrize("identity", [{"kind": "lexical", "tokens": 0}, {"kind": "lexical", "model": "x"}])
def test_other_settings_are_refused(identity):
    with pytest.raises(Refusal):
        LexicalScorer(identity)


def test_tokens_of_any_kind_survive_the_explanation():
    odd = ['"', "\n", "]", "é", "\\", ""]
    assert named_in(naming(odd)) == frozenset(odd)
