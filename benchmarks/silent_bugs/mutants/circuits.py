"""Mutants of circuits: what is ablated, by what, and against which random sets (catalogue I, G10, A6-10)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, wrapped

SCENE = "circuits"


def source(module: str, owner: str, name: str, *changes: tuple[str, str]) -> Enact:
    """Some of the source of a function of mi.circuits says something else, wherever it is used."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from importlib import import_module

        home = import_module(f"mi.circuits.{module}")
        return rewritten(getattr(home, owner) if owner else home, name, *changes)

    return enact


def imported(module: str, name: str, *changes: tuple[str, str]) -> Enact:
    """The same for a function that mi.circuits.causal has imported."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from importlib import import_module

        import mi.circuits.causal as causal

        home = import_module(f"mi.circuits.{module}")
        with rewritten(home, name, *changes):
            changed = getattr(home, name)
        return replaced(causal, name, changed)

    return enact


def masks(change: Callable[[dict[str, Any], Any], dict[str, Any]]) -> Enact:
    """Change which latents count as the circuit's, behind the count of them."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.circuits.ablation import Ablation

        def around(mask: Any) -> Any:
            return lambda self, circuit: change(mask(self, circuit), self.reference)

        return wrapped(Ablation, "mask", around)

    return enact


def _by_number_only(found: dict[str, Any], reference: Any) -> dict[str, Any]:
    """A latent is known by its number: one of any layer marks it in all of them."""
    import functools
    import operator

    every = functools.reduce(operator.or_, found.values())
    return {name: every.clone() for name in found}


def _pruned(found: dict[str, Any], reference: Any) -> dict[str, Any]:
    """Latents that fire rarely are pruned after the circuit's size was written down."""
    import torch

    rates = {name: torch.as_tensor(reference.rates[name]) for name in found}
    return {
        name: mask & (rates[name] > rates[name][mask].median()) if mask.any() else mask for name, mask in found.items()
    }


def _sites_swapped(scene: Any) -> AbstractContextManager[None]:
    """Each coder's edit is made at the other one's site."""
    from mi.circuits.ablation import Ablation

    def around(edits: Any) -> Any:
        def made(self: Any, *given: Any) -> Any:
            found = edits(self, *given)
            return dict(zip(found, reversed(list(found.values())), strict=True))

        return made

    return wrapped(Ablation, "_edits", around)


def _rarest(scene: Any) -> AbstractContextManager[None]:
    """Random sets come from the latents that hardly ever fire."""
    import numpy as np

    import mi.circuits.random_sets as random_sets

    def around(matched: Any) -> Any:
        def made(numbers: Any, rates: Any, nearest: int) -> Any:
            others = np.setdiff1d(np.arange(len(rates)), numbers)
            rare = others[np.argsort(rates[others], kind="stable")][: len(numbers) + 8]
            return lambda rng: [int(i) for i in rng.choice(rare, len(numbers), replace=False)]

        return made

    return wrapped(random_sets, "_matched", around)


def _one_draw(scene: Any) -> AbstractContextManager[None]:
    """The generator is seeded inside the loop: every random set is the first one."""
    import numpy as np

    import mi.circuits.random_sets as random_sets

    def around(matched: Any) -> Any:
        def made(*given: Any) -> Any:
            make = matched(*given)
            return lambda rng: make(np.random.default_rng(0))

        return made

    return wrapped(random_sets, "_matched", around)


def _other_ceiling(scene: Any) -> AbstractContextManager[None]:
    """Clean logit differences are those of as many training questions."""
    import mi.circuits.causal as causal

    from ..scenes import circuits

    with rewritten(causal, "causal", (CLEAN, OTHERS)):
        changed = causal.causal
    return replaced(circuits, "causal", changed)


ACCUMULATES = "sums[name, what] = sums[name, what] + total if (name, what) in sums else total"
COUNTS = "count += int(batch.scored.sum())"
NEW = "new = torch.where(kept, z, means.latents[name])"
KEPT = 'by = x + (new - z) @ coder.W_dec if error == "kept"'
EMPTY = 'columns[f"all_{error}"] = run(ablation.only(None, answers.batch, error))'
CLEAN = "clean = answers.differences(model.logits(answers.batch))"
OTHERS = (
    'others = Answers(model, [i for t in tasks for i in items(t, "train", TRAIN_SEED, len(asked) // len(tasks))]); '
    "clean = others.differences(model.logits(others.batch))"
)
PRODUCT = "((z - mean) * gradient).double().sum(0)"
MAXIMA = "(z - mean).abs().amax(0).double() * gradient.abs().amax(0).double() * len(z)"


def edit(*changes: tuple[str, str]) -> Enact:
    """The edit of one site says something else."""
    return source("ablation", "Ablation", "_edit", *changes)


MUTANTS = (
    Mutant("I01", "circuits", "the empty circuit is scored with nothing ablated", SCENE, source("causal", "", "_circuits", (EMPTY, EMPTY.replace("ablation.only(None, answers.batch, error)", "{}"))), ("K11",), "EAP-IG 5dac9b7, 009cb68"),
    Mutant("I03d", "circuits", "latents' means are those of the last batch", SCENE, imported("reference", "reference", (ACCUMULATES, "sums[name, what] = total"), (COUNTS, "count = int(batch.scored.sum())")), ("K06", "K24"), "MIB-circuit-track da57460"),
    Mutant("I03e", "circuits", "latents' sums are divided by the number of batches", SCENE, imported("reference", "reference", (COUNTS, "count += 1")), ("K06", "K24"), "MIB-circuit-track da57460"),
    Mutant("I05", "circuits", "the mean that stands in for a latent is taken along the wrong axis", SCENE, edit((NEW, "new = torch.where(kept, z, means.latents[name].mean())")), ("K24", "K09"), "MIB-circuit-track a4b0651"),
    Mutant("I15", "circuits", "latents of two layers are known by their numbers only", SCENE, masks(_by_number_only), ("K21", "K28"), "InterpBench#23, #15"),
    Mutant("I17", "circuits", "effect and gradient are each taken at their own largest position", SCENE, source("causal", "", "integrated_gradients", (PRODUCT, MAXIMA)), ("K12", "K24"), "feature-circuits 66f81c5"),
    Mutant("I20", "circuits", "ablated latents are set to zero, and called mean-ablated", SCENE, edit((NEW, "new = torch.where(kept, z, torch.zeros_like(z))")), ("K09", "K11", "K24"), "practice"),
    Mutant("I21", "circuits", "the error term is dropped where it is said to be kept", SCENE, edit((KEPT, 'by = coder.decode(new) if error == "kept"')), ("K10", "K11"), "practice"),
    Mutant("I22", "circuits", "each circuit is ablated at the other layer's site", SCENE, _sites_swapped, ("K09", "K11", "K20"), "practice"),
    Mutant("I23", "circuits", "faithfulness is measured against the ceiling of other questions", SCENE, _other_ceiling, ("K16", "K11"), "practice"),
    Mutant("G10", "circuits", "latents are pruned after they were counted", SCENE, masks(_pruned), ("K11",), "MIB-circuit-track 9d83fc5"),
    Mutant("J06", "circuits", "random sets are drawn from latents that hardly fire", SCENE, _rarest, ("K15", "K19"), "microscope A6-10"),
    Mutant("J07c", "circuits", "one random set is drawn, and counted twenty times", SCENE, _one_draw, ("K19", "K21"), "microscope A6-09"),
)  # fmt: skip
