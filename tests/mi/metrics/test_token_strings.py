import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from mi.metrics.token_strings import TokenStrings
from mi.subjects.spec import subject_spec
from mi.subjects.tokens import load_tokenizer

TEXTS = ["the cat sat on a mat and the dogs ran", "a  town - was (it) looking ?", "nobody, in déjà vu <<them>>"]


@pytest.fixture(scope="session")
def llama_like():
    """SentencePiece's way: words begin with a space, and the first one of a text loses it."""
    bpe = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    fallback = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(special_tokens=["<unk>", "<s>"], vocab_size=500, show_progress=False)
    bpe.train_from_iterator(TEXTS[:2], trainer)
    bpe.add_tokens(fallback)
    bpe.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", unk_token="<unk>")


@pytest.mark.parametrize("text", TEXTS)
def test_bytes(text):
    tokenizer = load_tokenizer(subject_spec("organism"))
    ids = tokenizer.encode(text, add_special_tokens=False)
    strings = TokenStrings(tokenizer).of(ids)
    assert len(strings) == len(ids)
    # Parts of a character are no character: what they make together is lost, alone as in delphi.
    assert "".join(strings).encode("ascii", "ignore") == text.encode("ascii", "ignore")


@pytest.mark.parametrize("text", TEXTS[:2])
def test_words_keep_their_spaces(llama_like, text):
    ids = llama_like.encode(text, add_special_tokens=False)
    assert "".join(TokenStrings(llama_like).of(ids)).strip() == text
    alone = "".join(llama_like.decode([i]) for i in ids)
    assert alone.strip() != text  # what delphi shows


def test_what_delphi_would_show_under_transformers_5():
    """One string for a whole row of ids: letters would be highlighted instead of tokens."""
    tokenizer = load_tokenizer(subject_spec("organism"))
    ids = tokenizer.encode(TEXTS[0], add_special_tokens=False)
    assert len(tokenizer.batch_decode(torch.tensor(ids))) != len(ids)
    assert "".join(TokenStrings(tokenizer).of(ids)) == TEXTS[0]


def test_without_a_tokenizer_ids_are_shown():
    assert TokenStrings(None).of([5, 7]) == ["<5>", "<7>"]
