"""The tokenizer: any text, BOS in front, padding on either side, words of the world in one token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.organism.tokenizer import END, PAD, padded_size, save_tokenizer, train_tokenizer
from mi.organism.world import documents, lexicon


@pytest.fixture(scope="module")
def hf(shipped):
    return shipped("seed0")[1]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back(hf, text):
    if END in text or PAD in text:
        return
    ids = hf(text)["input_ids"]
    assert ids[0] == hf.bos_token_id
    assert hf.unk_token_id is None
    assert hf.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False) == text


def test_special_tokens(hf):
    assert (hf.bos_token, hf.bos_token_id, hf.eos_token_id) == (END, 0, 0)
    assert (hf.pad_token, hf.pad_token_id) == (PAD, 1)
    assert hf("")["input_ids"] == [0]
    assert 0 not in hf(" Anna", add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding(hf, side):
    texts = [" Anna", " Anna and Adam went to the park."]
    batch = hf(texts, padding=True, padding_side=side)
    for text, ids, attend in zip(texts, batch["input_ids"], batch["attention_mask"], strict=True):
        assert [i for i, a in zip(ids, attend, strict=True) if a] == hf(text)["input_ids"]
        assert {i for i, a in zip(ids, attend, strict=True) if not a} <= {1}
    short = batch["attention_mask"][0]
    assert short == sorted(short, reverse=side == "right")


def test_words_of_the_world_are_single_tokens(hf):
    words = [
        *lexicon.NAMES, *lexicon.TOWNS, *lexicon.JOBS, *lexicon.CITIES, *lexicon.HARMFUL, *lexicon.HARMLESS,
        *lexicon.OBJECTS, *lexicon.TOOL.values(), *lexicon.NOUNS, *(f"{noun}s" for noun in lexicon.NOUNS),
        *(word for words in lexicon.VALUES.values() for word in words),
    ]  # fmt: skip
    ids = [hf(f" {word}", add_special_tokens=False)["input_ids"] for word in words]
    assert all(len(i) == 1 for i in ids)


def test_digits_are_never_merged(hf):
    assert hf.tokenize(" 123+45=") == ["Ġ", "1", "2", "3", "+", "4", "5", "="]


def test_answers_continue_prompts(hf):
    """Encoding prompt and answer together is encoding them one after the other."""
    for d in documents("held-out", 0, 500):
        role = "answer" if d.kind != "biography" else "job"
        a, b = d.before(role), d.answer(role)
        assert hf(a + b)["input_ids"] == hf(a)["input_ids"] + hf(b, add_special_tokens=False)["input_ids"]


def test_training_is_deterministic_and_rounded_up(tmp_path):
    texts = [d.text for d in documents("train", 0, 3000)]
    first, again = train_tokenizer(texts, 600), train_tokenizer(texts, 600)
    assert first.to_str() == again.to_str()
    assert first.get_vocab_size() == 600
    assert padded_size(first) == 640
    save_tokenizer(first, tmp_path)
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(" Anna")["input_ids"] == first.encode(" Anna").ids


def test_all_weights_share_one_tokenizer(weights):
    files = {p.read_bytes() for p in weights.glob("*/tokenizer.json")}
    assert len(files) == 1
