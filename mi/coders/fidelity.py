"""build: the gate of every adapter, and the planted bugs that it must catch in the same run."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..progress import SILENT, Progress
from .fidelity_checks import FidelityFailed, check_coder
from .last_look import sample
from .linear_coder import LinearCoder
from .load import coder_names, load_coder
from .mutants import OF_ROWS, OF_WEIGHTS, NotApplicable
from .native import Native, load_native
from .stream import open_activations
from .train_sparsify import fit_coders

FILE = "fidelity.json"
MUTANT_ROWS = 256  # a planted bug shows on few rows
SHORT_STEPS, SHORT_ROWS = 40, 256  # of the run whose memory is compared with its checkpoint


def build(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: Path,
    rows: int = 4096,
    seed: int = 0,
    mutants: bool = True,
) -> dict[str, Any]:
    """Check every coder of a bundle against its library, then every mutant of it, and write ``fidelity.json``.

    Args:
        activations: rows from texts like those that the coders were trained on, with at least one more site of the same
            width, so that a wrong hook point can be played.
        coders: the bundle.
        rows: how many rows of each kind, random and real.
        seed: of the random rows.
        mutants: whether the planted bugs are tried too. They test the checks on a kind of coder, so one bundle of
            that kind will do.

    Returns:
        Number of coders, of mutants caught and of mutants that did not apply.

    Raises:
        FidelityFailed: an adapter differs from its library, or a mutant passes.
    """
    names = coder_names(coders)
    sites = sorted(open_activations(activations).sites)
    real = _joined(list(sample(activations, sites, seed, rows)))
    found: dict[str, Any] = {}
    with progress("check coders", len(names), "coders") as bar:
        for name in names:
            coder = load_coder(coders / name)
            native = None if coder.facts.engine == "control" else load_native(coders / name)
            found[name] = gate(coder, native, real, seed, mutants)
            bar.update(1)
    trained = [n for n in names if load_coder(coders / n).facts.engine == "sparsify"]
    if trained and mutants:
        coder = load_coder(coders / trained[0])
        found[trained[0]]["mutants"]["in_memory_for_saved"] = in_memory_for_saved(coder, activations, real, seed)
    (out / FILE).write_text(json.dumps({"rows": rows, "seed": seed, "coders": found}, indent=1), "utf-8")
    judge(found)
    outcomes = [m for f in found.values() for m in f["mutants"].values()]
    caught = sum("caught_by" in m for m in outcomes)
    return {"coders": len(names), "mutants_caught": caught, "mutants_not_applicable": len(outcomes) - caught}


def gate(
    coder: LinearCoder, native: Native | None, real: Mapping[str, Tensor], seed: int, mutants: bool = True
) -> dict[str, Any]:
    """The report of ``coder``, and by which checks each of its mutants is caught, in JSON."""
    x = random_rows(real[coder.site_in], seed)
    report = check_coder(coder, native, x, real)
    outcomes: dict[str, dict[str, Any]] = {}
    if not mutants:
        return {**report.to_json(), "failed": report.failed, "mutants": outcomes}
    x, real = x[:MUTANT_ROWS], {site: rows[:MUTANT_ROWS] for site, rows in real.items()}
    for name, mutate in OF_WEIGHTS.items():
        try:
            wrong = mutate(coder)
        except NotApplicable as reason:
            outcomes[name] = {"not_applicable": str(reason)}
            continue
        if native is None:
            outcomes[name] = {"not_applicable": "a control coder has no library to differ from"}
            continue
        outcomes[name] = {"caught_by": check_coder(wrong, native, x, real).failed}
    for name, swap in OF_ROWS.items():
        try:
            rows = swap(coder, real)
        except NotApplicable as reason:
            outcomes[name] = {"not_applicable": str(reason)}
            continue
        if "on_training_rows" not in coder.facts.training:
            outcomes[name] = {"not_applicable": "nobody recorded its error on the right rows"}
            continue
        outcomes[name] = {"caught_by": check_coder(coder, native, x, rows).failed}
    return {**report.to_json(), "failed": report.failed, "mutants": outcomes}


def in_memory_for_saved(like: LinearCoder, activations: Path, real: Mapping[str, Tensor], seed: int) -> dict[str, Any]:
    """D15: the weights that sparsify holds after training in place of those it saved (schedule-free optimiser).

    Shown on a short training run of a coder like ``like``.
    """
    spec = {"kind": like.kind, "k": like.facts.k, "n_latents": like.n_latents, "seed": seed}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (run,) = fit_coders(
            Path(folder),
            progress=SILENT,
            activations=activations,
            coders={"short": spec},
            site_in=like.site_in,
            site_out=like.site_out,
            tokens=SHORT_STEPS * SHORT_ROWS,
            batch_rows=SHORT_ROWS,
        )
        saved, native = load_coder(Path(folder) / "short"), load_native(Path(folder) / "short")
        x = random_rows(real[like.site_in], seed)
        clean = check_coder(saved, native, x, real).failed
        if clean:
            raise FidelityFailed(f"a coder fresh from training fails {clean}", "none", "Repair the adapter.")
        return {"caught_by": check_coder(run.in_memory(), native, x, real).failed}


def judge(found: Mapping[str, Any]) -> None:
    """Raise unless every gate passed and every mutant that applies was caught.

    Raises:
        FidelityFailed: with all that went wrong.
    """
    wrong = [f"coder {name} fails {', '.join(f['failed'])}" for name, f in found.items() if f["failed"]]
    wrong += [
        f"mutant {mutant} of coder {name} passes"
        for name, f in found.items()
        for mutant, outcome in f["mutants"].items()
        if outcome.get("caught_by") == []
    ]
    if wrong:
        raise FidelityFailed(
            f"{'; '.join(wrong)}",
            "every coder to compute what its library computes on rows of its own site, and every planted bug to be caught",
            "Give rows of the training distribution, or repair the adapter.",
        )


def random_rows(like: Tensor, seed: int) -> Tensor:
    """``[n, d]`` normal rows with the mean of ``like`` and twice its spread."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(like.shape, generator=generator, dtype=like.dtype)
    return like.mean(0) + 2 * like.std(0) * noise


def _joined(batches: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {site: torch.cat([b[site] for b in batches]) for site in batches[0]}
