"""Mutants of the study: units, pairing, selection, multiplicity of draws, what was executed (catalogue G, H, J)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced


def study(change: Callable[[Any], Any]) -> Enact:
    """The study as ``change`` leaves it."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        return replaced(scene, "study", change(scene.study))

    return enact


def _other_indices(s: Any) -> Any:
    """Each arm of the paired difference was scored on its own draw of documents."""
    import numpy as np

    half = len(s.a) // 2
    b = np.concatenate([s.b[half:], s.b[:half]])
    return replace(s, b=b, ids_b=[f"document {k:03}" for k in range(half, half + len(s.b))])


def _one_draw(s: Any) -> Any:
    return replace(s, b=s.b[:1])


def _one_draw_repeated(s: Any) -> Any:
    """The generator is seeded inside the loop: every draw is the same."""
    import numpy as np

    return replace(s, b=np.repeat(s.b[:1], len(s.b), axis=0))


def _best_on_test(s: Any) -> Any:
    """The best of twenty equal settings is chosen on the documents that it is judged on."""
    import numpy as np

    rng = np.random.default_rng(1)
    arms = s.b + rng.normal(0, 0.05, (20, len(s.b)))
    return replace(s, a=np.clip(arms[arms.mean(1).argmax()], 0, 1), selected_on=s.ids_a)


def _tokens_as_units(s: Any) -> Any:
    import numpy as np

    rng = np.random.default_rng(2)
    a, b = (np.repeat(x, 8) + rng.normal(0, 0.01, 8 * len(x)) for x in (s.a, s.b))
    ids = [f"{i}/{t}" for i in s.ids_a for t in range(8)]
    return replace(s, a=a, b=b, ids_a=ids, ids_b=list(ids), unit="token")


def _three_prompts(s: Any) -> Any:
    return replace(s, a=s.a[:3], b=s.b[:3], ids_a=s.ids_a[:3], ids_b=s.ids_b[:3])


def _clipped(s: Any) -> Any:
    """Recovery is clipped at 1 wherever it was measured."""
    import numpy as np

    return replace(s, a=np.ones_like(s.a), b=np.ones_like(s.b))


def _pooled(s: Any) -> Any:
    return replace(s, scope="pooled")


def _one_seed(s: Any) -> Any:
    """The seed never reaches the generator: all runs are one run."""
    import numpy as np

    a, b = (np.tile(x.reshape(5, -1)[0], 5) for x in (s.a, s.b))
    return replace(s, a=a, b=b)


def _rare_dropped(s: Any) -> Any:
    """Units with too few examples are dropped; they would have scored low."""
    import numpy as np

    kept = np.sort(np.argsort(s.a - s.b)[len(s.a) * 2 // 5 :])
    ids = [s.ids_a[k] for k in kept]
    return replace(s, a=s.a[kept], b=s.b[kept], ids_a=ids, ids_b=list(ids), planned=len(s.a))


def _loaded_twice(s: Any) -> Any:
    """Two workers return the same slice of documents."""
    import numpy as np

    half = len(s.a) // 2
    a, b = (np.concatenate([x[:half], x[:half]]) for x in (s.a, s.b))
    ids = s.ids_a[:half] * 2
    return replace(s, a=a, b=b, ids_a=ids, ids_b=list(ids))


def _executed(**params: Any) -> Enact:
    def change(s: Any) -> Any:
        import numpy as np

        rng = np.random.default_rng(3)
        return replace(s, a=np.clip(s.a + rng.normal(0.02, 0.02, len(s.a)), 0, 1), executed=params)

    return study(change)


def _best_only(scene: Any) -> AbstractContextManager[None]:
    """One comparison of the family gets into the report."""
    return replaced(scene, "reported", [scene.best()])


MUTANTS = (
    Mutant("G12", "data", "a setting is read under another key, and the default layer runs", "court-paired", _executed(layer=0), ("K20",), "SAEDashboard 9938812"),
    Mutant("G16", "data", "the first ids are executed instead of the registered ones", "court-paired", _executed(ids="0000"), ("K20",), "microscope A6-02, A6-15"),
    Mutant("G16b", "data", "another concept is run than the registered one", "court-paired", _executed(concept="professor"), ("K20",), "microscope A6-15"),
    Mutant("L10", "data", "a default (BOS) changes between registration and run", "court-paired", _executed(bos=False), ("K20", "K07"), "TransformerLens PR#49"),
    Mutant("H10", "metrics", "units that score low are dropped for lack of examples", "court-paired", study(_rare_dropped), ("K28", "K15"), "delphi, microscope A6-18"),
    Mutant("J05", "metrics", "a paired difference over two index sets", "court-paired", study(_other_indices), ("K16",), "microscope A6-11"),
    Mutant("J07", "metrics", "one draw of the random baseline", "court-random-sets", study(_one_draw), ("K19",), "microscope A6-09"),
    Mutant("J07b", "metrics", "every draw of the random baseline is the same", "court-random-sets", study(_one_draw_repeated), ("K19", "K21"), "microscope A6-09"),
    Mutant("J09", "metrics", "the best setting is chosen on the test documents", "court-null", study(_best_on_test), ("K13",), "microscope A6-13, AxBench G03"),
    Mutant("J11", "metrics", "tokens are resampled as units", "court-null", study(_tokens_as_units), ("K17",), "inspect_ai#1251"),
    Mutant("J02", "metrics", "the best of twenty comparisons is reported, the others are left out", "court-family", _best_only, ("K29", "K28"), "microscope A6-21"),
    Mutant("J13", "metrics", "three prompts", "court-paired", study(_three_prompts), ("K29",), "ashlrai"),
    Mutant("J17", "metrics", "a recovery that is 1 at every site", "court-paired", study(_clipped), ("K23",), "ashlrai"),
    Mutant("J19", "metrics", "a claim about a method on pooled latents", "court-runs", study(_pooled), ("K17",), "practice"),
    Mutant("J19b", "metrics", "five training seeds that are one run", "court-runs", study(_one_seed), ("K18", "K21"), "practice"),
    Mutant("L08", "data", "two workers return the same slice of documents", "court-paired", study(_loaded_twice), ("K16", "K21"), "lm-eval#1349"),
)  # fmt: skip
