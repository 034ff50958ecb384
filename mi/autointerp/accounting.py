"""Accounting: from answers to one score per latent, with every missing answer counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from ..refusal import Refusal


@dataclass(frozen=True)
class Account:
    """What the answers to one latent's questions come to.

    Attributes:
        score: balanced accuracy of the answers that could be read: the mean of the shares of yes on activating and
            of no on other examples. NaN if a class has no answer: then it is not measurable, and not 0.
        nulls_wrong: the same with every missing answer counted as wrong.
        parse_rate: share of examples with an answer that could be read.
        n: examples.
        missing: examples without such an answer.
    """

    score: float
    nulls_wrong: float
    parse_rate: float
    n: int
    missing: int


def account(activating: Sequence[bool], answers: Sequence[int | None]) -> Account:
    """The account of one latent, example by example; answers are matched by place, so there is one per example.

    Raises:
        Refusal: not as many answers as examples, no example, or an answer that is none of 0, 1 and None.
    """
    if len(activating) != len(answers) or not len(answers):
        raise Refusal(
            f"{len(answers)} answers to {len(activating)} examples",
            "one per example, None where there is none",
            "Keep unreadable answers in their place.",
        )
    if any(a is not None and (type(a) is not int or a not in (0, 1)) for a in answers):
        raise Refusal(f"answers {sorted({repr(a) for a in answers})}", "0, 1 or None", "Parse them first.")
    read = {True: 0, False: 0}
    right = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for truth, answer in zip(map(bool, activating), answers, strict=True):
        total[truth] += 1
        if answer is not None:
            read[truth] += 1
            right[truth] += bool(answer) is truth
    missing = len(answers) - read[True] - read[False]
    return Account(
        score=_balanced(right, read),
        nulls_wrong=_balanced(right, total),
        parse_rate=1 - missing / len(answers),
        n=len(answers),
        missing=missing,
    )


def _balanced(right: dict[bool, int], out_of: dict[bool, int]) -> float:
    if not all(out_of.values()):
        return nan
    return (right[True] / out_of[True] + right[False] / out_of[False]) / 2
