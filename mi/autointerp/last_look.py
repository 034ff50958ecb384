"""last_look: what was drawn, compared with the files that it was drawn from, by code that draws nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..refusal import Refusal
from .cached import Cached
from .latent_examples import Example, LatentExamples


def last_look(index: Mapping[str, Any], found: Sequence[LatentExamples], train: Cached, test: Cached) -> None:
    """Refuse examples that are not what their index says, or not what their latent does in their window.

    Raises:
        Refusal: a registered latent that went nowhere or two ways, a latent with more or fewer examples than were
            asked for or one of them twice, an example with other activations or of another kind than in the cache.
    """
    went = sorted([*index["scored"], *index["dead"], *map(int, index["lost"])])
    if went != index["drawn"] or index["scored"] != [x.latent for x in found]:
        raise Refusal(f"{len(went)} latents accounted for", f"the {len(index['drawn'])} registered, each once", _LOOK)
    _require_rates(index, found, train)
    settings, where = index["settings"], {id(side): _places(side) for side in (train, test)}
    n = {"explain": settings["n_explain"], "silent": settings["n_silent"]}
    n |= {"test": settings["n_test"] + settings["n_silent"], "activating": settings["n_test"]}
    for x in found:
        have = {name: len({e.id for e in getattr(x, name)}) for name in ("explain", "silent", "test")}
        have["activating"] = sum(e.activating for e in x.test)
        if have != n or not all(e.activating for e in x.explain) or any(e.activating for e in x.silent):
            raise Refusal(f"latent {x.latent} with {have} different examples", f"{n}", _LOOK)
        for side, part in ((train, (*x.explain, *x.silent)), (test, x.test)):
            _require_as_cached(x.latent, part, side, where[id(side)])


def _require_rates(index: Mapping[str, Any], found: Sequence[LatentExamples], train: Cached) -> None:
    """Firing rates are those on the training texts, and dead is who never fired there."""
    n = int(train.index["n_tokens"])
    rates = {latent: int(train.counts["tokens"][latent]) / n for latent in index["drawn"]}
    told = {int(latent): rate for latent, rate in index["rates"].items()}
    dead = [latent for latent, rate in rates.items() if rate == 0]
    if told != rates or index["dead"] != dead or any(x.rate != rates[x.latent] for x in found):
        raise Refusal("firing rates, or dead latents, of other texts", "those of the training texts", _LOOK)


def _places(side: Cached) -> dict[str, int]:
    windows = side.windows
    return {f"{side.documents[d]}:{s}": w for w, (d, s) in enumerate(zip(windows.document, windows.start, strict=True))}


def _require_as_cached(latent: int, part: Sequence[Example], side: Cached, where: Mapping[str, int]) -> None:
    firings = side.firings(latent)
    for example in part:
        w = where.get(example.id)
        if w is None:
            raise Refusal(f"example {example.id!r} of latent {latent}", "a window of its cache", _LOOK)
        values = np.zeros(side.windows.size[w], dtype=np.float32)
        here = firings.window == w
        values[firings.offset[here]] = firings.activation[here]
        if tuple(values.tolist()) != example.activations or example.activating != bool(values.any()):
            raise Refusal(
                f"example {example.id!r} of latent {latent}, {'' if example.activating else 'not '}activating",
                f"the activations of its window, at most {float(values.max()):.3g}",
                _LOOK,
            )


_LOOK = "Look for windows that were drawn twice, or filed under the wrong kind."
