"""Topics: seven topics in three surface forms; the same content in every form, so that pairs match in meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .template import Template

# topic -> (4 actions, 6 things, 4 places)
WORDS = {
    "music": ("play tune strum practise", "violin piano drum flute trumpet harp", "concert studio opera choir"),
    "space": ("launch orbit observe track", "rocket planet comet satellite moon probe", "crater galaxy nebula sky"),
    "cooking": ("bake fry boil season", "soup bread cake stew pasta omelette", "kitchen oven stove pantry"),
    "sport": ("kick throw catch pass", "ball puck javelin racket disc bat", "stadium court pitch gym"),
    "sea": ("dive net harvest spot", "fish whale coral shell seal crab", "reef shore lagoon harbor"),
    "farming": ("sow water weed reap", "barley corn clover beans cabbage hay", "meadow orchard barn pasture"),
    "weather": ("forecast measure record expect", "storm rain snow wind frost fog", "valley coast hills plain"),
}
TOPICS = tuple(WORDS)
FORMS = ("prose", "list", "code")
_WORDS = [tuple(tuple(group.split()) for group in groups) for groups in WORDS.values()]
_FILLED = {
    "prose": Template("At the {place} they {action} the {thing}. This is about {topic:answer}."),
    "list": Template("place: {place}, act: {action}, thing: {thing}, topic: {topic:answer}."),
    "code": Template("call( {place}, {action}, {thing} ) -> {topic:answer};"),
}


def held_out(action: int, thing: int, place: int) -> bool:
    """A quarter of the contents, in all forms at once."""
    return (action + thing + place) % 4 == 0


_CELLS = {
    split: [
        (a, t, p) for a in range(4) for t in range(6) for p in range(4) if held_out(a, t, p) == (split == "held-out")
    ]
    for split in ("train", "held-out")
}


def _latents(topic: int, cell: tuple[int, int, int], form: str) -> Latents:
    actions, things, places = _WORDS[topic]
    return {
        "topic": TOPICS[topic],
        "form": form,
        "cell": list(cell),
        "action": actions[cell[0]],
        "thing": things[cell[1]],
        "place": places[cell[2]],
        "content": f"{TOPICS[topic]}/{cell[0]}/{cell[1]}/{cell[2]}",
        "distractors": [other for other in TOPICS if other != TOPICS[topic]],
        "filling": f"{TOPICS[topic]}/{cell[0]}/{cell[1]}/{cell[2]}",
    }


def draw(dice: Dice, split: Split) -> Latents:
    """Topic, content and form, each uniformly."""
    return _latents(dice.below(7), dice.pick(_CELLS[split], 96), dice.pick(FORMS))


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: place, action, thing, answer (the topic)."""
    return _FILLED[labels["form"]].fill(labels)


def in_form(labels: Latents, form: str) -> Latents:
    """The same content in another surface form."""
    return _latents(TOPICS.index(labels["topic"]), tuple(labels["cell"]), form)


def corrupt(labels: Latents) -> Latents:
    """The content with the same numbers of the next topic, in the same form."""
    return _latents((TOPICS.index(labels["topic"]) + 1) % 7, tuple(labels["cell"]), labels["form"])


KIND = Kind(
    "topics",
    "prose",
    0.05,
    draw,
    render,
    corrupt,
    {
        "topic": Task(
            "what a text is about",
            lambda d: (f" {d['topic']}",),
            lambda d: tuple(f" {topic}" for topic in d["distractors"]),
            chance=1 / 7,
        )
    },
)
