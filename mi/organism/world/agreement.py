"""Agreement: the verb agrees with the head noun across zero, one or two distractors."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any

from .dice import Dice
from .kind import Kind, Latents, Rendered, Split, Task
from .lexicon import NOUNS
from .template import Template

ADJECTIVES = ("old", "small", "heavy", "plain", "narrow", "wooden", "pretty", "yellow")
PREPOSITIONS = ("near", "behind", "under", "beside")
VERBS = (("is", "are"), ("was", "were"), ("seems", "seem"), ("looks", "look"))
COMPLEMENTS = ("broken", "dusty", "new", "lost", "cheap", "clean", "ready", "strange")
_FILLED = (
    Template("The {adjective} {head} {verb:answer} {complement}."),
    Template("The {adjective} {head} {prep1} the {noun1:distractor1} {verb:answer} {complement}."),
    Template(
        "The {adjective} {head} {prep1} the {noun1:distractor1} {prep2} the {noun2:distractor2} "
        "{verb:answer} {complement}."
    ),
)
# With two distractors the first one mostly disagrees with the head; among those that do, the bag of words says
# nothing about the head's number, because any of the nouns could have been the head.
P_OPPOSITE = 0.75


def held_out(*indices: int) -> bool:
    """A quarter of (adjective, noun), and of unordered sets of two or three nouns."""
    return sum(indices) % 4 == 0


def _cells(n: int, split: str) -> list[tuple[int, ...]]:
    if n == 0:
        cells: list[tuple[int, ...]] = [(a, h) for a in range(8) for h in range(len(NOUNS))]
    else:
        cells = list(permutations(range(len(NOUNS)), n + 1))
    return [cell for cell in cells if held_out(*cell) == (split == "held-out")]


_CELLS = {split: [_cells(n, split) for n in range(3)] for split in ("train", "held-out")}


def _noun(lemma: str, plural: bool) -> str:
    return lemma + "s" if plural else lemma


def _latents(adjective: str, lemmas: list[str], plural: list[bool], rest: Mapping[str, Any]) -> Latents:
    n = len(lemmas) - 1
    out: Latents = {
        "adjective": adjective,
        "lemmas": lemmas,
        "plural": plural,
        "distractor_count": n,
        "head_plural": plural[0],
        "first_opposite": plural[1] != plural[0] if n else None,
        "head": _noun(lemmas[0], plural[0]),
        "verb_lemma": rest["verb_lemma"],
        "verb": VERBS[rest["verb_lemma"]][plural[0]],
        "complement": rest["complement"],
        "filling": f"{adjective}/{lemmas[0]}" if n == 0 else "+".join(sorted(lemmas)),
    }
    for k in range(1, n + 1):
        out[f"noun{k}"] = _noun(lemmas[k], plural[k])
        out[f"prep{k}"] = rest[f"prep{k}"]
    return out


def draw(dice: Dice, split: Split) -> Latents:
    """Zero, one or two distractors with shares .2, .4, .4."""
    n = dice.weighted((0.2, 0.4, 0.4))
    cell = dice.pick(_CELLS[split][n], sum(len(cells[n]) for cells in _CELLS.values()))
    adjective = ADJECTIVES[cell[0]] if n == 0 else dice.pick(ADJECTIVES)
    lemmas = [NOUNS[k] for k in (cell[1:] if n == 0 else cell)]
    plural = [dice.flip(0.5)]
    if n == 1:
        plural.append(dice.flip(0.5))
    elif n == 2:
        plural += [plural[0] != dice.flip(P_OPPOSITE), dice.flip(0.5)]
    rest = {f"prep{k}": dice.pick(PREPOSITIONS) for k in range(1, n + 1)}
    return _latents(
        adjective, lemmas, plural, rest | {"verb_lemma": dice.below(4), "complement": dice.pick(COMPLEMENTS)}
    )


def render(labels: Mapping[str, Any]) -> Rendered:
    """Roles: adjective, head, prep1, distractor1, prep2, distractor2, answer (the verb), complement."""
    return _FILLED[labels["distractor_count"]].fill(labels)


def corrupt(labels: Latents) -> Latents:
    """The head changes its number, nothing else before the verb."""
    plural = [not labels["plural"][0], *labels["plural"][1:]]
    return _latents(labels["adjective"], labels["lemmas"], plural, labels)


def _task(n: int) -> Task:
    return Task(
        f"the verb agrees with the head noun across {n} distractor{'s' * (n != 1)}",
        lambda d: tuple(f" {forms[d['head_plural']]}" for forms in VERBS),
        lambda d: tuple(f" {forms[not d['head_plural']]}" for forms in VERBS),
        applies=lambda d: d["distractor_count"] == n,
        criterion="preference",  # right after a noun the likeliest word may be a preposition
        chance=0.5,
    )


KIND = Kind("agreement", "prose", 0.08, draw, render, corrupt, {f"agreement_{n}": _task(n) for n in range(3)})
