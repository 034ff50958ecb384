"""Prose: small stories; the second sentence speaks again of the thing in the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .template import Template

HEROES = ("king", "queen", "wizard", "knight", "prince", "witch", "giant", "dwarf", "monk", "pirate", "thief", "bard")
THINGS = ("coin", "ring", "sword", "map", "crown", "shield", "scroll", "pearl", "goblet", "cloak", "lantern", "dagger")
MOODS = ("brave", "lonely", "clever", "hungry", "tired", "proud", "gentle", "wicked")
FINDS = ("found", "saw", "took", "bought")
PLACES = ("castle", "forest", "mountain", "cave", "swamp", "tavern", "temple", "village")
ENDS = ("lost", "hid", "kept", "broke", "buried", "washed", "loved", "dropped")
WHEN = ("Later", "Soon", "Finally", "Then")
_FILLED = Template(
    "The {mood} {hero} {find} a {thing} near the {place}. {when} the {hero} {end} the {thing:answer}{tail:_}"
)
_TAILS = (".", ". It was a cold night.", ". It was a long day.")


def held_out(hero: int, thing: int, place: int) -> bool:
    """A quarter of (hero, thing, place).

    Not of (hero, thing): so small a grid is learned by heart, and with it what never occurs.
    """
    return (hero + thing + place) % 4 == 0


_CELLS = {
    split: [
        (h, t, p) for h in range(12) for t in range(12) for p in range(8) if held_out(h, t, p) == (split == "held-out")
    ]
    for split in ("train", "held-out")
}


def _with(labels: Latents, thing: str) -> Latents:
    return labels | {"thing": thing, "filling": f"{labels['hero']}/{thing}/{labels['place']}"}


def draw(dice: Dice, split: Split) -> Latents:
    """Hero, thing and place from the split, the rest at random."""
    hero, thing, place = dice.pick(_CELLS[split], 12 * 12 * 8)
    labels = {
        "hero": HEROES[hero],
        "mood": dice.pick(MOODS),
        "find": dice.pick(FINDS),
        "place": PLACES[place],
        "when": dice.pick(WHEN),
        "end": dice.pick(ENDS),
        "tail": dice.pick(_TAILS),
    }
    return _with(labels, THINGS[thing])


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: mood, hero, find, thing, place, when, hero, end, answer."""
    return _FILLED.fill(labels)


def corrupt(labels: Latents) -> Latents:
    """Another thing of the split."""
    return _with(labels, THINGS[(THINGS.index(labels["thing"]) + 4) % 12])


KIND = Kind(
    "prose",
    "prose",
    0.03,
    draw,
    render,
    corrupt,
    {
        "prose": Task(
            "the thing a story speaks of again",
            lambda d: (f" {d['thing']}",),
            lambda d: tuple(f" {thing}" for thing in THINGS if thing != d["thing"]),
            chance=1 / 12,
        )
    },
)
