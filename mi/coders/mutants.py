"""Known-bad coders: each re-enacts a bug that a published tool had, in silence. The gate must catch every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from .linear_coder import Gate, LinearCoder

Rows = Mapping[str, Tensor]
SCALE = 0.25  # the activation scale that a mutant forgets


class NotApplicable(Exception):
    """A mutant that would be no mutant of this coder; the text says why."""


def _needs(condition: bool, why_not: str) -> None:
    if not condition:
        raise NotApplicable(why_not)


def pre_bias_dropped(c: LinearCoder) -> LinearCoder:
    """D01: encoded without subtracting the bias (93 % other latents, and a benchmark score that hardly moved)."""
    _needs(c.input_bias is not None and bool(c.input_bias.any()), "nothing is subtracted before encoding")
    return c.changed(input_bias=None)


def pre_bias_doubled(c: LinearCoder) -> LinearCoder:
    """The bias subtracted by the adapter and by what it wraps."""
    _needs(c.input_bias is not None and bool(c.input_bias.any()), "nothing is subtracted before encoding")
    return c.changed(input_bias=2 * c.input_bias)  # type: ignore[operator]


def pre_bias_invented(c: LinearCoder) -> LinearCoder:
    """A transcoder's output bias subtracted from its input, as if it were an SAE."""
    _needs(c.kind != "sae" and c.d_in == c.d_out and bool(c.b_dec.any()), "no transcoder with an output bias")
    return c.changed(input_bias=c.b_dec)


def wrong_k(c: LinearCoder) -> LinearCoder:
    """One latent too few."""
    _needs(c.gate.k is not None and c.gate.k > 1, "no k")
    return replace(c, gate=replace(c.gate, k=_divisor_below(c)), facts=replace(c.facts, k=_divisor_below(c)))


def relu_for_topk(c: LinearCoder) -> LinearCoder:
    """D03: the gate guessed from a name; every positive latent stays on."""
    _needs(c.gate.name != "relu", "its gate is a ReLU")
    return replace(c, gate=Gate("relu"), facts=replace(c.facts, k=None))


def scale_not_folded(c: LinearCoder) -> LinearCoder:
    """Weights made for scaled activations, used on unscaled ones."""
    bias = None if c.input_bias is None else c.input_bias * SCALE
    return c.changed(W_enc=c.W_enc / SCALE, W_dec=c.W_dec * SCALE, b_dec=c.b_dec * SCALE, input_bias=bias)


def scale_folded_into_encoder_only(c: LinearCoder) -> LinearCoder:
    """D07 a: the decoder keeps the scale."""
    return c.changed(W_dec=c.W_dec * SCALE)


def scale_left_in_bias(c: LinearCoder) -> LinearCoder:
    """D07 b: all folded but the output bias."""
    _needs(bool(c.b_dec.any()), "its output bias is 0")
    return c.changed(b_dec=c.b_dec * SCALE)


def encoder_transposed(c: LinearCoder) -> LinearCoder:
    """The encoder read in the other order; without error even where it is not square."""
    return c.changed(W_enc=c.W_enc.T.contiguous().reshape(c.W_enc.shape))


def decoder_transposed(c: LinearCoder) -> LinearCoder:
    """The same in the decoder."""
    return c.changed(W_dec=c.W_dec.T.contiguous().reshape(c.W_dec.shape))


def decoder_permuted(c: LinearCoder) -> LinearCoder:
    """Decoder rows under the neighbour's number."""
    return c.changed(W_dec=c.W_dec.roll(1, 0))


def skip_dropped(c: LinearCoder) -> LinearCoder:
    """D11: reconstructed without the linear path."""
    _needs(c.W_skip is not None and bool(c.W_skip.any()), "no linear path")
    return c.changed(W_skip=torch.zeros_like(c.W_skip))  # type: ignore[arg-type]


def skip_transposed(c: LinearCoder) -> LinearCoder:
    """The linear path in the other direction."""
    _needs(
        c.W_skip is not None and c.d_in == c.d_out and not torch.equal(c.W_skip, c.W_skip.T), "no square linear path"
    )
    return c.changed(W_skip=c.W_skip.T.contiguous())  # type: ignore[union-attr]


def threshold_not_folded(c: LinearCoder) -> LinearCoder:
    """D05: latents in other units, thresholds in the old ones."""
    _needs(c.gate.threshold is not None and bool(c.gate.threshold.any()), "no threshold")
    return c.with_latents_scaled(_uneven(c)).changed(threshold=c.gate.threshold)


def norms_folded_into_topk(c: LinearCoder) -> LinearCoder:
    """Latents in other units before the k largest are taken: others win."""
    _needs(c.gate.name in ("topk", "groupmax"), "its gate compares no latents")
    return c.with_latents_scaled(_uneven(c))


def threshold_dropped(c: LinearCoder) -> LinearCoder:
    """D13: a threshold of 0."""
    _needs(c.gate.threshold is not None and bool((c.gate.threshold > 0).any()), "no threshold")
    return c.changed(threshold=torch.zeros_like(c.gate.threshold))  # type: ignore[arg-type]


OF_WEIGHTS: dict[str, Callable[[LinearCoder], LinearCoder]] = {
    f.__name__: f
    for f in (
        pre_bias_dropped,
        pre_bias_doubled,
        pre_bias_invented,
        wrong_k,
        relu_for_topk,
        scale_not_folded,
        scale_folded_into_encoder_only,
        scale_left_in_bias,
        encoder_transposed,
        decoder_transposed,
        decoder_permuted,
        skip_dropped,
        skip_transposed,
        threshold_not_folded,
        norms_folded_into_topk,
        threshold_dropped,
    )
}


def wrong_hook_point(c: LinearCoder, rows: Rows) -> Rows:
    """B11, D19: the rows of another site under this one's name."""
    others = [s for s, x in sorted(rows.items()) if s not in (c.site_in, c.site_out) and x.shape[1] == c.d_in]
    _needs(bool(others), "no other site of this width was harvested")
    wrong = {**rows, c.site_in: rows[others[0]]}
    return wrong if c.kind != "sae" else {**wrong, c.site_out: rows[others[0]]}


def input_scaled(c: LinearCoder, rows: Rows) -> Rows:
    """Rows of a model whose activations were rescaled, beside a coder that does not know it."""
    return {**rows, c.site_in: rows[c.site_in] * SCALE}


OF_ROWS: dict[str, Callable[[LinearCoder, Rows], Rows]] = {f.__name__: f for f in (wrong_hook_point, input_scaled)}


def _uneven(c: LinearCoder) -> Tensor:
    return torch.linspace(0.5, 1.5, c.n_latents, dtype=c.W_dec.dtype)


def _divisor_below(c: LinearCoder) -> int:
    """The next smaller k; groups of ``groupmax`` must stay equal."""
    assert c.gate.k is not None
    if c.gate.name == "topk":
        return c.gate.k - 1
    return next(k for k in range(c.gate.k - 1, 0, -1) if c.n_latents % k == 0)
