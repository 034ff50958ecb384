"""Asking: in order, each question once, as many at once as allowed, and nothing lost when it ends early."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_questions import Count, InProcess, latent, question

from mi.autointerp.answers import render
from mi.autointerp.asking import ask_all, costs, explain_all
from mi.autointerp.journal import Journal
from mi.autointerp.scorer import Answers
from mi.autointerp.unavailable import ScorerUnavailable
from mi.refusal import Refusal


def truth_of(question):
    return render([int(e.activating) for e in question.examples])


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        yield journal


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.lists(st.booleans(), min_size=1, max_size=4)), max_size=20),
    st.integers(1, 9),
)
def test_answers_come_in_the_order_of_the_questions_and_equal_ones_are_asked_once(tmp_path_factory, about, concurrency):
    questions = [question(number, truth) for number, truth in about]
    scorer, bar = InProcess(truth_of, concurrency), Count()
    with Journal(tmp_path_factory.mktemp("asking") / "journal.jsonl") as journal:
        answers = ask_all(scorer, questions, journal, bar)
    assert [a.values for a in answers] == [tuple(int(t) for t in truth) for _, truth in about]
    assert len(scorer.asked) == len({(number, tuple(truth)) for number, truth in about})
    assert bar.n == sum(len(truth) for _, truth in about)


def test_concurrency_is_reached_and_never_exceeded(journal):
    scorer = InProcess(truth_of, concurrency=7, delay=0.005)
    ask_all(scorer, [question(k, [1, 0]) for k in range(60)], journal, Count())
    assert scorer.peak == 7


def test_slow_answers_hold_nobody_up(journal):
    """One answer that takes as long as all the others together: nobody waits for it."""

    class Uneven(InProcess):
        async def answer(self, question):
            await asyncio.sleep(0.4 if question.latent == 0 else 0)
            return await super().answer(question)

    scorer = Uneven(truth_of, concurrency=2, delay=0.01)
    began = asyncio.new_event_loop().time()
    answers = ask_all(scorer, [question(k, [1]) for k in range(31)], journal, Count())
    assert asyncio.new_event_loop().time() - began < 0.65
    assert len(answers) == 31


def test_what_the_journal_has_is_not_asked(journal, tmp_path):
    questions = [question(k, [1, 0]) for k in range(9)]
    first = ask_all(InProcess(truth_of), questions, journal, Count())
    journal.close()
    again, bar = InProcess(lambda _: "[9]"), Count()
    with Journal(journal.path) as resumed:
        assert ask_all(again, questions, resumed, bar) == first
    assert (again.asked, bar.n) == ([], 18)


def test_an_unreadable_answer_is_an_answer_and_not_asked_again(journal):
    scorer, bar = InProcess(lambda _: "no idea"), Count()
    for _ in range(2):
        answers = ask_all(scorer, [question(1, [1, 0])], journal, bar)
    assert answers == [Answers((None, None), "no idea", "no list")]
    assert len(scorer.asked) == 1
    assert bar.notes == ["1 answers not read in full"]


def test_the_first_error_ends_it_and_what_was_answered_is_kept(journal):
    def script(question):
        if question.latent == 12:
            raise ScorerUnavailable("a server that fell over", "answers", "Start it.")
        return truth_of(question)

    questions = [question(k, [1, 0, 1]) for k in range(40)]
    scorer = InProcess(script, concurrency=4, delay=0.001)
    with pytest.raises(ScorerUnavailable, match="fell over") as caught:
        ask_all(scorer, questions, journal, Count())
    assert caught.value.keeps_work
    assert caught.value.refused
    assert 12 <= len(journal) <= 15
    assert scorer.under_way == 0
    rest = InProcess(truth_of)
    kept = len(journal)
    answers = ask_all(rest, questions, journal, Count())
    assert len(rest.asked) == 40 - kept
    assert all(a.values == (1, 0, 1) for a in answers)


def test_what_is_under_way_when_an_error_comes_may_arrive(journal):
    class Fails(InProcess):
        async def answer(self, question):
            if question.latent == 3:
                raise ScorerUnavailable("a server that fell over", "answers", "Start it.")
            return await super().answer(question)

    scorer = Fails(truth_of, concurrency=4, delay=0.1)
    with pytest.raises(ScorerUnavailable):
        ask_all(scorer, [question(k, [1]) for k in range(9)], journal, Count())
    assert (len(scorer.asked), len(journal)) == (3, 3)


def test_another_number_of_answers_is_refused(journal):
    class Short(InProcess):
        async def answer(self, question):
            return Answers((1,))

    with pytest.raises(Refusal, match="1 answers of in-process to 2 examples"):
        ask_all(Short(truth_of), [question(0, [1, 0])], journal, Count())
    assert len(journal) == 0


def test_who_asks_decides(journal):
    one, other = InProcess(lambda _: "[1]"), InProcess(lambda _: "[0]")
    other.name = "other"
    asked = [question(0, [1])]
    assert [ask_all(s, asked, journal, Count())[0].values for s in (one, other)] == [(1,), (0,)]


def test_everything_that_is_shown_decides_and_nothing_else(journal):
    """Marks count for fuzzing; whether a window activates is not shown, and must not make another question of it."""
    shown = question(0, [1])
    (window,) = shown.examples

    def again(kind, **other):
        return replace(shown, latent=9, kind=kind, examples=(replace(window, **other),))

    same = [shown, again("detection", activating=False, decile=None), again("detection", marks=(1,))]
    different = [again("fuzzing"), again("fuzzing", marks=(1,)), question(0, [1], explanation="x"), question(1, [1])]
    scorer = InProcess(lambda q: "[1]")
    ask_all(scorer, [*same, *different], journal, Count())
    assert len(scorer.asked) == 1 + len(different)


def test_explanations(journal):
    scorer, bar = InProcess(truth_of), Count()
    for _ in range(2):
        said = explain_all(scorer, [latent(3), latent(1), latent(3)], journal, bar)
    assert [e.text for e in said] == ["explains 3", "explains 1", "explains 3"]
    assert (len(scorer.asked), bar.n) == (2, 6)
    assert costs(journal) == {"asked": 2, "served_as": [], "tries": 0, "prompt_tokens": 0, "completion_tokens": 0}


def test_inside_a_running_loop(journal):
    async def notebook():
        return ask_all(InProcess(truth_of), [question(0, [1, 0])], journal, Count())

    assert asyncio.run(notebook())[0].values == (1, 0)


def test_nothing_to_ask(journal):
    assert ask_all(InProcess(truth_of), [], journal, Count()) == []
