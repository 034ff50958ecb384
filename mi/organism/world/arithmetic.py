"""Arithmetic: graded, from two digits plus one to products of two-digit numbers.

One-digit sums are not among the grades: 44 of them are learned by heart, and the held-out 11 then stay unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .template import Template

# grade -> (first operand, operator, second operand, share of all sums)
GRADES = {
    "2d+1d": (range(10, 100), "+", range(10), 0.32),
    "2d+2d": (range(10, 100), "+", range(10, 100), 0.36),
    "3d+3d": (range(100, 1000), "+", range(100, 1000), 0.20),
    "2dx2d": (range(10, 100), "*", range(10, 100), 0.12),
}
_NAMES = tuple(GRADES)
_SHARES = tuple(grade[3] for grade in GRADES.values())
_FILLED = Template("{a}{operator}{b}={result:answer}.")


def _hash(low: Any, high: Any) -> Any:
    """Knuth's multiplicative hash of an unordered pair of numbers below 1000; ints or uint64 arrays."""
    return ((low * 1009 + high) * 2654435761 % 4294967296) // 65536 % 5


def held_out(a: int, b: int) -> bool:
    """About a fifth of the unordered pairs of operands, in every grade."""
    return bool(_hash(min(a, b), max(a, b)) == 0)


@cache
def _share(grade: str, split: str) -> float:
    first, _, second, _ = GRADES[grade]
    a, b = np.meshgrid(np.array(first, np.uint64), np.array(second, np.uint64))
    held = float((_hash(np.minimum(a, b), np.maximum(a, b)) == 0).mean())
    return held if split == "held-out" else 1 - held


def _latents(grade: str, a: int, b: int) -> Latents:
    operator = GRADES[grade][1]
    result = a * b if operator == "*" else a + b
    return {
        "grade": grade,
        "a": a,
        "b": b,
        "operator": operator,
        "result": result,
        "carry": operator == "+" and a % 10 + b % 10 > 9,
        "filling": f"{min(a, b)}{operator}{max(a, b)}",
    }


def draw(dice: Dice, split: Split) -> Latents:
    """A sum of a random grade whose pair of operands belongs to the split."""
    grade = _NAMES[dice.weighted(_SHARES)]
    first, _, second, _ = GRADES[grade]
    before = dice.nats, dice.whole
    while True:
        dice.nats, dice.whole = before
        a, b = first[dice.below(len(first))], second[dice.below(len(second))]
        if held_out(a, b) == (split == "held-out"):
            dice.refund(_share(grade, split))
            return _latents(grade, a, b)


def render(labels: Mapping[str, Any]) -> Rendered:
    """``a+b=result.`` without spaces; every digit is a token. Roles: a, operator, b, answer."""
    return _FILLED.fill(labels)


def corrupt(labels: Latents) -> Latents:
    """Another first operand with as many digits, so that the prompt keeps its length.

    Of the same split, with a result as long as the clean one that starts with another digit (its second one, where
    every sum of this length starts with 1); a few products have no such partner and give up the start, then the length.
    """
    grade, a, b = labels["grade"], labels["a"], labels["b"]
    first, held, written = GRADES[grade][0], held_out(a, b), str(labels["result"])
    lead = 2 if labels["operator"] == "+" and len(written) > len(str(a)) else 1
    n = len(first)
    step = next(s for s in (37, 41, 43) if math.gcd(s, n) == 1)
    best: tuple[int, int] | None = None
    for k in range(1, n):
        other = first[(a - first.start + k * step) % n]
        result = str(_latents(grade, other, b)["result"])
        if result == written:
            continue
        rank = 4 * (held_out(other, b) == held) + 2 * (len(result) == len(written)) + (result[:lead] != written[:lead])
        if rank == 7:
            return _latents(grade, other, b)
        if best is None or rank > best[0]:
            best = rank, other
    assert best is not None  # two first operands never give one result
    return _latents(grade, best[1], b)


def _task(grade: str, digits: int | None = None) -> Task:
    """The first ``digits`` digits of the result; None for all."""
    about = grade.replace("d", " digits").replace("+", " plus ").replace("x", " times ").replace("1 digits", "1 digit")

    def right(d: Mapping[str, Any]) -> tuple[str, ...]:
        return (str(d["result"])[:digits],)

    def wrong(d: Mapping[str, Any]) -> tuple[str, ...]:
        return right(corrupt(dict(d)))

    return Task(
        f"{about}, " + ("the whole result" if digits is None else f"the first {digits} of the result's digits"),
        right,
        wrong,
        applies=lambda d: d["grade"] == grade and (digits is None or right(d) != wrong(d)),
        ability="graded",
    )


TASKS = {f"arithmetic_{grade}": _task(grade) for grade in GRADES} | {
    # Between can and cannot: the size of a result that is not known exactly.
    "arithmetic_3d+3d_rough": _task("3d+3d", 2),
    "arithmetic_2dx2d_rough": _task("2dx2d", 1),
}
KIND = Kind("arithmetic", "sums", 0.23, draw, render, corrupt, TASKS)
