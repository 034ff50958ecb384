"""The probing reading: circuits chosen by difference of class means, judged by fresh probes on held-out examples. Builders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.measurable import measurable
from ..probing.pooled import Pooled
from ..probing.probe import fit, mean_differences, top_columns
from ..probing.split import FitSet, TestSet, split
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .circuit import Circuit
from .found import Found, write_found
from .random_sets import KINDS

Array = NDArray[np.float64]
MEAN_DIFFERENCE = "mean-difference"
FULL = "full"


def find(
    out: Path,
    *,
    progress: Progress,
    train: Path,
    coders: list[str],
    ks: list[int],
    draws: int = 100,
    seed: int = 0,
) -> dict[str, Any]:
    """Builder: the ``k`` latents of each coder with the largest absolute difference of class means, on training rows.

    Args:
        train: an artifact of :func:`mi.probing.pooled.pool`, of the split ``train``; there is no other input, so
            nothing else can be looked at.
        coders: which of its coders, in the order of a forward pass; one is a single-layer circuit.
        ks: latents per coder.
        draws: random sets of each kind and size (:func:`.random_sets.random_sets`), matched on the training rows.

    Writes what :class:`.found.Found` reads; returns what :func:`.found.write_found` returns.
    """
    rows = Pooled(train)
    data = {name: _fit_set(rows, name) for name in coders}
    scores = {name: np.abs(mean_differences(part)) for name, part in data.items()}
    rates = {name: (part.x != 0).mean(0).astype(np.float64) for name, part in data.items()}
    return write_found(out, progress, MEAN_DIFFERENCE, scores, rates, rows.examples.hashes, ks, draws, seed)


def probing(out: Path, *, progress: Progress, circuits: Path, train: Path, test: Path) -> dict[str, Any]:
    """Builder: how well probes do that read a circuit only, random sets only, or all latents, example by example.

    Args:
        circuits: a :class:`.found.Found`; refused if it was chosen on any held-out text.
        train, test: artifacts of :func:`mi.probing.pooled.pool`; probes are fitted on the one and judged on the other.

    ``units.json``: test examples, 1 where the probe is right. ``full``: reads all latents. ``circuit_k<K>``, with K
    latents per coder. ``depth_k<K>_<n>``: the same from the first n coders only. ``random/<kind>_k<K>/units.json``: one column per random set, ``0``, ``1``, ...
    Facts: accuracies, ``chance`` (the larger class of the training examples, on the test examples), sizes.
    """
    found, a, b = Found(circuits), Pooled(train), Pooled(test)
    found.require_apart(b.examples.hashes)
    data, held = split(a, b, list(found.widths))
    ids, sets = list(held.ids), {}
    columns: dict[str, Array] = {}
    many = {(kind, k): found.random(kind, k) for kind in KINDS for k in found.ks}
    depth = len(found.widths)
    total = 1 + len(found.ks) * depth + sum(map(len, many.values()))
    with progress("probe circuits", total, "probes") as bar:
        columns[FULL] = held.outcomes(fit(data))
        bar.update(1)
        for k in found.ks:
            for n in range(1, depth + 1):
                columns[f"depth_k{k}_{n}"] = _judged(found.circuit(k).first(n), found, data, held)
                bar.update(1)
            columns[f"circuit_k{k}"] = columns[f"depth_k{k}_{depth}"]
        for (kind, k), drawn in many.items():
            outcomes = {}
            for number, circuit in enumerate(drawn):
                outcomes[str(number)] = _judged(circuit, found, data, held)
                bar.update(1)
            sets[f"{kind}_k{k}"] = float(np.mean(list(outcomes.values())))
            _write_part(out / "random" / f"{kind}_k{k}", ids, outcomes, {"kind": kind, "k": k})
    majority = int(a.examples.labels.mean() >= 0.5)
    facts = {
        "attribution": found.attribution,
        "coders": list(found.widths),
        "accuracy": {name: float(values.mean()) for name, values in columns.items()},
        "random_accuracy": sets,
        "sizes": {str(k): found.circuit(k).size for k in found.ks},
        "chance": float((b.examples.labels == majority).mean()),
        "examples": {"train": len(a.examples), b.examples.split: len(b.examples)},
        **measurable([]),
    }
    write_units(out, "example", ids, columns, facts)
    return {key: facts[key] for key in ("accuracy", "random_accuracy", "chance")}


def leak(
    out: Path, *, progress: Progress, train: Path, coders: list[str], ks: list[int], seed: int = 0
) -> dict[str, Any]:
    """Builder: what choosing latents on the examples that they are judged on would gain. On training examples alone.

    They are halved. Probes are fitted on one half and judged on the other. Honest circuits are chosen on the first half;
    leaky ones on as many examples, half of them from each, so that the number of examples plays no part. ``units.json``: examples of the second half, ``honest_k<K>`` and ``leaky_k<K>``, 1
    where the probe is right.
    """
    rows = Pooled(train)
    everything = {name: _fit_set(rows, name) for name in coders}
    here, there = _halves(rows.examples.labels, seed)
    columns: dict[str, Array] = {}
    mixed = np.sort(np.concatenate([_half_of(part, rows.examples.labels, seed) for part in (here, there)]))
    whole = FitSet(rows.rows(coders), rows.examples.labels, tuple(rows.examples.hashes))
    widths = {name: data.x.shape[1] for name, data in everything.items()}
    ids = [rows.examples.ids[i] for i in there]
    held = TestSet(whole.x[there], whole.y[there], ids, [whole.hashes[i] for i in there])
    with progress("leak", 2 * len(ks), "probes") as bar:
        for k in ks:
            honest = {name: tuple(top_columns(data.take(here), k).tolist()) for name, data in everything.items()}
            for label, chosen in (("honest", honest), ("leaky", chosen_on_the_judged_too(everything, mixed, k))):
                probe = fit(whole.take(here), columns=Circuit(chosen).columns(widths))
                columns[f"{label}_k{k}"] = held.outcomes(probe)
                bar.update(1)
    accuracy = {name: float(values.mean()) for name, values in columns.items()}
    facts = {"coders": coders, "fitted": len(here), "accuracy": accuracy, **measurable([])}
    write_units(out, "example", ids, columns, facts)
    return {"accuracy": accuracy, "fitted": len(here), "judged": len(there)}


def chosen_on_the_judged_too(
    everything: dict[str, FitSet], mixed: NDArray[np.int64], k: int
) -> dict[str, tuple[int, ...]]:
    """The mistake whose price :func:`leak` measures: latents chosen on judged examples too. Nothing else may call it."""
    return {name: tuple(top_columns(data.take(mixed), k).tolist()) for name, data in everything.items()}


def _fit_set(rows: Pooled, name: str) -> FitSet:
    if rows.examples.split != "train":
        raise Refusal(f"latents chosen on the split {rows.examples.split}", "train", "Choose on training rows only.")
    return FitSet(rows.rows(name), rows.examples.labels, tuple(rows.examples.hashes))


def _judged(circuit: Circuit, found: Found, data: FitSet, held: TestSet) -> Array:
    return held.outcomes(fit(data, columns=circuit.columns(found.widths)))


def _halves(labels: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two halves of the rows, each with half of either class."""
    rng = np.random.default_rng([seed, len(labels)])
    here, there = [], []
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(labels == label))
        here.append(rows[: len(rows) // 2])
        there.append(rows[len(rows) // 2 :])
    return np.sort(np.concatenate(here)), np.sort(np.concatenate(there))


def _half_of(part: NDArray[np.int64], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Half of some rows, of each class."""
    return part[_halves(labels[part], seed)[0]]


def _write_part(folder: Path, ids: list[str], columns: dict[str, Array], facts: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    write_units(folder, "example", ids, columns, {**facts, **measurable([])})
