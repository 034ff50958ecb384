"""train: ReLU/L1, JumpReLU, TopK, BatchTopK and Matryoshka SAEs by SAELens's own trainers, from harvested activations."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..device import device
from ..progress import Bar, Progress
from . import advice
from .coder import CoderFacts, CoderFault
from .last_look import last_look, sample
from .load import load_coder
from .loss_curve import LossCurve
from .names import checked_names
from .provenance import record_training
from .quiet_engine import quiet_engine
from .saelens_run import SaelensGroup, SiteInput, require_rows
from .saelens_settings import DEFAULT_LR, SaelensSpec, departures, spec
from .side_by_side import side_by_side
from .stream import SharedStream, open_activations, training_batches


def train(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: Mapping[str, Mapping[str, Any]],
    site: str,
    tokens: int,
    batch_rows: int = 4096,
    lr: float | None = None,
    dead_feature_window: int | None = None,
    shuffle_seed: int = 0,
    threads_per_coder: int = 1,
) -> dict[str, Any]:
    """Train ``coders`` in one pass over ``activations``, and write each into ``out/<name>`` in SAELens's format for use.

    SAELens's MultiSAETrainer drives them; there is one per core, each with its share of the coders, all reading the same batches.
    A coder's weights depend on its own settings, ``shuffle_seed`` and ``threads_per_coder`` alone.

    BatchTopK and Matryoshka coders are JumpReLU coders when used, with one threshold for all latents.

    Args:
        coders: name to ``{"architecture", "seed", and "n_latents" or "expansion"}``, "k" where it has one, and if wanted
            "lr", "site", "options" (fields of SAELens's training configuration).
        site: where the coders read and write.
        tokens: rows that each coder sees, repeats included.
        batch_rows: rows per step.
        lr: None for the engine's default, 3e-4; it decays to 0 over the last fifth of the steps.
        dead_feature_window: steps without firing after which a latent counts as dead for the auxiliary losses; None for the
            engine's 1000, or a tenth of a run shorter than 10 000 steps.
        threads_per_coder: CPU threads within one operation; more of them change the last bits.

    Returns:
        Per coder: FVU, L0 and dead fraction of the saved weights on training rows, speed, warnings.

    Raises:
        CoderFault: a setting that cannot be trained as asked.
    """
    widths = open_activations(activations).sites
    specs = {name: spec(name, coders[name], site, widths, lr) for name in checked_names(coders)}
    steps = tokens // batch_rows
    if steps < 2:
        raise CoderFault(f"{tokens} tokens in batches of {batch_rows}", "at least two batches", "Correct the recipe.")
    settings = {
        "tokens": steps * batch_rows,
        "batch_rows": batch_rows,
        "lr_decay_steps": steps // 5,
        "dead_feature_window": min(1000, max(1, steps // 10)) if dead_feature_window is None else dead_feature_window,
    }
    sites = sorted({s.site for s in specs.values()})
    inputs = {s: SiteInput.of(sample(activations, [s], shuffle_seed + 2), s) for s in sites}
    require_rows(inputs, open_activations(activations).n_rows)
    shares = _shares(list(specs), os.cpu_count() or 1)
    curves = {name: LossCurve() for name in specs}
    with progress("train coders (SAELens)", steps * batch_rows, "tokens") as bar:
        batches = training_batches(activations, sites, batch_rows, steps, shuffle_seed)
        stream = SharedStream(batches, len(shares), lambda n: _advance(bar, n, curves))
        groups = [
            SaelensGroup(i, {name: specs[name] for name in share}, stream, inputs, settings, curves, device())
            for i, share in enumerate(shares)
        ]
        _fit_all(groups, stream, steps, threads_per_coder)
        for group in groups:
            group.save(out)
    record_training(out, activations)
    looks = last_look({n: load_coder(out / n) for n in specs}, sample(activations, sites, shuffle_seed + 1))
    return {"coders": {n: _finish(out / n, n, s, looks[n], settings, activations) for n, s in specs.items()}}


def _fit_all(groups: Sequence[SaelensGroup], stream: SharedStream, steps: int, threads_per_coder: int) -> None:
    import sae_lens.training.multi_sae_trainer as engine

    with quiet_engine(threads_per_coder, engine):
        for group in groups:
            group.make(steps)
        side_by_side(groups, stream)


def _finish(
    folder: Path,
    name: str,
    s: SaelensSpec,
    look: Mapping[str, float],
    settings: Mapping[str, Any],
    activations: Path,
) -> dict[str, Any]:
    facts = CoderFacts.read(folder)
    t = dict(facts.training)
    steps = settings["tokens"] // settings["batch_rows"]
    revival = s.architecture != "standard" and settings["dead_feature_window"] < steps
    said = [
        *advice.on_activations(activations, [s.site]),
        *advice.on_settings(
            lr=s.lr, default_lr=DEFAULT_LR, k=s.k, d_in=s.d, n_latents=s.n_latents, tokens=settings["tokens"]
        ),
        *departures(s, steps),
        *advice.on_result(look=look, revival=revival, curve=t, k=s.k),
    ]
    advice.warn_all(name, said)
    CoderFacts(**{**vars(facts), "training": {**t, "on_training_rows": dict(look), "warnings": said}}).write(folder)
    return {**look, "converged": t["converged"], "tokens_per_second": t["tokens_per_second"], "warnings": said}


def _shares(names: list[str], cores: int) -> list[list[str]]:
    """The coders dealt out to at most ``cores`` groups."""
    return [share for i in range(cores) if (share := names[i::cores])]


def _advance(bar: Bar, rows: int, curves: Mapping[str, LossCurve]) -> None:
    bar.update(rows)
    first = next(iter(curves.values()))
    if first.fvu:
        bar.note(f"FVU {first.fvu[-1]:.3f}")
