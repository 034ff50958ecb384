"""The organism's tokenizer: byte-level BPE, single digits, a BOS in front as in Gemma's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

END = "<|endoftext|>"  # id 0: in front of every text, and so also what ends the one before
PAD = "<|padding|>"  # id 1: only padding, so that masking it can never mask a BOS
VOCABULARY = 2048
MIN_FREQUENCY = 8  # below, merges would be accidents of the sample
MAX_LENGTH = 256


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Tokenizer:
    """A BPE over bytes trained on ``texts``; may have fewer than ``vocabulary`` entries if no merge is left.

    Every byte has a token, so any text can be encoded. Digits are never merged; as in Pythia a space belongs to the
    word after it, and no space is added in front of a text.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=MIN_FREQUENCY,
        special_tokens=[END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", pair=f"{END} $A {END} $B", special_tokens=[(END, 0)]
    )
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """``tokenizer.json`` and ``tokenizer_config.json``, as ``AutoTokenizer`` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "pad_token": PAD,
        "unk_token": None,
        "padding_side": "right",
        "model_max_length": MAX_LENGTH,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def read_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that :func:`save_tokenizer` left in ``folder``."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def padded_size(tokenizer: Tokenizer, multiple: int = 64) -> int:
    """Rows of the model's embedding: the vocabulary rounded up (the trained size wobbles with the corpus)."""
    size = int(tokenizer.get_vocab_size())
    return -(-size // multiple) * multiple
