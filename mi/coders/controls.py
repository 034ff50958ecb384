"""Control coders: what a coder's numbers must be told apart from.

A coder trained on a randomised model needs no code here: train it on the activations of a randomised subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..progress import Progress
from .coder import CoderFault
from .last_look import last_look, sample
from .linear_coder import Gate, LinearCoder
from .load import coder_names, load_coder, save_coder
from .stream import Batch

Made = tuple[LinearCoder, dict[str, Any]]
ROWS = 16_384  # from which scales and thresholds are set
L0_TOLERANCE = 0.05


def random_decoder(out: Path, *, progress: Progress, coders: Path, activations: Path, seed: int = 0) -> dict[str, Any]:
    """Random unit decoder rows and an encoder that matches them, with the gate of the reference coder as it is.

    An SAE's encoder is its decoder, up to one common factor; a transcoder's reads random directions of its own. That factor is
    the one that reconstructs best, so that the control is no straw man. Biases are the means of the rows; no linear path.

    Args:
        coders: bundle of reference coders; each gets a control of the same name, width, sites and gate.
        activations: rows to set means and the factor on.

    Returns:
        Per coder what the control measures on these rows.
    """
    return _build(
        out, progress, coders, activations, lambda c, rows: (_random(c, rows, seed), {}), "random_decoder", seed
    )


def permuted_decoder(
    out: Path, *, progress: Progress, coders: Path, activations: Path, seed: int = 0
) -> dict[str, Any]:
    """The trained encoder with the decoder rows of other latents: the same latents fire, and mean something else.

    No latent keeps its own row. Arguments and result as in :func:`random_decoder`.
    """

    def make(coder: LinearCoder, rows: list[Batch]) -> Made:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(coder.n_latents, generator=generator)
        derangement = torch.empty_like(order)
        derangement[order] = order.roll(1)  # one cycle through all latents: no fixed point
        return coder.changed(W_dec=coder.W_dec[derangement]), {}

    return _build(out, progress, coders, activations, make, "permuted_decoder", seed)


def l0_matched_random(
    out: Path, *, progress: Progress, coders: Path, activations: Path, seed: int = 0
) -> dict[str, Any]:
    """Random directions as in :func:`random_decoder`, with as many latents on per row as the reference coder has.

    Where the reference takes the k largest, k becomes its measured L0; otherwise one threshold for all latents gives that L0 on
    the rows.

    Raises:
        CoderFault: the L0 cannot be met within 5 %.
    """

    def make(coder: LinearCoder, rows: list[Batch]) -> Made:
        target = last_look({"reference": coder}, rows)["reference"]["l0"]
        made = _random(coder, rows, seed)
        if coder.gate.k is not None:
            k = max(1, round(target))
            gate = Gate("topk", k=k)
            made = replace(made, gate=gate, facts=replace(made.facts, k=k))
        else:
            pre = torch.cat([made.pre(x) for x, _ in _pairs(coder, rows)]).flatten()
            keep = max(1, min(len(pre) - 1, round(target * len(pre) / coder.n_latents)))
            cut = pre.kthvalue(len(pre) - keep).values.clamp(min=0.0)
            made = replace(made, gate=Gate("jumprelu", threshold=cut.expand(coder.n_latents).clone()))
        made = _best_factor(made, rows)
        l0 = last_look({"control": made}, rows)["control"]["l0"]
        if abs(l0 - target) > max(0.5, L0_TOLERANCE * target):
            raise CoderFault(
                f"a random coder with L0 {l0:.2f}",
                f"{target:.2f}, as the coder it controls for has",
                "Leave this coder without this control: too few of its random latents are positive.",
            )
        return made, {"reference_l0": target}

    return _build(out, progress, coders, activations, make, "l0_matched_random", seed)


def _build(
    out: Path,
    progress: Progress,
    coders: Path,
    activations: Path,
    make: Callable[[LinearCoder, list[Batch]], Made],
    scheme: str,
    seed: int,
) -> dict[str, Any]:
    names = coder_names(coders)
    found: dict[str, Any] = {}
    with progress(f"control coders ({scheme})", len(names), "coders") as bar, torch.no_grad():
        for name in names:
            reference = load_coder(coders / name)
            rows = list(sample(activations, sorted({reference.site_in, reference.site_out}), seed, ROWS))
            made, more = make(reference, rows)
            look = last_look({name: made}, rows)[name]
            training = {"control": scheme, "seed": seed, "rows": look, **more}
            facts = replace(made.facts, engine="control", seed=seed, training=training)
            save_coder(replace(made, facts=facts), out / name)
            found[name] = {**look, **more}
            bar.update(1)
    return {"coders": found}


def _random(coder: LinearCoder, rows: list[Batch], seed: int) -> LinearCoder:
    generator = torch.Generator().manual_seed(seed)

    def directions(width: int) -> Tensor:
        return functional.normalize(torch.randn(coder.n_latents, width, generator=generator), dim=-1)

    pairs = list(_pairs(coder, rows))
    mean_in = torch.cat([x for x, _ in pairs]).mean(0)
    mean_out = torch.cat([y for _, y in pairs]).mean(0)
    W_dec = directions(coder.d_out)
    W_enc = W_dec if coder.kind == "sae" else directions(coder.d_in)
    kind = "sae" if coder.kind == "sae" else "transcoder"
    made = LinearCoder(
        replace(coder.facts, kind=kind),
        W_enc=W_enc,
        b_enc=torch.zeros(coder.n_latents),
        W_dec=W_dec,
        b_dec=mean_out,
        gate=coder.gate,
        input_bias=mean_in,
        centred=coder.centred,
    )
    return _best_factor(made, rows)


def _best_factor(coder: LinearCoder, rows: list[Batch]) -> LinearCoder:
    """Activations times the common factor, above 0, with which the reconstruction is best; decoder rows and latents stay as they are."""
    dot = square = torch.zeros((), dtype=torch.float64)
    for x, y in _pairs(coder, rows):
        z = coder.encode(x)
        guess = (coder.decode(z, x) - coder.decode(torch.zeros_like(z), x)).double()
        rest = (y - coder.decode(torch.zeros_like(z), x)).double()
        dot, square = dot + (guess * rest).sum(), square + guess.square().sum()
    factor = float((dot / square).clamp(min=1e-3)) if square > 0 else 1.0
    return coder.with_latents_scaled(torch.full((coder.n_latents,), factor)).changed(W_dec=coder.W_dec)


def _pairs(coder: LinearCoder, rows: list[Batch]) -> Iterator[tuple[Tensor, Tensor]]:
    for batch in rows:
        yield batch[coder.site_in], batch[coder.site_out]
