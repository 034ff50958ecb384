from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.subjects.errors import SubjectError

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
SIDES = ("left", "right")


@pytest.fixture(scope="module")
def subject(subject_of):
    return subject_of("neox")


def content(subject, text):
    """The text's own tokens, by the tokenizer alone."""
    ids = subject.tokenizer(text, add_special_tokens=False).input_ids
    while ids and ids[0] == 0:
        ids = ids[1:]
    return ids


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=5), length=st.integers(2, 20), side=st.sampled_from(SIDES))
def test_what_is_fed_and_what_is_scored(subject, texts, length, side):
    batch = subject.tokens(texts, length, side)
    kept = [i for i in range(len(texts)) if i not in batch.excluded]
    assert [row.text for row in batch.rows] == kept
    assert all(not any(i > 1 for i in content(subject, texts[j])) for j in batch.excluded)
    for n, i in enumerate(kept):
        fed = batch.ids[n][batch.attend[n]].tolist()
        wanted = [0, *content(subject, texts[i])][:length]
        assert fed == wanted
        assert batch.ids[n][batch.scored[n]].tolist() == [t for t in wanted if t > 1]
        assert batch.positions[n][batch.attend[n]].tolist() == list(range(len(wanted)))
    if kept:
        assert not (batch.scored & ~batch.attend).any()
        assert batch.ids[range(len(kept)), batch.last()].tolist() == [
            [t for t, s in zip(row.ids, row.scored, strict=True) if s][-1] for row in batch.rows
        ]
        subject.vocabulary.check(batch)


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=4))
def test_sides_differ_in_padding_only(subject, texts):
    right, left = (subject.tokens(texts, 16, side) for side in ("right", "left"))
    assert left.rows == right.rows
    for mask in ("attend", "scored"):
        assert left.ids[getattr(left, mask)].tolist() == right.ids[getattr(right, mask)].tolist()
    assert left.padded("right").ids.equal(right.ids)


@pytest.mark.parametrize("prepends_bos", [True, False])
@pytest.mark.parametrize("text", ["the cat", "<bos>the cat", "<bos><bos>the cat"])
def test_one_bos_whoever_adds_one(subject_of, prepends_bos, text):
    subject = subject_of("neox", prepends_bos=prepends_bos)
    assert subject.needs_bos == prepends_bos
    ids = subject.tokens([text], 16).ids[0].tolist()
    assert ids.count(0) == 1
    assert ids[0] == 0


def test_a_special_token_inside_is_fed_and_not_scored(subject):
    batch = subject.tokens(["the<bos>cat<pad>sat"], 32)
    assert batch.ids[0].tolist().count(0) == 2
    assert not batch.scored[0][batch.ids[0] <= 1].any()


@pytest.mark.parametrize("empty", ["", "<bos>", "<pad><bos>"])
def test_texts_with_nothing_to_score_are_left_out_and_counted(subject, empty):
    batch = subject.tokens(["the cat", empty, "sat"], 16)
    assert batch.excluded == (1,)
    assert [row.text for row in batch.rows] == [0, 2]


def test_without_a_padding_token_an_id_of_the_vocabulary_is_used(subject_of):
    subject = subject_of("llama", pad=False)
    batch = subject.tokens(["the cat sat on a mat", "x"], 16)
    assert subject.tokenizer.pad_token_id is None
    assert int(batch.ids.max()) < subject.vocabulary.size
    assert not batch.attend[1].all()


def test_spans_lead_from_characters_to_tokens(subject):
    text = "<bos>the cat sat"
    row = subject.tokens([text], 32, spans=True).rows[0]
    start = text.index("cat")
    found = row.tokens_of(start, start + 3)
    assert "cat" in subject.tokenizer.decode([row.ids[i] for i in found])
    assert row.spans[0] == (0, 0)
    assert row.tokens_of(0, 0) == []


def test_truncation_counts_bos_and_is_told(subject):
    row = subject.tokens(["the cat sat on a mat"], 3).rows[0]
    assert len(row.ids) == 3
    assert row.truncated


@pytest.mark.parametrize("length", [1, 65])
def test_lengths_that_do_not_work_are_refused(subject, length):
    with pytest.raises(SubjectError, match="max_length"):
        subject.tokens(["the cat"], length)


def broken(batch, **changes):
    copy = replace(batch, ids=batch.ids.clone(), attend=batch.attend.clone(), scored=batch.scored.clone())
    for name, (where, value) in changes.items():
        getattr(copy, name)[where] = value
    return copy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ids": ((0, 0), 7)}, "do not begin with BOS"),
        ({"ids": ((0, 1), 0), "scored": ((0, 1), False)}, "BOS twice"),
        ({"ids": ((1, -1), 5000)}, "token id 5000"),
        ({"scored": ((0, 0), True)}, "scored padding or special"),
        ({"scored": ((1, -1), True)}, "scored padding or special"),
        ({"attend": ((0, 2), False), "scored": ((0, 2), False)}, "padding between tokens"),
        ({"attend": ((1,), False), "scored": ((1,), False)}, "empty rows"),
    ],
)
def test_a_batch_that_must_not_be_run_is_refused(subject, change, said):
    batch = subject.tokens(["the cat sat on a mat", "x y"], 16)
    with pytest.raises(SubjectError, match=said):
        subject.logits(broken(batch, **change))


def test_a_model_that_needs_no_bos_may_run_without(subject_of):
    subject = subject_of("neox", prepends_bos=False)
    batch = subject.tokens(["the cat sat on a mat"], 16)
    subject.logits(broken(batch, ids=((0, 0), 7)))


def test_a_model_that_needs_bos_must_have_one(subject):
    from mi.subjects.tokens import Vocabulary

    class Bare:
        bos_token_id = None

    with pytest.raises(SubjectError, match="bos_token_id=None"):
        Vocabulary.of(Bare(), 300, True)
