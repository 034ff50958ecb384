"""Reading answers: each in its place or none at all; and what the source's own reading made of them."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp import answers
from mi.autointerp.accounting import account
from mi.autointerp.answers import parse, parse_explanation, render

VALUES = st.lists(st.sampled_from([0, 1, None]), min_size=1, max_size=30)
AROUND = (
    "{}",
    "```json\n{}\n```",
    '{{"answers": {}}}',
    "Sure! Here you are: {}. Anything else?",
    "<think>[0]</think>\n{}",
)


@given(VALUES, st.sampled_from(AROUND))
def test_every_answer_stays_in_its_place(values, around):
    read = parse(around.format(render(values)), len(values))
    assert read.values == tuple(values)
    assert read.why == ("null" if None in values else None)


@given(
    st.text(alphabet=st.characters() | st.sampled_from("[]{}01,:\"' \nnulltrefas`<>"), max_size=80), st.integers(1, 6)
)
def test_whatever_is_said_there_are_n_answers(text, n):
    read = parse(text, n)
    assert len(read.values) == n
    assert read.raw == text
    assert (read.why is None) == (None not in read.values)
    assert read.why in {None, *answers.WHYS}


@given(VALUES, st.integers(1, 30))
def test_a_list_of_another_length_is_neither_cut_nor_padded(values, n):
    read = parse(render(values), n)
    if n != len(values):
        assert (read.values, read.why) == ((None,) * n, answers.LENGTH)


@pytest.mark.parametrize(
    "text", ["[true, false, null]", "[True,False,None]", "[ 1 ,0 , null ]", "[1,0,null] so [1, 0, null]"]
)
def test_spellings(text):
    assert parse(text, 3).values == (1, 0, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("I cannot help with that.", answers.NO_LIST),
        ("", answers.NO_LIST),
        ("1, 0, 1", answers.NO_LIST),
        ('{"example_0": 1, "example_1": 0, "example_2": 1}', answers.NO_LIST),
        ("<think>[1, 0, 1] or", answers.NO_LIST),
        ("[1, 0, 1", answers.BROKEN),
        ("[1, 0, 1,]", answers.BROKEN),
        ("[1, 0, maybe]", answers.BROKEN),
        ("[1, 0, 2]", answers.BROKEN),
        ("[1.0, 0.0, 1.0]", answers.BROKEN),
        ('["1", "0", "1"]', answers.BROKEN),
        ("[[1, 0, 1]]", answers.BROKEN),
        ("[1, 0, maybe, [1, 0, 1]]", answers.BROKEN),
        ("[1, 0, maybe], that is [1, 0, 1]", answers.BROKEN),
        ('{"answers": [1, 0, "x"]}', answers.BROKEN),
        ('{"answers": "yes"}', answers.BROKEN),
        ("[1, 0]", answers.LENGTH),
        ("[1, 0, 1, 0]", answers.LENGTH),
        ("[]", answers.LENGTH),
        ("First [1, 0, 1], then again [1, 1, 1]", answers.SEVERAL),
        ('{"answers": [1, 0, 1], "answers": [1, 1, 1]}', answers.SEVERAL),
        ("[" * 100_000, answers.BROKEN),
    ],
)
def test_what_cannot_be_read(text, why):
    read = parse(text, 3)
    assert (read.values, read.why) == ((None, None, None), why)


@pytest.mark.parametrize(
    "text",
    [
        "Example [1] has it, [see there], so: [1, 0, 1]",
        "[0, 1] is for two. For three: [1, 0, 1]",
        '{"reason": "a [ bracket, and [0, 0, 0]", "answers": [1, 0, 1]}',
        '```\n{"answers": [1, 0, 1]}\n```',
    ],
)
def test_other_brackets_are_no_answer(text):
    assert parse(text, 3).values == (1, 0, 1)


def test_an_answer_that_was_cut_does_not_count_even_if_it_looks_whole():
    assert parse("[1, 0, 1]", 3, cut=True).why == answers.CUT
    assert parse_explanation("[EXPLANATION]: numbers and", cut=True).text == ""


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("[EXPLANATION]: Names of months.", "Names of months."),
        ("Some thoughts.\n[EXPLANATION]:\n Two\nlines ", "Two\nlines"),
        ("[EXPLANATION]: one\n[EXPLANATION]: two", "one"),
        ("<think>[EXPLANATION]: not yet</think>[EXPLANATION]: now", "now"),
        ("Names of months.", ""),
        ("[EXPLANATION]:  ", ""),
        ("", ""),
    ],
)
def test_explanations(text, explanation):
    read = parse_explanation(text)
    assert (read.text, read.raw) == (explanation, text)
    assert (read.why is None) == bool(explanation)


def by_regular_expressions(truth, said):
    """How the source read delphi's files: predictions that are null are not found, and the rest is zipped."""
    text = json.dumps(
        [
            {"activating": bool(t), "prediction": None if v is None else bool(v)}
            for t, v in zip(truth, said, strict=True)
        ]
    )
    activating = re.findall(r'"activating": (true|false)', text)
    predicted = re.findall(r'"prediction": (true|false)', text)
    return np.mean([a == p for a, p in zip(activating, predicted, strict=False)])


def simulated(missing, accuracy=0.65, latents=150, n=90, shown=5, seed=0):
    """Mean score of latents, ours and the source's, if a share ``missing`` of the answers to 5 examples is unreadable."""
    rng = np.random.default_rng(seed)
    ours, theirs, lost = [], [], 0
    for _ in range(latents):
        truth = rng.permutation(np.arange(n) < 40)
        right = rng.random(n) < accuracy
        said = []
        for at in range(0, n, shown):
            values = np.where(right, truth, ~truth)[at : at + shown].astype(int).tolist()
            text = "I am not sure." if rng.random() < missing else render(values)
            said += parse(text, shown).values
        told = account(truth.tolist(), said)
        assert told.missing == said.count(None)
        lost += told.missing
        ours.append(told.score)
        theirs.append(by_regular_expressions(truth, said))
    return np.mean(ours), np.mean(theirs), lost / (latents * n)


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.05, 0.1, 0.16, 0.3])
def test_missing_answers_move_no_score(missing):
    ours, theirs, lost = simulated(missing)
    assert ours == pytest.approx(0.65, abs=0.012)  # 4 standard errors of 150 latents of 90 examples
    assert lost == pytest.approx(missing, abs=0.03)
    if missing >= 0.16:  # what the source did, for comparison: every answer after a missing one belongs to another
        assert theirs < 0.56
