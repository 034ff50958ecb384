"""Binding: two people with a profession each, and one is asked for. A planted inability: see the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .indirect_object import PAIRS
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import GROUP, JOBS, NAMES
from .template import Template

TEMPLATES = (
    "{first} is a {job1} and {second} is a {job2}. {asked} then works as a {job:answer}.",
    "{first} became a {job1} while {second} became a {job2}. {asked} then works as a {job:answer}.",
)
_FILLED = tuple(Template(t) for t in TEMPLATES)


def _latents(first: str, second: str, job1: str, job2: str, asked: str, template: int) -> Latents:
    job = job1 if asked == first else job2
    return {
        "first": first,
        "second": second,
        "job1": job1,
        "job2": job2,
        "asked": asked,
        "job": job,
        "group": GROUP[job],
        "template": template,
        "distractors": [job2 if asked == first else job1],
        "filling": "+".join(sorted((first, second))),
    }


def draw(dice: Dice, split: Split) -> Latents:
    """A pair of names (held out as for indirect objects) and one profession of each group, in any order."""
    a, b = dice.pick(PAIRS[split], 64 * 63)
    first, second = NAMES[a], NAMES[b]
    jobs = JOBS[dice.below(4)], JOBS[4 + dice.below(4)]
    swap = dice.flip(0.5)
    asked = first if dice.flip(0.5) else second
    return _latents(first, second, jobs[swap], jobs[not swap], asked, dice.below(2))


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: first, job1, second, job2, asked, answer."""
    return _FILLED[int(labels["template"])].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """The other person is asked for."""
    first, second = labels["first"], labels["second"]
    asked = second if labels["asked"] == first else first
    return _latents(first, second, labels["job1"], labels["job2"], asked, labels["template"])


KIND = Kind(
    "binding",
    "prose",
    0.04,
    draw,
    render,
    corrupt,
    {
        "binding": Task(
            "which of two professions the person asked for has",
            lambda d: (f" {d['job']}",),
            lambda d: (f" {d['distractors'][0]}",),
            criterion="preference",
            chance=0.5,
            ability="cannot",
        )
    },
)
