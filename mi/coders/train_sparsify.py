"""train: TopK SAEs, transcoders and skip-transcoders by sparsify's own trainer, from harvested activations."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..device import device
from ..progress import Bar, Progress
from . import advice
from .coder import CoderFault
from .last_look import last_look, sample
from .load import load_coder
from .names import checked_names
from .provenance import record_training
from .quiet_engine import quiet_engine
from .side_by_side import side_by_side
from .sparsify_run import KINDS, SparsifyRun, Spec
from .stream import SharedStream, open_activations, training_batches


def train(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: Mapping[str, Mapping[str, Any]],
    site_in: str,
    site_out: str,
    tokens: int,
    batch_rows: int = 2048,
    lr: float | None = None,
    optimizer: str = "signum",
    auxk_alpha: float = 0.0,
    dead_feature_threshold: int | None = None,
    lr_warmup_steps: int | None = None,
    shuffle_seed: int = 0,
    threads_per_coder: int = 1,
) -> dict[str, Any]:
    """Train ``coders`` in one pass over ``activations``, and write each into ``out/<name>``.

    Every coder has its own sparsify trainer, all run side by side and read the same batches. A coder's weights depend on its own
    settings, ``shuffle_seed`` and ``threads_per_coder`` alone: not on its neighbours, their order, or the number of cores.

    Args:
        coders: name to ``{"kind", "k", "seed", and "n_latents" or "expansion"}``, and if wanted "lr", "site_in", "site_out".
        site_in, site_out: a transcoder maps the one to the other; an SAE reads and writes ``site_out``.
        tokens: rows that each coder sees, repeats included.
        batch_rows: rows per step.
        lr: None for the engine's default (``5e-3 / sqrt(n_latents / 16384)`` under signum, ``2e-4 / ...`` under adam).
        optimizer: ``signum`` (schedule-free) or ``adam`` (linear decay).
        auxk_alpha: weight of the loss that revives dead latents; 0 as in the engine.
        dead_feature_threshold: tokens without firing after which a latent counts as dead for that loss; None for the engine's ten
            million, or a tenth of a run shorter than a hundred million.
        lr_warmup_steps: adam only; None for the engine's 1000, or a tenth of a run shorter than 10 000 steps.
        threads_per_coder: CPU threads within one operation; more of them change the last bits.

    Returns:
        Per coder: FVU, L0 and dead fraction of the saved weights on training rows, speed, warnings.

    Raises:
        CoderFault: a setting that cannot be trained as asked.
    """
    runs = fit_coders(
        out,
        progress=progress,
        activations=activations,
        coders=coders,
        site_in=site_in,
        site_out=site_out,
        tokens=tokens,
        batch_rows=batch_rows,
        lr=lr,
        optimizer=optimizer,
        auxk_alpha=auxk_alpha,
        dead_feature_threshold=dead_feature_threshold,
        lr_warmup_steps=lr_warmup_steps,
        shuffle_seed=shuffle_seed,
        threads_per_coder=threads_per_coder,
        device=device(),
    )
    record_training(out, activations)
    sites = sorted({site for run in runs for site in run.spec.sites})
    looks = last_look(
        {run.name: load_coder(out / run.name) for run in runs}, sample(activations, sites, shuffle_seed + 1)
    )
    about_rows = {run.name: advice.on_activations(activations, run.spec.sites) for run in runs}
    return {"coders": {run.name: run.finish(out / run.name, looks[run.name], about_rows[run.name]) for run in runs}}


def fit_coders(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: Mapping[str, Mapping[str, Any]],
    site_in: str,
    site_out: str,
    tokens: int,
    batch_rows: int = 2048,
    lr: float | None = None,
    optimizer: str = "signum",
    auxk_alpha: float = 0.0,
    dead_feature_threshold: int | None = None,
    lr_warmup_steps: int | None = None,
    shuffle_seed: int = 0,
    threads_per_coder: int = 1,
    device: str = "cpu",
) -> list[SparsifyRun]:
    """As :func:`train`, without the last look; the runs still hold what the engine has in memory."""
    widths = open_activations(activations).sites
    specs = {name: _spec(name, coders[name], widths, site_in, site_out, lr) for name in checked_names(coders)}
    steps = tokens // batch_rows
    if steps < 2 or optimizer not in ("signum", "adam"):
        raise CoderFault(
            f"{tokens} tokens in batches of {batch_rows}, optimizer {optimizer!r}",
            "at least two batches, and signum or adam",
            "Correct the recipe.",
        )
    never_fired = min(10_000_000, tokens // 10) if dead_feature_threshold is None else dead_feature_threshold
    engine = {
        "optimizer": optimizer,
        "auxk_alpha": auxk_alpha,
        "dead_feature_threshold": never_fired,
        "lr_warmup_steps": min(1000, max(1, steps // 10)) if lr_warmup_steps is None else lr_warmup_steps,
    }
    sites = sorted({site for spec in specs.values() for site in spec.sites})
    runs: list[SparsifyRun] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        progress("train coders (sparsify)", steps * batch_rows, "tokens") as bar,
    ):
        batches = training_batches(activations, sites, batch_rows, steps, shuffle_seed)
        stream = SharedStream(batches, len(specs), lambda n: _advance(bar, n, runs))
        for number, (name, spec) in enumerate(specs.items()):
            runs.append(
                SparsifyRun(number, name, spec, stream, steps, batch_rows, engine, Path(scratch) / name, device)
            )
        _fit_all(runs, stream, threads_per_coder)
        for run in runs:
            run.save(out / run.name, {**engine, "tokens": steps * batch_rows, "batch_rows": batch_rows})
    return runs


def _spec(
    name: str, given: Mapping[str, Any], widths: Mapping[str, int], site_in: str, site_out: str, lr: float | None
) -> Spec:
    settings = {"site_in": site_in, "site_out": site_out, "lr": lr, **given}
    d, wide = (widths.get(settings[s]) for s in ("site_in", "site_out"))
    if settings.get("kind") == "sae":
        d = wide
    if d is None or wide is None:
        raise CoderFault(
            f"coder {name} between {settings['site_in']} and {settings['site_out']}",
            f"sites among {', '.join(sorted(widths))}",
            "Harvest them, or correct the names.",
        )
    if d != wide:
        raise CoderFault(
            f"coder {name} from width {d} to {wide}", "equal widths: sparsify has one", "Choose other sites."
        )
    if "expansion" in settings:
        settings["n_latents"] = settings.pop("expansion") * d
    try:
        spec = Spec(**settings, d=d)
    except TypeError as wrong:
        raise CoderFault(
            f"coder {name}: {wrong}", f"{', '.join(Spec.__annotations__)}", "Correct the recipe."
        ) from None
    if spec.kind not in KINDS or not 0 < spec.k <= spec.n_latents:
        raise CoderFault(
            f"coder {name} of kind {spec.kind!r} with k = {spec.k} of {spec.n_latents}",
            f"one of {', '.join(KINDS)}, and k from 1 to the number of latents",
            "Correct the recipe.",
        )
    return spec


def _fit_all(runs: list[SparsifyRun], stream: SharedStream, threads_per_coder: int) -> None:
    import sparsify.trainer as engine

    with quiet_engine(threads_per_coder, engine):
        for run in runs:
            run.make()
        side_by_side(runs, stream)


def _advance(bar: Bar, rows: int, runs: list[SparsifyRun]) -> None:
    bar.update(rows)
    if runs and runs[0].curve.fvu:
        bar.note(f"FVU {runs[0].curve.fvu[-1]:.3f}")
