"""Random sets: as many latents of each coder as a circuit has, matched on firing rate or not. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal
from .circuit import Circuit, require_different

KINDS = ("matched", "any")
NEAREST = 10
ROUNDING = 1e-12
Rates = Mapping[str, NDArray[np.float64]]


def random_sets(
    circuit: Circuit, rates: Rates, kind: str, draws: int, seed: int, nearest: int = NEAREST
) -> list[Circuit]:
    """``draws`` different sets of the size of ``circuit``, coder by coder.

    Args:
        rates: ``[n_latents]`` share of the training rows on which each latent fires, of each coder.
        kind: ``"matched"``: each latent of the circuit, in random order, gives its place to one of the ``nearest`` latents in
            firing rate that are neither in the circuit nor in the set yet. ``"any"``: latents drawn with equal chances
            from all that the coder has, dead ones and the circuit's included, as the source project did.

    Raises:
        Refusal: another kind, fewer latents than a set needs, or so few that ``draws`` different sets were not found.
    """
    if kind not in KINDS or draws < 1:
        raise Refusal(f"kind={kind!r}, draws={draws}", f"one of {', '.join(KINDS)}, at least 1", "Correct the recipe.")
    rng = np.random.default_rng([seed, KINDS.index(kind), circuit.size])
    makers = {
        coder: _matched(numbers, rates[coder], nearest) if kind == "matched" else _any(len(numbers), len(rates[coder]))
        for coder, numbers in circuit.latents.items()
    }
    found: dict[frozenset[tuple[str, int]], Circuit] = {}
    for _ in range(50 * draws):
        drawn = Circuit({coder: tuple(sorted(make(rng))) for coder, make in makers.items()})
        found.setdefault(drawn.members, drawn)
        if len(found) == draws:
            break
    else:
        raise Refusal(
            f"{len(found)} different random sets of {circuit.size} latents",
            f"{draws}",
            "Take a smaller circuit, or a coder with more latents.",
        )
    sets = list(found.values())
    require_different(sets)
    if kind == "matched":
        require_matched(circuit, sets, rates)
    return sets


def require_matched(circuit: Circuit, sets: Sequence[Circuit], rates: Rates, nearest: int = NEAREST) -> None:
    """Refuse sets whose latents cannot each have taken the place of one of the circuit's.

    A latent can give its place to the ``nearest`` outside the circuit in firing rate, or, where others of the set were taken
    before, to as many more. Rates and these intervals are paired off, the interval that ends first with the lowest rate.

    Raises:
        Refusal: no such pairing, in any coder of any set.
    """
    for coder, numbers in circuit.latents.items():
        others = np.delete(rates[coder], list(numbers))
        places = []
        for i in numbers:
            rate = float(rates[coder][i])
            far = float(np.sort(np.abs(others - rate))[min(nearest + len(numbers), len(others)) - 1])
            places.append((rate + far + ROUNDING, rate - far - ROUNDING))
        for drawn in sets:
            left = sorted(places)
            for rate in sorted(rates[coder][list(drawn.latents.get(coder, ()))].tolist()):
                fits = next((place for place in left if place[1] <= rate <= place[0]), None)
                if fits is None:
                    raise Refusal(
                        f"a random set in {coder} with a latent that fires at a rate of {rate:.2g}",
                        "rates like those of the circuit's latents",
                        "Look for dead latents: a set that never fires is no control.",
                    )
                left.remove(fits)


def mean_rate(circuit: Circuit, rates: Rates) -> float:
    """Mean firing rate of its latents."""
    return float(np.mean([rates[coder][number] for coder, numbers in circuit.latents.items() for number in numbers]))


Make = Callable[[np.random.Generator], list[int]]


def _any(size: int, n_latents: int) -> Make:
    return lambda rng: [int(i) for i in rng.choice(n_latents, size, replace=False)]


def _matched(numbers: tuple[int, ...], rates: NDArray[np.float64], nearest: int) -> Make:
    others = np.setdiff1d(np.arange(len(rates)), numbers)
    if len(others) < len(numbers):
        raise Refusal(
            f"{len(numbers)} of {len(rates)} latents in the circuit",
            "as many outside it",
            "Take a smaller circuit: what is left is no control for it.",
        )
    distance = {i: np.abs(rates[others] - rates[i]) for i in numbers}

    def make(rng: np.random.Generator) -> list[int]:
        free = np.ones(len(others), dtype=bool)
        for i in rng.permutation(numbers):
            left = np.flatnonzero(free)
            far = distance[int(i)][left]
            # Of latents that fire equally often (the dead ones, say) all count, not those with the lowest numbers.
            pool = left[far <= np.partition(far, min(nearest, len(far)) - 1)[min(nearest, len(far)) - 1]]
            free[rng.choice(pool)] = False
        return [int(i) for i in others[~free]]

    return make
