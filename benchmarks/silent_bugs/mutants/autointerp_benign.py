"""Harmless changes to auto-interpretation: other batches, draws and orders, the same right answer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ..patch import replaced, wrapped
from .benign import benign, reversed_file, setting


def _windows_elsewhere(scene: Any) -> AbstractContextManager[None]:
    """Held-out texts in reverse order."""
    from ..scenes.autointerp import harvested

    path = reversed_file(scene.texts["test"])
    return replaced(scene, "harvests", {**scene.harvests, "test": harvested(path, scene.spec)})


def _cached_in_pieces(scene: Any) -> AbstractContextManager[None]:
    """Latents are cached a few documents at a time."""
    import mi.autointerp.cache as cache

    return replaced(cache, "BYTES_OF_LATENTS", 1)


def _other_ties(scene: Any) -> AbstractContextManager[None]:
    """Tokens that fire equally often are named in another order."""
    from mi.autointerp import lexical

    def around(naming: Any) -> Any:
        return lambda tokens: naming(list(reversed(tokens)))

    return wrapped(lexical, "naming", around)


def _other_draw(scene: Any) -> AbstractContextManager[None]:
    """The registered latents are listed in another order."""
    from ..scenes import autointerp

    return wrapped(autointerp, "draw", lambda draw: lambda *given: draw(*given)[::-1])


MUTANTS = (
    benign("shown", "autointerp", "seven windows in a question", "autointerp", setting(n_shown=7)),
    benign("concurrency", "autointerp", "one question at a time", "autointerp", setting(concurrency=1)),
    benign("window-seed", "autointerp", "another draw of the windows", "autointerp", setting(sample_seed=9)),
    benign("control-seed", "autointerp", "other shuffled and random explanations", "autointerp", setting(control_seed=5)),
    benign("window-order", "autointerp", "held-out texts in reverse order", "autointerp", _windows_elsewhere),
    benign("latent-order", "autointerp", "the registered latents listed backwards", "autointerp", _other_draw),
    benign("cache-batches", "autointerp", "latents cached a few documents at a time", "autointerp", _cached_in_pieces),
    benign("named-order", "autointerp", "tokens named in another order", "autointerp", _other_ties),
)  # fmt: skip
