"""repeat: train one coder twice from the same seed; are the weights the same, bit for bit?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..progress import Progress
from ..unit_table import write_units
from . import train_saelens, train_sparsify
from .coder import CoderFault
from .linear_coder import LinearCoder
from .load import load_coder

NAME = "coder"


def repeat(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    engine: str,
    coder: Mapping[str, Any],
    site: str,
    tokens: int,
) -> dict[str, Any]:
    """Train twice; a table with latents as units and one column, ``identical``: 1 where all of its weights agree in every bit.

    Args:
        engine: ``"sparsify"`` or ``"saelens"``.
        coder: its settings, as that engine's ``train`` takes them.
        site: where an SAE reads and writes.
        tokens: rows that each of the two sees.

    Returns:
        ``{"identical_share": float, "largest_difference": float}``, the latter of any weight.

    Raises:
        CoderFault: another engine, or a setting that cannot be trained as asked.
    """
    common = {"progress": progress, "activations": activations, "coders": {NAME: coder}, "tokens": tokens}
    made: list[LinearCoder] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            if engine == "sparsify":
                train_sparsify.train(Path(folder), site_in=site, site_out=site, **common)  # type: ignore[arg-type]
            elif engine == "saelens":
                train_saelens.train(Path(folder), site=site, batch_rows=1024, **common)  # type: ignore[arg-type]
            else:
                raise CoderFault(f"engine {engine!r}", "sparsify or saelens", "Correct the recipe.")
            made.append(load_coder(Path(folder) / NAME))
    first, second = (_by_latent(coder) for coder in made)
    identical = (first == second).all(dim=1)
    facts = {
        "identical_share": float(identical.double().mean()),
        "largest_difference": float((first - second).abs().max()),
    }
    units = [str(i) for i in range(len(identical))]
    write_units(out, "latent", units, {"identical": identical.double().tolist()}, {"engine": engine, **facts})
    return facts


def _by_latent(coder: LinearCoder) -> Tensor:
    """``[n_latents, d_in + 1 + d_out]``."""
    return torch.cat([coder.W_enc, coder.b_enc[:, None], coder.W_dec], dim=1)
