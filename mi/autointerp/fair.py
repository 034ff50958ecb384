"""fair: windows that give nothing away except by what the latent does in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..refusal import Refusal
from .latent_examples import Example, LatentExamples
from .marks import THRESHOLD

LARGEST = 0.1
"""How far from .5 the mean AUC of something that should tell nothing may be."""
CHANCE = 6.0
"""Standard errors, over latents, that it has to be away as well."""
_LOOK = "Look for how windows were drawn, put in order or marked."


def require_fair(latents: Sequence[LatentExamples], settings: Mapping[str, Any]) -> None:
    """Refuse windows that could be told apart without the latent, or that are not what they are called.

    Read off the windows alone: order, length, and number and place of the marks must tell nothing over all latents (mean
    AUC within .1 of .5, or within six standard errors); no test window is one that was explained from; deciles follow
    the strongest activation; marks of activating windows are those of the definition.

    Raises:
        Refusal: with the latent, or with what gives them away.
    """
    for latent in latents:
        shown = {e.tokens for e in (*latent.explain, *latent.silent)}
        again = [e.id for e in latent.test if e.tokens in shown and not any("\ufffd" in t for t in e.tokens)]
        if again:
            raise Refusal(f"test window {again[0]} of latent {latent.latent}", "none that was explained from", _LOOK)
        for part in (latent.explain, latent.test):
            _require_deciles(latent.latent, [e for e in part if e.activating], settings["deciles"])
        for example in (*latent.explain, *latent.test):
            if example.activating and example.marks != _marks(example.activations):
                raise Refusal(f"marks {example.marks} in {example.id} of latent {latent.latent}", "those on it", _LOOK)
    for what, measure in TELLS.items():
        aucs = np.array([_auc(latent, measure) for latent in latents])
        off = abs(float(aucs.mean()) - 0.5)
        spread = float(aucs.std(ddof=1)) / len(aucs) ** 0.5 if len(aucs) > 1 else float("inf")
        if off > LARGEST and off > CHANCE * spread:
            raise Refusal(
                f"test windows that their {what} tells apart (mean AUC {aucs.mean():.3g} over {len(aucs)} latents)",
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


def _require_deciles(latent: int, examples: Sequence[Example], deciles: int) -> None:
    tenths = [sorted(max(e.activations) for e in examples if e.decile == k) for k in range(deciles)]
    sizes = {len(found) for found in tenths}
    falling = all(a[0] >= b[-1] for a, b in zip(tenths, tenths[1:], strict=False) if a and b)
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
