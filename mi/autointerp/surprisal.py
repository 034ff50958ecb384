"""Surprisal scores: does an explanation make windows in which a latent fires less surprising than other ones?

delphi 0.1.3's scorer, with its losses computed anew: as it stands, it lets each ten windows see the ten before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from ..progress import SILENT, Progress
from ..refusal import Refusal
from ..subjects.subject import Subject
from .delphi_engine import load
from .latent_examples import LatentExamples
from .window_scores import window_scores

BATCH = 10  # windows at a time, as in delphi


def surprisal_scores(
    latents: Sequence[LatentExamples],
    explanations: Mapping[int, str],
    subject: Subject,
    *,
    progress: Progress = SILENT,
) -> dict[int, float]:
    """Per explained latent the AUC of what its explanation saves, over its test windows.

    What it saves in a window is the mean cross-entropy per token (nats, from the window's second token on, as in
    delphi) after "Various unrelated sentences." less that after the explanation, both behind delphi's examples
    (Paulo et al. 2024). NaN with windows of one class only.

    Raises:
        Refusal: an explanation without text, a window of fewer than two tokens, or more tokens than the model's context.
    """
    engine = load("delphi.scorers.surprisal.surprisal")
    scorer = _repaired(engine.SurprisalScorer)(subject, False, BATCH)

    def saved(output: Any) -> float:
        return _mean(output.no_explanation) - _mean(output.explanation)

    return window_scores("surprisal", latents, explanations, scorer, saved, progress)


def losses(subject: Subject, prompt: str, texts: Sequence[str], batch: int = BATCH) -> list[list[float]]:
    """Per text the cross-entropies (nats) of its tokens after ``prompt``, from its second token on.

    BOS comes first where the model needs one. The prompt is run once; every batch gets a copy of its cache.

    Raises:
        Refusal: a text of fewer than two tokens, or more tokens than the context.
    """
    vocabulary, hf = subject.vocabulary, subject.hf
    bos = [vocabulary.bos] if subject.needs_bos else []
    before = bos + subject.tokenizer.encode(prompt, add_special_tokens=False)
    rows = [subject.tokenizer.encode(text, add_special_tokens=False) for text in texts]
    longest, shortest = max(map(len, rows), default=2), min(map(len, rows), default=2)
    if shortest < 2 or len(before) + longest > subject.context:
        raise Refusal(
            f"a prompt of {len(before)} tokens and windows of {shortest} to {longest}",
            f"windows of two tokens or more, {subject.context} in all: the context of {subject.spec['name']}",
            "Take a model with a longer context, or other windows.",
        )
    found: list[list[float]] = []
    with torch.no_grad():
        cache = hf(input_ids=torch.tensor([before], device=subject.device), use_cache=True).past_key_values
        for start in range(0, len(rows), batch):
            some = rows[start : start + batch]
            found += _batch_losses(subject, cache, len(before), some)
    return found


def _batch_losses(subject: Subject, cache: Any, before: int, rows: Sequence[Sequence[int]]) -> list[list[float]]:
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), subject.vocabulary.pad, dtype=torch.int64)
    attend = torch.zeros((len(rows), before + width), dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        attend[i, : before + len(row)] = 1
    own = deepcopy(cache)  # the model writes into it
    own.batch_repeat_interleave(len(rows))
    inputs = {"input_ids": ids.to(subject.device), "attention_mask": attend.to(subject.device)}
    logits = subject.hf(**inputs, past_key_values=own, use_cache=True).logits.float().cpu()
    return [
        cross_entropy(logits[i, : len(row) - 1], ids[i, 1 : len(row)], reduction="none").tolist()
        for i, row in enumerate(rows)
    ]


def _repaired(scorer: Any) -> Any:
    """delphi's scorer with prompts, windows and bookkeeping of its own, and losses of ours.

    Its losses (0.1.3, transformers 5): the cache of the prompt is written into by every batch, so that from the eleventh
    window on each is read after ten others; a padded window's list ends in a 0 that is no loss; a number of windows that
    is no multiple of ten is an error; BOS is never fed.
    """

    class Repaired(scorer):  # type: ignore[misc]
        def compute_loss_with_kv_cache(self, explanation: str, samples: Sequence[Any], batch_size: int) -> Any:
            return losses(self.model, explanation, [sample.text for sample in samples], batch_size)

    return Repaired


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
