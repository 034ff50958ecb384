"""Kind: one sort of document; drawing, rendering and corrupting are three pure functions of the latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .dice import Dice
from .document import Span

Latents = dict[str, Any]
Split = Literal["train", "held-out"]
Rendered = tuple[str, tuple[Span, ...]]


def _all(labels: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True)
class Task:
    """A question that a kind of document asks.

    Attributes:
        about: one line for the model card.
        right: the continuations of the prompt that count as correct, from the labels.
        wrong: the alternatives.
        role: the span in front of which the prompt ends (its last occurrence).
        applies: which documents of the kind ask it.
        criterion: ``"exact"``: every token of the right answer is the model's first choice;
            ``"preference"``: the right answers together are likelier than the wrong ones.
        chance: rate of correct answers of a model that cannot do it (NaN: about zero).
        ability: ``"can"``, ``"graded"`` or ``"cannot"`` (planted inability).
    """

    about: str
    right: Callable[[Mapping[str, Any]], tuple[str, ...]]
    wrong: Callable[[Mapping[str, Any]], tuple[str, ...]]
    role: str = "answer"
    applies: Callable[[Mapping[str, Any]], bool] = _all
    criterion: Literal["exact", "preference"] = "exact"
    chance: float = 0.0
    ability: Literal["can", "graded", "cannot"] = "can"
    corrupt: Callable[[Latents], Latents] | None = None


@dataclass(frozen=True)
class Kind:
    """How one sort of document comes about.

    Attributes:
        name: in ids, ``Document.kind`` and on the command line.
        domain: ``"prose"``, ``"code"``, ``"dialogue"`` or ``"sums"``.
        share: of all documents of the mix.
        draw: latents of a new document; ``labels["filling"]`` names the cell that is held out as a whole.
        render: text and spans from the latents alone.
        corrupt: the latents of the counterpart, of the same split and (by single-token words) the same length.
        tasks: by name.
    """

    name: str
    domain: str
    share: float
    draw: Callable[[Dice, Split], Latents]
    render: Callable[[Mapping[str, Any]], Rendered]
    corrupt: Callable[[Latents], Latents]
    tasks: Mapping[str, Task] = field(default_factory=dict)
