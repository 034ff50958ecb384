"""Indirect objects: two people, one of them named again; the other one receives. In both orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import GENDER, NAMES
from .template import Template

TEMPLATES = (
    "When {first} and {second} went to the {place}, {subject:S2} gave a {thing} to {receiver:answer}.",
    "Then {first} and {second} had lunch at the {place}. {subject:S2} handed a {thing} to {receiver:answer}.",
    "After {first} and {second} met at the {place}, {subject:S2} sent a {thing} to {receiver:answer}.",
    "Today {first} and {second} were at the {place}. {subject:S2} sold a {thing} to {receiver:answer}.",
)
PLACES = ("station", "museum", "school", "library", "market", "hotel", "beach", "park")
THINGS = ("drink", "ticket", "flower", "watch", "guitar", "jacket", "sandwich", "present")
# Half of the documents go on. The second sentence asks the same thing over a shorter distance, which a network learns
# sooner; without it the first one may stay at chance for most of the training.
THANKS = " {receiver:thanking} thanked {subject:thanked}."
_FILLED = {thanks: tuple(Template(t + THANKS * thanks) for t in TEMPLATES) for thanks in (False, True)}


def held_out(a: int, b: int) -> bool:
    """One unordered pair of names in eight."""
    return (a + b) % 8 == 3


PAIRS = {
    split: [(a, b) for a in range(64) for b in range(64) if a != b and held_out(a, b) == (split == "held-out")]
    for split in ("train", "held-out")
}


def _latents(first: str, second: str, subject: str, place: str, thing: str, template: int, thanks: bool) -> Latents:
    receiver = second if subject == first else first
    return {
        "first": first,
        "second": second,
        "subject": subject,
        "receiver": receiver,
        "order": "BABA" if subject == first else "ABBA",
        "receiver_gender": GENDER[receiver],
        "subject_gender": GENDER[subject],
        "place": place,
        "thing": thing,
        "template": template,
        "thanks": thanks,
        "distractors": [subject],
        "filling": "+".join(sorted((first, second))),
    }


def draw(dice: Dice, split: Split) -> Latents:
    """A pair of names in either order; either may be named again."""
    a, b = dice.pick(PAIRS[split], 64 * 63)
    first, second = NAMES[a], NAMES[b]
    subject = first if dice.flip(0.5) else second
    place, thing = dice.pick(PLACES), dice.pick(THINGS)
    return _latents(first, second, subject, place, thing, dice.below(4), dice.flip(0.5))


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: first, second, place, S2, thing, answer (the receiver), and in half of them thanking, thanked."""
    return _FILLED[labels["thanks"]][int(labels["template"])].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """The other person is named again: one token changes, and the answer."""
    return _latents(*(labels[k] for k in ("first", "second", "receiver", "place", "thing", "template", "thanks")))


def _task(order: str) -> Task:
    return Task(
        f"who receives; names in the order {order}",
        lambda d: (f" {d['receiver']}",),
        lambda d: (f" {d['subject']}",),
        applies=lambda d: d["order"] == order,
        chance=0.5,
    )


KIND = Kind(
    "indirect_object",
    "prose",
    0.17,
    draw,
    render,
    corrupt,
    {"indirect_object_abba": _task("ABBA"), "indirect_object_baba": _task("BABA")},
)
