"""fair: windows that give nothing away except by what the latent does in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..refusal import Refusal
from .latent_examples import Example, LatentExamples
from .marks import THRESHOLD

LARGEST = 0.1
"""How far from .5 the mean AUC of something that should tell nothing may be."""
CHANCE = 5.0
"""Standard errors of a mean AUC by chance (Mann and Whitney 1947) that it may be, with few windows."""
_LOOK = "Look for how windows were drawn, put in order or marked."


def require_fair(latents: Sequence[LatentExamples], settings: Mapping[str, Any]) -> None:
    """Refuse windows that could be told apart without the latent, or that are not what they are called.

    Read off the windows alone: order, and number and place of the marks must tell nothing over all latents (mean AUC
    within .1 of .5, or within five standard errors), length next to nothing about any (mean distance within .15); no test
    window is one that some latent was explained from, or another one again; deciles follow the strongest activation;
    marks of activating windows are those of the definition.

    Raises:
        Refusal: with the latent, or with what gives them away.
    """
    _require_new(latents)
    for latent in latents:
        for part in (latent.explain, latent.test):
            fires = [e for e in part if e.activating]
            _require_deciles(latent.latent, fires, settings["deciles"])
            _require_marks(latent.latent, fires)
    _require_alike(latents)


def _require_new(latents: Sequence[LatentExamples]) -> None:
    shown = {e.tokens for latent in latents for e in (*latent.explain, *latent.silent)}
    for latent in latents:
        seen = set(shown)
        for example in latent.test:
            # Tokens that are parts of characters look alike.
            if example.tokens in seen and "\ufffd" not in example.text:
                raise Refusal(f"test window {example.id} of latent {latent.latent}, once more", "new ones", _LOOK)
            seen.add(example.tokens)


def _require_marks(latent: int, examples: Sequence[Example]) -> None:
    for example in examples:
        if example.marks != _marks(example.activations):
            raise Refusal(f"marks {example.marks} in {example.id} of latent {latent}", "those on it", _LOOK)


def _require_alike(latents: Sequence[LatentExamples]) -> None:
    sd = (sum(_variance(latent) for latent in latents) / len(latents)) ** 0.5  # of one AUC by chance
    for what, measure in TELLS.items():
        aucs = np.array([_auc(latent, measure) for latent in latents])
        off, likely = abs(float(aucs.mean()) - 0.5), CHANCE * sd / len(latents) ** 0.5
        if what == "length":  # matched latent by latent, and longer in one may be shorter in the next
            off, likely = float(abs(aucs - 0.5).mean()) - LARGEST / 2, 0.8 * sd + 0.6 * likely - LARGEST / 2
        if off > max(LARGEST, likely):
            raise Refusal(
                f"test windows that their {what} tells apart ({off:.3g} from chance over {len(latents)} latents)",
                "both kinds alike in it",
                _LOOK,
            )


TELLS: Mapping[str, Callable[[int, Example], float]] = {
    "order": lambda place, e: place,
    "length": lambda place, e: len(e.tokens),
    "number of marks": lambda place, e: len(e.marks),
    "place of marks": lambda place, e: sum((i + 0.5) / len(e.tokens) for i in e.marks) / max(1, len(e.marks)),
}


def _auc(latent: LatentExamples, measure: Callable[[int, Example], float]) -> float:
    values: dict[bool, list[float]] = {True: [], False: []}
    for place, example in enumerate(latent.test):
        values[example.activating].append(measure(place, example))
    if not all(values.values()):
        return 0.5
    return float((np.sign(np.subtract.outer(values[True], values[False])) + 1).mean() / 2)


def _variance(latent: LatentExamples) -> float:
    """Of an AUC under chance: ``(m + n + 1) / (12 m n)``."""
    m = sum(e.activating for e in latent.test)
    n = len(latent.test) - m
    return (m + n + 1) / (12 * m * n) if m and n else 0.0


def _require_deciles(latent: int, examples: Sequence[Example], deciles: int) -> None:
    tenths = [sorted(max(e.activations) for e in examples if e.decile == k) for k in range(deciles)]
    sizes = {len(found) for found in tenths}
    falling = all(a[0] >= b[-1] for a, b in pairwise(tenths) if a and b)
    if len(sizes) > 1 or not falling:
        raise Refusal(
            f"latent {latent} with {[len(found) for found in tenths]} windows a decile, "
            f"{'from' if falling else 'not from'} the strongest to the weakest",
            "as many of each, strongest first",
            _LOOK,
        )


def _marks(activations: Sequence[float]) -> tuple[int, ...]:
    strengths = np.asarray(activations)
    return tuple(int(i) for i in np.flatnonzero(strengths >= THRESHOLD * strengths.max()))
