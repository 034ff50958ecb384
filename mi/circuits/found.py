"""Found: the circuits of one concept with their random sets, as an artifact keeps them. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..refusal import Refusal
from .circuit import Circuit
from .random_sets import KINDS, Rates, mean_rate, random_sets

FILE = "circuits.json"


class Found:
    """What :func:`write_found` left.

    Attributes:
        attribution: how latents were ranked.
        widths: number of latents of each coder, in the order of a forward pass.
        fitted_on: hashes of the texts behind every choice.
        ks: sizes, in latents per coder.
    """

    def __init__(self, path: Path) -> None:
        self._data: dict[str, Any] = json.loads((Path(path) / FILE).read_text("utf-8"))
        self.attribution = str(self._data["attribution"])
        self.widths: dict[str, int] = dict(self._data["widths"])
        self.fitted_on = frozenset(self._data["fitted_on"])
        self.ks = [int(k) for k in self._data["circuits"]]

    def circuit(self, k: int) -> Circuit:
        """The ``k`` highest-ranked latents of each coder.

        Raises:
            Refusal: another ``k`` than was looked for.
        """
        self._require(k)
        return Circuit(_tuples(self._data["circuits"][str(k)]), self.fitted_on)

    def random(self, kind: str, k: int) -> list[Circuit]:
        """The random sets of the circuit's size.

        Raises:
            Refusal: another ``k`` or kind.
        """
        self._require(k)
        if kind not in KINDS:
            raise Refusal(f"random sets of kind {kind!r}", f"one of {', '.join(KINDS)}", "Correct the recipe.")
        return [Circuit(_tuples(latents)) for latents in self._data["random"][kind][str(k)]]

    def require_apart(self, hashes: Sequence[str]) -> None:
        """Refuse to judge on texts that the circuit was chosen on.

        Raises:
            Refusal: some are.
        """
        if shared := self.fitted_on & set(hashes):
            raise Refusal(
                f"a circuit chosen on {len(shared)} of the texts that it is judged on",
                "no text in both",
                "Choose on training texts only.",
            )

    def _require(self, k: int) -> None:
        if k not in self.ks:
            raise Refusal(f"a circuit of k={k}", f"one of {self.ks}", "Name it in the recipe.")


def write_found(
    out: Path,
    progress: Progress,
    attribution: str,
    scores: Mapping[str, NDArray[np.float64]],
    rates: Rates,
    fitted_on: Sequence[str],
    ks: Sequence[int],
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """Choose the ``k`` highest scores of each coder, draw random sets, write ``circuits.json``.

    Args:
        scores: ``[n_latents]`` of each coder, coders in the order of a forward pass; ties go to the lower number.
        rates: ``[n_latents]`` of each coder: how often a latent fires on the texts that it was chosen on.

    Returns:
        ``attribution``, ``sizes``, and the mean firing rates of circuits and random sets.
    """
    order = {coder: np.argsort(-np.asarray(values), kind="stable") for coder, values in scores.items()}
    hashes = frozenset(fitted_on)
    circuits = {k: Circuit({c: tuple(int(i) for i in top[:k]) for c, top in order.items()}, hashes) for k in ks}
    short = [k for k in ks if any(k > len(top) for top in order.values())]
    if short or len(circuits) != len(ks):
        raise Refusal(f"k of {list(ks)}", "different sizes within the coders' widths", "Correct the recipe.")
    random: dict[str, dict[int, list[Circuit]]] = {kind: {} for kind in KINDS}
    with progress("random sets", len(ks) * len(KINDS) * draws, "sets") as bar:
        for kind in KINDS:
            for k, circuit in circuits.items():
                random[kind][k] = random_sets(circuit, rates, kind, draws, seed)
                bar.update(draws)
    fires = {
        k: {
            "circuit": mean_rate(circuit, rates),
            **{kind: float(np.mean([mean_rate(s, rates) for s in random[kind][k]])) for kind in KINDS},
        }
        for k, circuit in circuits.items()
    }
    data = {
        "attribution": attribution,
        "widths": {coder: len(values) for coder, values in scores.items()},
        "fitted_on": sorted(hashes),
        "circuits": {k: _lists(circuit) for k, circuit in circuits.items()},
        "random": {kind: {k: [_lists(s) for s in sets] for k, sets in by_k.items()} for kind, by_k in random.items()},
        "firing_rates": fires,
    }
    (out / FILE).write_text(json.dumps(data), "utf-8")
    sizes = {str(k): circuit.size for k, circuit in circuits.items()}
    return {"attribution": attribution, "sizes": sizes, "firing_rates": {str(k): v for k, v in fires.items()}}


def _lists(circuit: Circuit) -> dict[str, list[int]]:
    return {coder: list(numbers) for coder, numbers in circuit.latents.items()}


def _tuples(latents: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    return {coder: tuple(numbers) for coder, numbers in latents.items()}
