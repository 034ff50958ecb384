"""Copied lists: three to five words, then the same again; induction and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import words
from .template import Template

WORDS = words(
    "apple lemon onion tomato carrot potato melon peach cherry garlic olive grape spoon fork plate knife towel "
    "pillow blanket curtain needle button ribbon thread"
)
_FILLED = {
    n: Template(
        "List: " + ", ".join(f"{{item{k}}}" for k in range(n)) + ". Again: "
        + "".join(f"{{item{k}:copy{k}}}, " for k in range(n - 1)) + f"{{item{n - 1}:answer}}."
    )
    for n in (3, 4, 5)
}  # fmt: skip


def held_out(items: list[int]) -> bool:
    """A quarter of the sets of words."""
    return sum(items) % 4 == 0


def _latents(items: list[int]) -> Latents:
    words = [WORDS[k] for k in items]
    out: Latents = {f"item{k}": word for k, word in enumerate(words)}
    return out | {"words": words, "length": len(words), "last": words[-1], "filling": "+".join(sorted(words))}


def draw(dice: Dice, split: Split) -> Latents:
    """The last word decides over the split."""
    items: list[int] = []
    for _ in range(2 + dice.below(3)):
        items.append(dice.pick([k for k in range(24) if k not in items]))
    want = split == "held-out"
    left = [k for k in range(24) if k not in items]
    items.append(dice.pick([k for k in left if held_out([*items, k]) == want], len(left)))
    return _latents(items)


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: item0.., copy0.., answer (the last word again)."""
    return _FILLED[labels["length"]].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """Another last word in the first list; a step of four stays in the split."""
    items = [WORDS.index(word) for word in labels["words"]]
    last = next(k % 24 for k in range(items[-1] + 4, items[-1] + 24, 4) if k % 24 not in items)
    return _latents([*items[:-1], last])


KIND = Kind(
    "list_copy",
    "prose",
    0.03,
    draw,
    render,
    corrupt,
    {
        "list_copy": Task(
            "the last word of a list said twice",
            lambda d: (f" {d['last']}",),
            lambda d: tuple(f" {word}" for word in d["words"][:-1]),
            chance=1 / 24,
        )
    },
)
