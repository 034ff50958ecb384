"""Store scene: two artifacts of one builder, built once, found again, and read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mi.claimable import unpaired
from mi.texts import Texts
from runners.build import build
from runners.recipe import Recipe
from runners.store import Store

from ..guards import lifted
from ..number import Number
from ..patch import replaced, together
from ..scene import Check, Measured, Scene
from ..scratch import fresh


@dataclass
class StoreScene(Scene):
    """A store with texts of two kinds in it, and the recipes that ask for them."""

    repairs = True

    root: Path
    after: Any = None
    """What happens to the store between building and the next use: a function of its folder."""

    def recipes(self) -> tuple[Recipe, Recipe]:
        """Two experiments that differ in one setting; made anew, as every session makes them."""
        common = {"split": "held-out", "seed": self.seed, "n": 80}
        return tuple(Recipe("mi.texts:world", 1, {**common, "kinds": [k]}) for k in ("topics", "agreement"))  # type: ignore[return-value]

    def built(self) -> tuple[Path, Path]:
        """Both artifacts: built in one session, found by the next."""
        root = fresh("store")
        for recipe in self.recipes():
            build(recipe, Store(root, cap=1 << 30))
        if self.after is not None:
            self.after(root)
        later = Store(root, cap=1 << 30)
        return tuple(build(recipe, later).path for recipe in self.recipes())  # type: ignore[return-value]

    def measure(self) -> Measured:
        a, b = self.lengths()
        gap, half = float(a.mean() - b.mean()), 1.96 * float(np.hypot(stats.sem(a), stats.sem(b)))
        naive = "pass" if gap - half > 2 else "fail" if gap + half < 2 else "inconclusive"
        numbers = {
            "documents": Number(float(len(a) + len(b)), 1.0),
            "length of topics - agreement": Number(gap, -np.inf, np.inf, (gap - half, gap + half)),
        }
        return Measured(numbers, {"lengths differ by > 2": naive})

    def lengths(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Characters of every document of either kind."""
        return tuple(np.array([float(len(d["text"])) for d in Texts(path)]) for path in self.built())  # type: ignore[return-value]

    def unguarded(self) -> AbstractContextManager[Any]:
        import runners.store as store

        return together(
            lifted("runners.store:require_same_recipe"),
            replaced(store, "check_hashes", lambda files, expected: None),
            replaced(store, "check_sizes", lambda files, expected: {}),
        )

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("runners.store", ("K04", "K26"), lambda scene: scene.built()),
            Check("mi.claimable", ("K23", "K21"), lambda scene: unpaired(*scene.lengths())),
        )


def texts(seed: int) -> StoreScene:
    """Texts of the world, of two kinds."""
    return StoreScene(seed, fresh("store"))
