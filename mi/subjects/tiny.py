"""make_tiny: a small random model with its tokenizer in a folder, to try instruments on other architectures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .errors import SpecError

ARCHITECTURES = ("neox", "gpt2", "llama", "gemma2")
WORDS = "the cat sat on a mat and the dogs ran from one town to another while nobody was looking at them"


def make_tiny(
    folder: Path,
    architecture: str,
    *,
    seed: int = 0,
    layers: int = 4,
    d_model: int = 32,
    context: int = 64,
    corpus: Iterable[str] = (WORDS,),
    vocabulary: int = 300,
    prepends_bos: bool = True,
    pad: bool = True,
    draw: Callable[[Any], Any] | None = None,
    **config: Any,
) -> Path:
    """Write a random model in Hugging Face layout.

    It is made to show mistakes: gains are not 1, biases not 0, attention is far from uniform, heads are grouped and
    wider together than the model (llama, gemma2), and every second layer of gemma2 sees 8 tokens only.

    Args:
        folder: where to; made if it does not exist.
        architecture: one of :data:`ARCHITECTURES`.
        seed: of the weights.
        layers, d_model, context: its size; ``context`` in tokens.
        corpus: what the byte-level BPE tokenizer is trained on.
        vocabulary: its size at most; 258 at least (bytes, BOS, padding).
        prepends_bos: whether the tokenizer adds BOS of its own.
        pad: whether it has a padding token.
        draw: makes a tensor of a shape, of standard deviation 1, from torch's generator; None for ``torch.randn``.
        **config: anything else for the configuration.

    Returns:
        ``folder``.

    Raises:
        SpecError: unknown architecture.
    """
    import torch
    from transformers import AutoModelForCausalLM

    size = _save_tokenizer(folder, corpus, vocabulary, prepends_bos, pad)
    settings = _config(architecture, size, layers, d_model, context) | config
    from transformers import AutoConfig

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hf = AutoModelForCausalLM.from_config(AutoConfig.for_model(**settings))
        with torch.no_grad():
            for tensor in hf.parameters():
                if tensor.dim() > 1:
                    tensor.copy_((draw or torch.randn)(tensor.shape) * (1.5 * tensor.shape[-1] ** -0.5))
                else:
                    tensor.add_((draw or torch.randn)(tensor.shape) * 0.3)
    hf.save_pretrained(folder)
    return folder


def _config(architecture: str, size: int, layers: int, d: int, context: int) -> dict[str, Any]:
    ends = {"vocab_size": size, "bos_token_id": 0, "eos_token_id": 0}
    shape = {
        "hidden_size": d,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 2 * d,
        "max_position_embeddings": context,
    }
    grouped = {"num_key_value_heads": 2, "head_dim": d // 2}
    settings: dict[str, dict[str, Any]] = {
        "neox": {"model_type": "gpt_neox", **shape},
        "gpt2": {"model_type": "gpt2", "n_embd": d, "n_layer": layers, "n_head": 4, "n_positions": context},
        "llama": {"model_type": "llama", **shape, **grouped, "tie_word_embeddings": False},
        "gemma2": {
            "model_type": "gemma2",
            **shape,
            **grouped,
            "query_pre_attn_scalar": d // 2,
            "sliding_window": 8,
            "pad_token_id": 1,
        },
    }
    if architecture not in settings:
        raise SpecError(f"architecture={architecture!r}", f"one of {', '.join(ARCHITECTURES)}", "Name one of them.")
    return {**settings[architecture], **ends}


def _save_tokenizer(folder: Path, corpus: Iterable[str], size: int, prepends_bos: bool, pad: bool) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<bos>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(corpus, trainer)
    if prepends_bos:
        bpe.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<bos>", eos_token="<bos>", pad_token="<pad>" if pad else None
    )
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    return int(bpe.get_vocab_size())
