"""model_for: a subject as the model that SAEBench runs, and whether both see the same activations."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ..subjects.errors import SubjectError
from ..subjects.sites import layer_of
from ..subjects.subject import Subject
from .engine import load, silence

RELATIVE = 1e-4  # the bridge re-implements attention; sums in another order agree far better
CONTEXT = 1024  # of a model that does not say


def model_for(subject: Subject) -> Any:
    """The subject's TransformerLens bridge, unprocessed, with a tokenizer that feeds one BOS where the subject has one.

    SAEBench takes the model's tokenizer as it is, and was written for one that TransformerLens has taught to put BOS in
    front. The subject's own tokenizer is not changed.

    Raises:
        SubjectError: no such tokenizer can be made.
    """
    bridge = subject.bridge
    bridge.tokenizer = bos_first(subject)
    return bridge


def bos_first(subject: Subject) -> Any:
    """A copy of the subject's tokenizer that pads on the right and puts exactly one BOS first."""
    vocabulary = subject.vocabulary
    tokenizer = copy.deepcopy(vocabulary.tokenizer)
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id >= vocabulary.size:
        tokenizer.pad_token_id = vocabulary.pad
    if vocabulary.bos is not None and tokenizer("a").input_ids[:1] != [vocabulary.bos]:
        from tokenizers.processors import TemplateProcessing

        bos = tokenizer.convert_ids_to_tokens(vocabulary.bos)
        try:
            tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
                single=f"{bos} $A", special_tokens=[(bos, vocabulary.bos)]
            )
        except AttributeError:
            raise SubjectError(
                f"a {type(tokenizer).__name__}, which puts no BOS first",
                "a fast tokenizer, or one that does",
                "Convert the tokenizer.",
            ) from None
    return tokenizer


def collected(model: Any, texts: Sequence[str], site: str, batch_size: int, max_length: int) -> tuple[Tensor, Tensor]:
    """``[n, t]`` token ids and ``[n, t, d]`` activations, by SAEBench's own functions; zero where it masks."""
    utils = load("sae_bench.sae_bench_utils.dataset_utils")
    collect = load("sae_bench.sae_bench_utils.activation_collection")
    device = str(model.cfg.device)
    with silence():
        tokens = utils.tokenize_data_dictionary({"": list(texts)}, model.tokenizer, max_length, device)[""]["input_ids"]
        rows = collect.get_llm_activations(
            tokens, model, batch_size, layer_of(site), site, mask_bos_pad_eos_tokens=True, show_progress=False
        )
    return tokens.detach(), rows.detach()


def parity(
    subject: Subject, model: Any, texts: Sequence[str], site: str, max_length: int
) -> tuple[dict[str, Any], Tensor]:
    """Compare what SAEBench collects with the subject's own activations of the same texts.

    Returns:
        ``texts``, ``tokens`` (positions that count for both), ``bos_kept_by_saebench`` and ``largest_difference``,
        relative to the largest value; and those rows ``[tokens, d]`` as SAEBench has them.

    Raises:
        SubjectError: other tokens, another choice of what counts, or other activations.
    """
    # Several uneven batches, as in an evaluation: rows of one batch among those of another must show.
    ids, theirs = collected(model, texts, site, batch_size=max(1, len(texts) * 2 // 5), max_length=max_length)
    own = subject.tokens(texts, max_length)
    width = own.ids.shape[1]  # SAEBench pads to max_length
    if own.excluded or bool((ids[:, :width].cpu() != own.ids)[own.attend].any()):
        raise SubjectError(
            "texts that SAEBench tokenizes otherwise than the subject",
            "the same ids, BOS first",
            "Look at its tokenizer.",
        )
    values = subject.activations(own, [site])[site]
    kept, scored = (theirs != 0).any(-1).cpu(), own.scored
    differ = int((kept[:, :width] != scored).sum() + kept[:, width:].sum())
    if differ:
        raise SubjectError(
            f"{differ} positions that count for SAEBench and not for the subject, or the reverse",
            "text tokens only: no BOS, no padding",
            "Look at the special tokens of the texts and the tokenizer.",
        )
    a, b = theirs[:, :width].cpu()[scored], values.cpu()[scored]
    gap = float((a - b).abs().max() / b.abs().max())
    if not gap <= RELATIVE:
        raise SubjectError(
            f"activations at {site} that differ by {gap:.2g} of the largest",
            f"at most {RELATIVE}",
            "Look at the bridge.",
        )
    facts = {
        "texts": len(texts),
        "tokens": int(scored.sum()),
        "bos_fed": int((own.attend & ~own.scored).sum()),
        "bos_kept_by_saebench": int((kept[:, :width] & ~scored).sum()),
        "largest_difference": gap,
    }
    return facts, a


def context_of(subject: Subject, wanted: int = CONTEXT) -> int:
    """``wanted`` tokens, or as many as the subject can take."""
    return min(wanted, subject.context)
