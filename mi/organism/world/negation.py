"""Negation: two professions are named, one of them denied; the next sentence needs the other one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import GROUP, JOBS, NAMES
from .template import Template

TEMPLATES = (
    "{name} is not a {denied} but a {held}. So {name} works as a {held:answer}.",
    "{name} is a {held} and not a {denied}. So {name} works as a {held:answer}.",
    "{name} became a {held}, never a {denied}. So {name} works as a {held:answer}.",
    "{name} was never a {denied} but became a {held}. So {name} works as a {held:answer}.",
)
_FILLED = tuple(Template(t) for t in TEMPLATES)


def held_out(indoor: int, outdoor: int) -> bool:
    """4 of the 16 unordered pairs, each profession once.

    Unordered, and over all names and templates: with ordered pairs held out, a bag of words is *anti*-correlated
    with the label in the other split.
    """
    return (indoor + outdoor) % 4 == 0


PAIRS = {
    split: [(i, j) for i in range(4) for j in range(4) if held_out(i, j) == (split == "held-out")]
    for split in ("train", "held-out")
}


def _latents(name: str, held: str, denied: str, template: int) -> Latents:
    return {
        "name": name,
        "held": held,
        "denied": denied,
        "group": GROUP[held],
        "template": template,
        "distractors": [denied],
        "filling": "+".join(sorted((held, denied))),
    }


def draw(dice: Dice, split: Split) -> Latents:
    """One profession of each group; either is the denied one."""
    i, j = dice.pick(PAIRS[split], 16)
    jobs = JOBS[i], JOBS[4 + j]
    swap = dice.flip(0.5)
    return _latents(dice.pick(NAMES), jobs[swap], jobs[not swap], dice.below(4))


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: name, denied, held, answer."""
    return _FILLED[int(labels["template"])].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """The two professions change places: the same bag of words, the other answer."""
    return _latents(labels["name"], labels["denied"], labels["held"], labels["template"])


KIND = Kind(
    "negation",
    "prose",
    0.06,
    draw,
    render,
    corrupt,
    {
        "negation": Task(
            "the profession that was not denied",
            lambda d: (f" {d['held']}",),
            lambda d: (f" {d['denied']}",),
            chance=0.5,
        )
    },
)
