"""Code: short programs; the last line uses the variable that was assigned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import words
from .template import Template

FUNCTIONS = ("add", "scale", "merge", "update", "check", "build", "load", "move")
VARIABLES = words("x y z n m k count total size item value left right index result score")
OPERATORS = ("+", "-", "*", "%")
_FILLED = (
    Template("def {function}({a}, {b}):\n    {c} = {a} {operator} {b}\n    return {c:answer}\n"),
    Template("if {a} > {b}:\n    {c} = {a}\nelse:\n    {c} = {b}\nreturn {c:answer}\n"),
    Template("for {a} in range({b}):\n    {c} = {c} {operator} {a}\nreturn {c:answer}\n"),
)


def held_out(*variables: int) -> bool:
    """A quarter of the unordered sets of three variables."""
    return sum(variables) % 4 == 0


_CELLS = {
    split: [
        (a, b, c)
        for a in range(16)
        for b in range(16)
        for c in range(16)
        if len({a, b, c}) == 3 and held_out(a, b, c) == (split == "held-out")
    ]
    for split in ("train", "held-out")
}


def _with(labels: Latents, a: str, b: str, c: str) -> Latents:
    return labels | {"a": a, "b": b, "c": c, "filling": "+".join(sorted((a, b, c)))}


def draw(dice: Dice, split: Split) -> Latents:
    """One of three programs and three different variables."""
    template = dice.below(3)
    labels: Latents = {
        "template": template,
        "function": dice.pick(FUNCTIONS) if template == 0 else None,
        "operator": dice.pick(OPERATORS) if template != 1 else None,
    }
    return _with(labels, *(VARIABLES[k] for k in dice.pick(_CELLS[split], 16 * 15 * 14)))


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: function, a, b, c, operator, answer."""
    return _FILLED[int(labels["template"])].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """Another assigned variable; a step of four stays in the split."""
    at = VARIABLES.index(labels["c"])
    others = (VARIABLES[(at + step) % 16] for step in (4, 8, 12))
    return _with(labels, labels["a"], labels["b"], next(c for c in others if c not in (labels["a"], labels["b"])))


KIND = Kind(
    "code",
    "code",
    0.03,
    draw,
    render,
    corrupt,
    {
        "code": Task(
            "the variable that was assigned",
            lambda d: (f" {d['c']}",),
            lambda d: (f" {d['a']}", f" {d['b']}"),
            chance=1 / 3,
        )
    },
)
