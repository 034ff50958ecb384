"""Answers: questions with right and wrong answers as token rows, and the logit difference of each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..organism.world import Item
from ..refusal import Refusal
from ..subjects.subject import Subject
from ..subjects.tokens import Row, TokenBatch


class Answers:
    """Items as one model reads them: one row per different input, answers forced token by token.

    Rows are padded on the left, so that everything that is read lies in the last columns, and logits of no other
    column are needed. An input that two answers share is run once.

    Attributes:
        items: ``[n_items]``.
        batch: the rows.
        last: how many columns are read, counted from the end.
    """

    def __init__(self, subject: Subject, items: Sequence[Item]) -> None:
        self.items = list(items)
        self.subject = subject
        prompts = _rows(subject, [item.prompt for item in items])
        sides = [(k, right, a) for k, item in enumerate(items) for right, a in _answers(item)]
        whole = _rows(subject, [items[k].prompt + a for k, _, a in sides])
        rows: dict[tuple[int, ...], int] = {}
        kept: list[Row] = []
        self._item = torch.tensor([k for k, _, _ in sides])
        self._right = torch.tensor([right for _, right, _ in sides])
        at, targets = [], []
        for (k, _, answer), row in zip(sides, whole, strict=True):
            ids, prompt = row.ids, prompts[k].ids
            same = next((p for p, (a, b) in enumerate(zip(prompt, ids, strict=False)) if a != b), len(prompt))
            if not 0 < same < len(ids):
                raise Refusal(f"answer {answer!r} without a token", "at least one", "Check the tokenizer.")
            targets.append(ids[same:])
            if ids[:-1] not in rows:
                rows[ids[:-1]] = len(kept)
                kept.append(Row(len(kept), ids[:-1], row.scored[:-1]))
            at.append(rows[ids[:-1]])
        self._row = torch.tensor(at)
        self.last = max(map(len, targets))
        self._target = torch.zeros(len(targets), self.last, dtype=torch.int64)
        self._asked = torch.zeros(len(targets), self.last, dtype=torch.bool)
        for i, target in enumerate(targets):
            self._target[i, -len(target) :] = torch.tensor(target)
            self._asked[i, -len(target) :] = True
        self.batch = TokenBatch.of(kept, subject.vocabulary.pad, "left")

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def ids(self) -> list[str]:
        """``[n_items]``."""
        return [item.id for item in self.items]

    def differences(self, logits: Tensor) -> NDArray[np.float64]:
        """``[n_items]`` log-odds of the right answers together against the wrong ones together, in nats.

        Args:
            logits: ``[n_rows, at least last, vocabulary]``; the last columns count.
        """
        device = logits.device
        log_p = torch.log_softmax(logits[:, -self.last :].float(), -1)[self._row.to(device)]
        each = log_p.gather(2, self._target.to(device)[..., None])[..., 0].double().cpu()
        total = torch.where(self._asked, each, 0.0).sum(1)
        sides = torch.full((2, len(self.items)), -torch.inf, dtype=torch.float64).numpy()
        np.logaddexp.at(sides, (self._right.long().numpy(), self._item.numpy()), total.numpy())
        difference: NDArray[np.float64] = sides[1] - sides[0]
        return difference

    def differentiable(self, logits: Tensor) -> Tensor:
        """The sum of :meth:`differences`, through which gradients flow."""
        device = logits.device
        log_p = torch.log_softmax(logits[:, -self.last :].float(), -1)[self._row.to(device)]
        each = log_p.gather(2, self._target.to(device)[..., None])[..., 0]
        total = torch.where(self._asked.to(device), each, 0.0).sum(1)
        sums = [
            torch.logsumexp(total[(self._item == k) & (self._right == bool(right))], 0) * (2 * right - 1)
            for k in range(len(self.items))
            for right in (0, 1)
        ]
        return torch.stack(sums).sum()


def _answers(item: Item) -> list[tuple[bool, str]]:
    return [(True, a) for a in item.answers_correct] + [(False, a) for a in item.answers_wrong]


def _rows(subject: Subject, texts: Sequence[str]) -> list[Row]:
    found = subject.vocabulary.rows(texts, subject.context)
    kept = [row for row in found if row is not None and not row.truncated]
    if len(kept) != len(found):
        raise Refusal(
            f"{len(found) - len(kept)} questions longer than {subject.context} tokens", "whole ones", "Leave them out."
        )
    return kept
