"""Scoring: how a causal language model does on items of the world. Works with any Hugging Face model and tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .world import TASKS, Item

Logits = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # ids [n, t], attended [n, t] -> [n, t, vocabulary]


@dataclass(frozen=True)
class Scores:
    """``[n_items]`` each.

    Attributes:
        exact: 1 if every token of a right answer is the first choice of the model.
        preference: 1 if the right answers together are likelier than the wrong ones together.
        correct: ``exact`` or ``preference``, as the task's criterion says.
        logit_difference: log-odds of right against wrong answers, in nats.
        log_p: log-probability of the right answers, in nats.
    """

    exact: NDArray[np.float64]
    preference: NDArray[np.float64]
    correct: NDArray[np.float64]
    logit_difference: NDArray[np.float64]
    log_p: NDArray[np.float64]


def hugging_face(model: Any) -> Logits:
    """Logits of a Hugging Face causal model."""
    return lambda ids, attend: model(input_ids=ids, attention_mask=attend.long()).logits


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return [list(ids) for ids in tokenizer(list(texts))["input_ids"]]


def score(logits: Logits, tokenizer: Any, items: Sequence[Item], batch: int = 64) -> Scores:
    """Scores of ``items`` in their order, with ``tokenizer``'s own special tokens in front.

    Answers are forced token by token, so answers of any length and any tokenizer compare.
    """
    rows: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}  # input -> (answer, prompt length, answer length)
    answers: list[tuple[int, bool]] = []  # (item, right)
    texts = [i.prompt for i in items], [i.prompt + a for i in items for a in i.answers_correct + i.answers_wrong]
    prompts, full = _encode(tokenizer, texts[0]), iter(_encode(tokenizer, texts[1]))
    targets: list[list[int]] = []
    for k, item in enumerate(items):
        for right in [True] * len(item.answers_correct) + [False] * len(item.answers_wrong):
            whole = next(full)
            start = next(
                (p for p, (a, b) in enumerate(zip(prompts[k], whole, strict=False)) if a != b), len(prompts[k])
            )
            target = whole[start:]
            rows.setdefault(tuple(whole[:-1]), []).append((len(answers), start, len(target)))
            answers.append((k, right))
            targets.append(target)
    log_p = np.zeros(len(answers))
    first_choice = np.ones(len(answers), bool)
    order = sorted(rows, key=len)
    for at in range(0, len(order), batch):
        inputs = order[at : at + batch]
        width = max(map(len, inputs))
        ids, attend = torch.zeros(len(inputs), width, dtype=torch.long), torch.zeros(len(inputs), width).bool()
        for r, row in enumerate(inputs):
            ids[r, : len(row)], attend[r, : len(row)] = torch.tensor(row), True
        with torch.no_grad():
            out = torch.log_softmax(logits(ids, attend).float(), -1)
        best = out.argmax(-1)
        for r, row in enumerate(inputs):
            for answer, start, length in rows[row]:
                places = range(start - 1, start - 1 + length)
                log_p[answer] = sum(float(out[r, p, t]) for p, t in zip(places, targets[answer], strict=True))
                first_choice[answer] = all(int(best[r, p]) == t for p, t in zip(places, targets[answer], strict=True))
    return _collect(items, answers, log_p, first_choice)


def _collect(
    items: Sequence[Item],
    answers: Sequence[tuple[int, bool]],
    log_p: NDArray[np.float64],
    first_choice: NDArray[np.bool_],
) -> Scores:
    sides = np.full((2, len(items)), -np.inf)
    exact = np.zeros(len(items))
    for (k, right), value, first in zip(answers, log_p, first_choice, strict=True):
        sides[int(right), k] = np.logaddexp(sides[int(right), k], value)
        exact[k] = max(exact[k], float(right and first))
    difference = sides[1] - sides[0]
    preference = (difference > 0).astype(np.float64)
    by_exact = np.array([TASKS[item.task].criterion == "exact" for item in items], bool)
    return Scores(exact, preference, np.where(by_exact, exact, preference), difference, sides[1])
