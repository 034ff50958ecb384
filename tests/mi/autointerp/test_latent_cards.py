"""What is written of a latent is what was asked and answered."""

import json
from math import isclose, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from mi.autointerp.accounting import account
from mi.autointerp.cards import PER_DECILE, STRONGEST, balanced_interval, groups, write_cards
from mi.autointerp.latent_examples import Example, LatentExamples
from mi.refusal import Refusal


def window(i, activation, decile=None, text=("the ", "nurse", "\n")):
    fires = activation > 0
    return Example(f"doc-{i}:0", text, (0.0, float(activation), 0.0), fires, decile, (1,) if fires else (0,))


def make_latent(index=12, n=40, rate=0.01):
    """Forty windows to explain from, four in each tenth; twelve firing and twelve silent ones to test on."""
    explain = tuple(window(i, n - i, i // 4) for i in range(n))
    return LatentExamples(index, rate, explain, (window(200, 0),), tuple(window(100 + i, i % 2 * i) for i in range(24)))


def about(latent, answers=None):
    truth = [e.activating for e in latent.test]
    answers = {"detection": [int(t) for t in truth]} if answers is None else answers
    told = {kind: account(truth, given) for kind, given in answers.items()}
    scores = {kind: {"score": a.score, "parse_rate": a.parse_rate, "n": a.n} for kind, a in told.items()}
    return {
        "coder": "sae",
        "site": "blocks.2.hook_resid_post",
        "chosen": "registered sample 0123456789ab: 10 of 512 latents",
        "scorer": {"kind": "lexical"},
        "explanation": "Nurses",
        "unexplained": None,
        "scores": {**scores, "detection_shuffled": {"score": nan, "parse_rate": 0.0, "n": 24}},
        "answers": answers,
    }


@pytest.fixture
def card(tmp_path):
    def write(latent, said):
        write_cards(tmp_path, [latent], {latent.latent: said})
        return json.loads((tmp_path / f"cards/{latent.latent}.json").read_text("utf-8"))

    return write


def test_a_card_has_everything_that_was_said_and_asked(card):
    latent = make_latent()
    answers = {"detection": [None, 1, 0, *[1] * 21], "fuzzing": [0] * 24}
    found = card(latent, about(latent, answers))
    assert (found["latent"], found["coder"], found["dead"], found["rate"]) == (12, "sae", False, 0.01)
    assert found["chosen"].startswith("registered sample")
    assert [w["answers"] for w in found["answers"]][:3] == [
        {"detection": None, "fuzzing": 0},
        {"detection": 1, "fuzzing": 0},
        {"detection": 0, "fuzzing": 0},
    ]
    assert [w["activating"] for w in found["answers"]] == [e.activating for e in latent.test]
    assert found["answers"][1]["tokens"] == ["the ", "nurse", "\n"]
    assert found["scores"]["detection_shuffled"]["score"] is None


def test_contexts_are_the_strongest_and_some_of_every_tenth(card):
    latent = make_latent()
    found = card(latent, about(latent))["contexts"]
    assert [g["name"] for g in found] == ["strongest", *(f"decile {k}" for k in range(1, 11))]
    strongest, *tenths = ([max(w["activations"]) for w in g["windows"]] for g in found)
    assert strongest == list(range(40, 40 - STRONGEST, -1))
    assert [max(t) for t in tenths] == list(range(40, 0, -4))
    assert all(0 < len(t) <= PER_DECILE for t in tenths)


def test_a_latent_that_never_fires_is_dead_and_has_no_contexts(card):
    latent = make_latent(n=0, rate=0.0)
    found = card(latent, about(latent))
    assert found["dead"]
    assert found["contexts"] == []
    assert groups(latent) == []


def test_every_latent_has_a_file(tmp_path):
    latents = [make_latent(i) for i in (3, 7)]
    write_cards(tmp_path, latents, {n.latent: about(n) for n in latents})
    assert sorted(p.name for p in (tmp_path / "cards").iterdir()) == ["3.json", "7.json"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chosen": ""}, "without chosen"),
        ({"scores": {"detection": {"score": 0.9, "parse_rate": 1.0, "n": 24}}}, "answers that come to 1.0"),
        ({"scores": {}}, "answers that come to 1.0"),
        ({"answers": {"detection": [1]}}, "1 answers to 24 examples"),
    ],
)
def test_a_card_that_would_mislead_is_refused(card, change, words):
    latent = make_latent()
    with pytest.raises(Refusal, match=words):
        card(latent, {**about(latent), **change})


def test_a_latent_about_which_nothing_is_said_is_refused(tmp_path):
    with pytest.raises(Refusal, match="nothing about latent 12"):
        write_cards(tmp_path, [make_latent()], {})


def test_a_card_without_chosen_is_refused(card):
    latent = make_latent()
    with pytest.raises(Refusal, match="without chosen"):
        card(latent, {k: v for k, v in about(latent).items() if k != "chosen"})


@given(st.integers(10, 60), st.integers(10, 60), st.data())
def test_intervals_hold_the_score_and_are_those_of_statsmodels(n_firing, n_silent, data):
    yes = data.draw(st.tuples(st.integers(0, n_firing), st.integers(0, n_silent)))
    truth = [True] * (n_firing + 3) + [False] * (n_silent + 1)  # and four answers missing
    answers = (
        [int(i < yes[0]) for i in range(n_firing)] + [None] * 3 + [int(i < yes[1]) for i in range(n_silent)] + [None]
    )
    lo, hi = balanced_interval(truth, answers)
    assert 0 <= lo <= account(truth, answers).score <= hi <= 1
    expected = confint_proportions_2indep(yes[0], n_firing, yes[1], n_silent, method="agresti-caffo", compare="diff")
    assert isclose(lo, (1 + max(expected[0], -1)) / 2, abs_tol=1e-9)
    assert isclose(hi, (1 + min(expected[1], 1)) / 2, abs_tol=1e-9)


@pytest.mark.parametrize("n", [(9, 30), (30, 9)])
def test_few_answers_have_no_interval(n):
    truth = [True] * 30 + [False] * 30
    answers = [1] * n[0] + [None] * (30 - n[0]) + [0] * n[1] + [None] * (30 - n[1])
    assert balanced_interval(truth, answers) is None


def test_an_interval_is_on_the_card(card):
    latent = make_latent()
    assert card(latent, about(latent))["scores"]["detection"]["interval"] == pytest.approx([0.86, 1], abs=0.05)
