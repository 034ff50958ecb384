"""Perplexity of continuations under the model that nobody steers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..metrics.next_token_loss import next_token_losses
from ..progress import Bar
from ..subjects.subject import Subject
from ..subjects.tokens import TokenBatch
from .generate import Generation


def nats_per_token(
    subject: Subject, generations: Sequence[Generation], batch_size: int = 128, bar: Bar | None = None
) -> NDArray[np.float64]:
    """``[n]`` mean cross-entropy in nats of a continuation's tokens given prompt and tokens before, unsteered.

    The end token counts where it was generated: a direction that stops the model at once is not fluent. The perplexity
    of an arm is ``exp`` of the mean over continuations, so that one absurd continuation does not stand for all.
    """
    means = np.empty(len(generations))
    for start in range(0, len(generations), batch_size):
        some = generations[start : start + batch_size]
        rows = [
            replace(g.prompt, ids=g.prompt.ids + g.ids, scored=g.prompt.scored + (False,) * len(g.ids), spans=())
            for g in some
        ]
        batch = TokenBatch.of(rows, subject.vocabulary.pad)
        counted = torch.zeros_like(batch.attend)
        for k, g in enumerate(some):
            counted[k, len(g.prompt.ids) - 1 : len(g.prompt.ids) + len(g.ids)] = True
        losses = next_token_losses(subject.logits(batch), batch.ids, counted)
        totals = np.bincount(losses.row, losses.values, minlength=len(some))
        means[start : start + len(some)] = totals / np.bincount(losses.row, minlength=len(some))
        if bar is not None:
            bar.update(len(some))
    return means
