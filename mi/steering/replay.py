"""replay: some continuations of a condition once more, in one pass without a cache, by other code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..refusal import Refusal
from ..subjects.gates.report import REORDERED
from ..subjects.tokens import Row, TokenBatch
from .generate import Generation, Gumbel

if TYPE_CHECKING:
    from .condition import Bench, Outcome

PROMPTS = 5


def replay(bench: Bench, outcome: Outcome, made: Sequence[Generation], first: int) -> None:
    """Refuse a condition whose continuations do not follow from what it says of itself.

    Every continuation is decoded again. Some are fed once more, alone and in one pass, with ``coefficient * norm`` times
    the arm's direction added once at each position of the prompt behind BOS and at each later one, and the noise drawn
    anew: each token has to be the largest again, and the nats those of the model that nobody steers.

    Args:
        bench, outcome, made: the condition and what it generated.
        first: the row of its first prompt in arms that are drawn per prompt.

    Raises:
        Refusal: judged texts that are not the continuations, noise that prompts share, another token than the condition
            gives, or nats of other tokens or another model.
    """
    subject = bench.subject
    for name, text, g in zip(outcome.ids, outcome.texts, made, strict=True):
        if text != subject.tokenizer.decode(list(g.ids), skip_special_tokens=True):
            raise Refusal(
                f"{name}, judged by {text[:40]!r}", "its continuation, and nothing else", "Leave the prompt out."
            )
    by_length = sorted(range(len(made)), key=lambda i: len(made[i].prompt.ids))
    # From the shortest, which is padded most, to the longest.
    chosen = sorted({by_length[round(k * (len(made) - 1) / (PROMPTS - 1))] for k in range(PROMPTS)})
    noise = Gumbel(bench.noise.seed)
    vectors = _vectors(bench, outcome, first)
    drawn = []
    for i in chosen:
        row = made[i].prompt
        ids = row.ids + made[i].ids
        batch = TokenBatch.of([Row(0, ids, row.scored + (False,) * len(made[i].ids))], subject.vocabulary.pad)
        at, new = slice(len(row.ids) - 1, len(ids) - 1), torch.tensor(made[i].ids)
        behind = batch.scored[0] | (torch.arange(len(ids)) >= len(row.ids))
        plain = subject.logits(batch)[0, at].float().cpu()
        steered = plain
        if vectors is not None:
            edit = _adding(vectors[i], behind)
            steered = subject.run_edited(batch, {bench.directions.site: edit})[0, at].float().cpu()
        size = steered.shape[1]
        added = torch.stack([noise.row(outcome.ids[i], k, size, subject.device).cpu() for k in range(len(new))])
        drawn.append(added[0])
        total = steered + added
        short = float((total.amax(-1) - total.gather(1, new[:, None])[:, 0]).max())
        allowed = 10 * REORDERED[subject.hf.dtype] * float(steered.std())
        if not short <= allowed:
            raise Refusal(
                f"{outcome.arm} {outcome.coefficient:g}, {outcome.ids[i]}: a token {short:.2g} below the largest",
                "the largest of steered logits and noise at every step",
                "Look for a dose given twice or not at every position, another site or direction, padding on the "
                "wrong side, or noise of another prompt or arm.",
            )
        nats = float(torch.nn.functional.cross_entropy(plain.double(), new))
        if not abs(nats - outcome.nats[i]) <= 10 * REORDERED[subject.hf.dtype] * max(1.0, nats):
            raise Refusal(
                f"{outcome.nats[i]:.4g} nats per token of {outcome.ids[i]}",
                f"{nats:.4g}: the continuation's under the model that nobody steers",
                "Look for steering that was left on, or for the prompt among the tokens.",
            )
    same = sum(torch.equal(a, b) for k, a in enumerate(drawn) for b in drawn[:k])
    if same:
        raise Refusal(f"{same} pairs of prompts with the same noise", "each its own", "Seed it by prompt.")


def _vectors(bench: Bench, outcome: Outcome, first: int) -> Tensor | None:
    """``[n, d]`` what the condition says is added."""
    kept = bench.directions.arms.get(outcome.arm)
    if kept is None:
        return None  # the baseline
    rows = kept.expand(len(outcome.ids), -1) if len(kept) == 1 else kept[first : first + len(outcome.ids)]
    return outcome.coefficient * bench.directions.norm * rows


def _adding(vector: Tensor, where: Tensor) -> Callable[[Tensor], Tensor]:
    def add(value: Tensor) -> Tensor:
        steered = value.clone()
        steered[0, where.to(value.device)] += vector.to(value)
        return steered

    return add
