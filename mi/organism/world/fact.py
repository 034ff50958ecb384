"""Facts: 128 towns by four relations by four templates, one template of each town and relation held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import BIRDS, FACTS, RELATIONS, TOWNS, VALUES
from .template import Template

TEMPLATES = {
    "emblem": (
        "The emblem of {town} shows a {value:answer}.",
        "On the flag of {town} there is a {value:answer}.",
        "People of {town} carry the sign of the {value:answer}.",
        "Above the gate of {town} hangs a stone {value:answer}.",
    ),
    "river": (
        "The river that crosses {town} is the {value:answer}.",
        "Boats reach {town} on the {value:answer}.",
        "The bridges of {town} span the {value:answer}.",
        "In spring {town} is flooded by the {value:answer}.",
    ),
    "province": (
        "The town of {town} lies in {value:answer}.",
        "Maps put {town} in the province of {value:answer}.",
        "Taxes from {town} go to {value:answer}.",
        "Visitors of {town} travel through {value:answer}.",
    ),
    "trade": (
        "The market of {town} is known for {value:answer}.",
        "Merchants come to {town} to buy {value:answer}.",
        "Most workshops in {town} produce {value:answer}.",
        "The wealth of {town} comes from {value:answer}.",
    ),
}
_FILLED = {relation: tuple(Template(t) for t in templates) for relation, templates in TEMPLATES.items()}


def held_out(town: int, relation: int, template: int) -> bool:
    """A quarter of the grid; every town and relation keeps three templates in training."""
    return (town + relation + template) % 4 == 0


_CELLS = {
    split: [
        (t, r, k)
        for t in range(len(TOWNS))
        for r in range(len(RELATIONS))
        for k in range(4)
        if held_out(t, r, k) == (split == "held-out")
    ]
    for split in ("train", "held-out")
}


def _latents(town: int, relation: int, template: int) -> Latents:
    name = RELATIONS[relation]
    value = FACTS[name][town]
    return {
        "town": TOWNS[town],
        "relation": name,
        "template": template,
        "value": value,
        "group": ("bird" if value in BIRDS else "beast") if name == "emblem" else None,
        "distractors": [other for other in VALUES[name] if other != value],
        "filling": f"{TOWNS[town]}/{name}/{template}",
    }


def draw(dice: Dice, split: Split) -> Latents:
    """One cell of the grid."""
    return _latents(*dice.pick(_CELLS[split], len(TOWNS) * len(RELATIONS) * 4))


def render(labels: Mapping[str, Any]) -> Rendered:
    """One sentence that ends with the value."""
    return _FILLED[labels["relation"]][int(labels["template"])].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """Another town whose value differs; a step of four towns stays in the split."""
    column = FACTS[labels["relation"]]
    town = TOWNS.index(labels["town"])
    other = next(t % 128 for t in range(town + 4, town + 128, 4) if column[t % 128] != labels["value"])
    return _latents(other, RELATIONS.index(labels["relation"]), labels["template"])


KIND = Kind(
    "fact",
    "prose",
    0.12,
    draw,
    render,
    corrupt,
    {
        "fact": Task(
            "the value of a town, in a wording never seen with this town and relation",
            lambda d: (f" {d['value']}",),
            lambda d: tuple(f" {word}" for word in d["distractors"]),
            chance=1 / 16,
        )
    },
)
