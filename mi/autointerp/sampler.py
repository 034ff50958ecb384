"""Sampler: draws the windows that are shown of one latent after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..metrics.token_strings import TokenStrings
from .cached import Cached, Firings
from .delphi_engine import Drawn, draw_by_decile
from .latent_examples import Example, LatentExamples
from .marks import false_marks, true_marks
from .silent import silent_windows
from .usable import Usable
from .windows import Ints

Mask = NDArray[np.bool_]
TRAIN, TEST, MIXED = 0, 1, 2  # purposes, in seeds


class Sizes(NamedTuple):
    """How many windows are drawn of each latent."""

    explain: int
    """Of training texts, activating."""
    test: int
    """Of held-out texts, activating."""
    silent: int
    """Of either, not activating."""
    deciles: int
    """Parts by strongest activation."""


class Side:
    """The windows of one cache that may be used."""

    def __init__(self, cached: Cached, use: Mask) -> None:
        self.cached, self.use = cached, use

    def firings(self, latent: int) -> Firings:
        """Where a latent fires in them."""
        found = self.cached.firings(latent)
        return without(found, ~self.use[found.window])

    def silent(self, latent: int) -> Ints:
        """Those in which it does not."""
        free = self.use.copy()
        free[self.cached.firings(latent).window] = False
        return np.flatnonzero(free)


class Sampler:
    """Draws windows, each draw by a seed of its own: seed, latent, purpose and repeat.

    Args:
        train, test: caches of one coder.
        use: which of their windows may be used.
        strings: what token ids look like.
        sizes: how many are drawn.
    """

    def __init__(self, train: Cached, test: Cached, use: Usable, strings: TokenStrings, sizes: Sizes) -> None:
        self.train, self.test = Side(train, use.train), Side(test, use.test)
        self.strings, self.sizes = strings, sizes

    def lacks(self, latent: int, min_examples: int, repeat: int) -> str:
        """Why a latent cannot be scored, with numbers; empty if it can."""
        n, turns = self.sizes, repeat + 1
        fires = {"training": self.train.firings(latent), "test": self.test.firings(latent)}
        have = {
            "activating training windows": (len(np.unique(fires["training"].window)), max(n.explain, min_examples)),
            "activating test windows": (len(np.unique(fires["test"].window)), n.test * turns),
            "silent training windows": (len(self.train.silent(latent)), n.silent),
            "silent test windows": (len(self.test.silent(latent)), n.silent * turns),
        }
        return "; ".join(f"{here} of {wanted} {what}" for what, (here, wanted) in have.items() if here < wanted)

    def draw(self, latent: int, seed: int, repeat: int) -> LatentExamples:
        """Everything that is asked about one latent that lacks nothing."""
        n, rng, train, test = self.sizes, np.random.default_rng([seed, latent, TRAIN]), self.train, self.test
        explain = self._activating(train, train.firings(latent), n.explain, rng)
        silent = self._silent(train, explain, train.silent(latent), rng)
        firings, pool = test.firings(latent), test.silent(latent)
        for turn in range(repeat + 1):  # the earlier turns are drawn again, to leave out what they took
            rng = np.random.default_rng([seed, latent, TEST, turn])
            fires = self._activating(test, firings, n.test, rng)
            quiet = self._silent(test, fires, pool, rng)
            taken = [d.window for d in (*fires, *quiet)]
            firings, pool = without(firings, np.isin(firings.window, taken)), pool[~np.isin(pool, taken)]
        positive = [self._example(test, d) for d in fires]
        marked = [(e.marks, len(e.tokens)) for e in positive]
        negative = [self._example(test, d) for d in quiet]
        negative = [replace(e, marks=false_marks(len(e.tokens), marked, rng)) for e in negative]
        both = [*positive, *negative]
        order = np.random.default_rng([seed, latent, MIXED, repeat]).permutation(len(both))
        return LatentExamples(
            latent=latent,
            rate=train.cached.rate(latent),
            explain=tuple(self._example(train, d) for d in explain),
            silent=tuple(self._example(train, d) for d in silent),
            test=tuple(both[i] for i in order),
        )

    def _activating(self, side: Side, firings: Firings, n: int, rng: np.random.Generator) -> list[Drawn]:
        windows = side.cached.windows
        return draw_by_decile(
            *firings,
            n_windows=len(windows),
            length=windows.length,
            n=n,
            deciles=self.sizes.deciles,
            seed=int(rng.integers(1 << 31)),
        )

    def _silent(self, side: Side, like: Sequence[Drawn], pool: Ints, rng: np.random.Generator) -> list[Drawn]:
        windows = side.cached.windows
        chosen = silent_windows(pool, windows.size, windows.size[[d.window for d in like]], self.sizes.silent, rng)
        return [Drawn(int(w), None, (0.0,) * windows.length) for w in chosen]

    def _example(self, side: Side, drawn: Drawn) -> Example:
        cached, windows, w = side.cached, side.cached.windows, drawn.window
        activations = drawn.activations[: windows.size[w]]
        activating = drawn.decile is not None
        return Example(
            id=f"{cached.documents[windows.document[w]]}:{windows.start[w]}",
            tokens=tuple(self.strings.of(windows.ids(w))),
            activations=activations,
            activating=activating,
            decile=drawn.decile,
            marks=true_marks(activations) if activating else (),
        )


def without(firings: Firings, gone: Mask) -> Firings:
    """Those that are not ``gone`` ``[m]``."""
    return Firings(firings.window[~gone], firings.offset[~gone], firings.activation[~gone])
