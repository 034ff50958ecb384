"""Advice: where a training configuration departs from what the engine itself recommends, said in words."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

LR_FACTOR = 5.0  # times the engine's default, up or down
TOKENS_PER_LATENT = 500
MANY_DEAD = 0.1
NO_BETTER = 0.98  # FVU
OFF_TARGET = 0.1  # relative distance of L0 from k
LOUD = 10.0  # a row this many times the median norm is no ordinary position
LOOKED_AT = 65_536  # rows


class CoderAdvice(UserWarning):
    """A coder trained in a way its engine advises against. The text is in the coder's facts as well."""


def warn_all(name: str, advice: Iterable[str]) -> None:
    """Python warnings for the advice about one coder."""
    for text in advice:
        warnings.warn(f"coder {name}: {text}", CoderAdvice, stacklevel=3)


def on_settings(*, lr: float, default_lr: float, k: float | None, d_in: int, n_latents: int, tokens: int) -> list[str]:
    """What the numbers alone say. ``k`` is None where the architecture has none."""
    said = []
    factor = max(lr / default_lr, default_lr / lr)
    if factor > LR_FACTOR:
        said.append(
            f"learning rate {lr:.3g} is {factor:.0f} times {'above' if lr > default_lr else 'below'} the engine's default of "
            f"{default_lr:.3g} for {n_latents} latents"
        )
    if k is not None and k > d_in:
        said.append(f"k = {k:g} exceeds the width {d_in}: a basis would reconstruct perfectly")
    if tokens < TOKENS_PER_LATENT * n_latents:
        said.append(f"{tokens / n_latents:.0f} training tokens per latent, fewer than {TOKENS_PER_LATENT}")
    return said


def on_activations(path: Path, sites: Iterable[str]) -> list[str]:
    """Whether the first shard holds positions that dominate the loss, such as BOS (sparsify issue 113).

    A row at position 0 is BOS or the first token; both carry norms far beyond the rest in many models, so that the variance
    explained says little about the others.
    """
    index = json.loads((path / "index.json").read_text("utf-8"))
    said = []
    with safe_open(path / "shard-00000.safetensors", framework="pt") as shard:
        n = min(int(index["rows"][0]), LOOKED_AT)
        first = int((shard.get_slice("position")[:n] == 0).sum())
        if first:
            said.append(f"BOS or first tokens among the activations: {first} of {n} rows are at position 0")
        for site in sorted(set(sites)):
            norms = shard.get_slice(site)[:n].float().norm(dim=-1)
            loud = int((norms > LOUD * norms.median()).sum())
            if loud:
                said.append(
                    f"{loud} of {n} rows at {site} have over {LOUD:.0f} times the median norm (attention sinks?)"
                )
    return said


def on_result(
    *, look: Mapping[str, float], revival: bool, curve: Mapping[str, Any], k: float | None = None
) -> list[str]:
    """What the end of training says.

    Args:
        look: what the saved weights measured, see :func:`~.last_look.last_look`.
        revival: whether a loss for dead latents could act.
        curve: see :meth:`~.loss_curve.LossCurve.summary`.
        k: the L0 that was asked for, if any.
    """
    said = []
    if look["fvu"] > NO_BETTER:
        said.append(f"reconstructs no better than the mean: FVU {look['fvu']:.3f}")
    if look["dead_fraction"] > MANY_DEAD:
        help_ = "in spite of the auxiliary loss" if revival else "and no auxiliary loss revives them"
        said.append(f"{look['dead_fraction']:.0%} of the latents are dead, {help_}")
    if k is not None and abs(look["l0"] - k) > OFF_TARGET * k:
        said.append(f"L0 of the saved coder is {look['l0']:.1f}, where k = {k:g} was asked for")
    if curve["converged"] is False:
        said.append(f"not converged: the loss fell by {curve['tail_fall']:.0%} over the last fifth of the run")
    if curve["converged"] is None:
        said.append("too few steps to say whether it converged")
    return said
