"""From answers to one score per latent, with nothing lost on the way."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from mi.autointerp.accounting import account
from mi.refusal import Refusal

truths = st.lists(st.booleans(), min_size=2, max_size=60)


@given(st.data())
def test_balanced_accuracy_is_scikit_learns(data):
    truth = data.draw(truths.filter(lambda t: len(set(t)) == 2))
    answers = data.draw(st.lists(st.integers(0, 1), min_size=len(truth), max_size=len(truth)))
    told = account(truth, answers)
    assert told.score == pytest.approx(balanced_accuracy_score(truth, answers))
    assert told.nulls_wrong == told.score
    assert (told.parse_rate, told.missing, told.n) == (1.0, 0, len(truth))


@given(st.data())
def test_every_answer_is_read_or_missing(data):
    truth = data.draw(truths)
    answers = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=len(truth), max_size=len(truth)))
    told = account(truth, answers)
    assert told.missing == answers.count(None)
    assert told.parse_rate == pytest.approx(1 - told.missing / told.n)
    if not isnan(told.score):
        assert told.nulls_wrong <= told.score + 1e-12
        wrong = [int(not t) if a is None else a for t, a in zip(truth, answers, strict=True)]
        assert told.nulls_wrong == pytest.approx(account(truth, wrong).score)


@given(st.data())
def test_the_order_of_examples_does_not_matter(data):
    truth = data.draw(truths)
    answers = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=len(truth), max_size=len(truth)))
    order = data.draw(st.permutations(range(len(truth))))
    one, other = account(truth, answers), account([truth[i] for i in order], [answers[i] for i in order])
    assert np.array_equal([one.score, one.nulls_wrong], [other.score, other.nulls_wrong], equal_nan=True)


def test_one_class_is_not_measurable_and_never_zero():
    """Neuronpedia scored 0 where only one class was present."""
    assert isnan(account([True] * 5, [1, 1, 0, 1, 1]).score)
    assert isnan(account([True, True, False], [1, 0, None]).score)
    assert account([True, True, False], [1, 0, None]).nulls_wrong == pytest.approx(0.25)


def test_always_yes_is_chance():
    assert account([True] * 40 + [False] * 50, [1] * 90).score == 0.5


@pytest.mark.parametrize(
    ("truth", "answers"),
    [([True], []), ([], []), ([True, False], [1]), ([True], [2]), ([True], ["1"]), ([True], [True])],
)
def test_answers_that_do_not_belong_to_the_examples_are_refused(truth, answers):
    with pytest.raises(Refusal):
        account(truth, answers)
