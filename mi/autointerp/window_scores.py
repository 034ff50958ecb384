"""window_scores: latents scored by one of delphi's scorers that gives each window a number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..progress import Progress
from ..refusal import Refusal
from .auc import auc
from .delphi_engine import own_dice
from .delphi_records import record_of
from .latent_examples import LatentExamples


def window_scores(
    what: str,
    latents: Sequence[LatentExamples],
    explanations: Mapping[int, str],
    scorer: Any,
    value: Callable[[Any], float],
    progress: Progress,
) -> dict[int, float]:
    """Per explained latent the AUC of ``value`` of what the scorer says of each of its test windows.

    NaN with windows of one class only.

    Args:
        what: is done, as progress shows it.
        latents: in the order in which they are scored.
        explanations: by latent; the others are left out.
        scorer: delphi's; awaited with a record, its result has a ``score`` with one output per window.
        value: of an output; larger where the latent should fire.
        progress: counts latents.

    Raises:
        Refusal: an explanation without text, or values that are not finite.
    """
    chosen = [latent for latent in latents if latent.latent in explanations]
    found: dict[int, float] = {}
    with progress(what, len(chosen), "latents") as bar:
        for latent in chosen:
            text = explanations[latent.latent]
            if not text.strip():
                raise Refusal(f"no explanation of latent {latent.latent}", "its text", "Leave the latent out.")
            with own_dice(0):
                outputs = asyncio.run(scorer(record_of(latent, text))).score
            values = {int(output.distance): value(output) for output in outputs}
            order = range(len(latent.test))
            found[latent.latent] = auc([latent.test[i].activating for i in order], [values[i] for i in order])
            bar.update(1)
    return found
