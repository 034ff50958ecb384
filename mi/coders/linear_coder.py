"""LinearCoder: the arithmetic that all engines' coders share, written once and independent of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .coder import CoderFacts, CoderFault


@dataclass(frozen=True)
class Gate:
    """Which pre-activations become activations.

    Attributes:
        name: ``relu``; ``topk`` (the k largest positive ones of a row); ``groupmax`` (the largest of each of k equal groups, if
            positive); ``jumprelu`` (those above a threshold per latent, if positive).
        k: for ``topk`` and ``groupmax``.
        threshold: ``[n_latents]`` for ``jumprelu``.
    """

    name: str
    k: int | None = None
    threshold: Tensor | None = None

    def __call__(self, pre: Tensor) -> Tensor:
        """``[n, n_latents]`` to ``[n, n_latents]``."""
        positive = pre.relu()
        if self.name == "relu":
            return positive
        if self.name == "jumprelu":
            assert self.threshold is not None
            return positive * (pre > self.threshold)
        assert self.k is not None
        if self.name == "topk":
            kept = positive.topk(self.k, dim=-1, sorted=False)
            return torch.zeros_like(pre).scatter(-1, kept.indices, kept.values)
        if self.name == "groupmax":
            groups = positive.reshape(*pre.shape[:-1], self.k, -1)
            best = groups.max(dim=-1, keepdim=True)
            return torch.zeros_like(groups).scatter(-1, best.indices, best.values).flatten(-2)
        raise CoderFault(f"a gate {self.name!r}", "relu, topk, groupmax or jumprelu", "Add it to linear_coder.Gate.")


@dataclass(frozen=True)
class LinearCoder:
    """``z = gate(W_enc (x - input_bias) + b_enc)``; ``y = z W_dec + b_dec [+ W_skip x]``.

    Attributes:
        facts: what it is.
        W_enc: ``[n_latents, d_in]``.
        b_enc: ``[n_latents]``.
        W_dec: ``[n_latents, d_out]``.
        b_dec: ``[d_out]``.
        gate: which latents fire.
        input_bias: ``[d_in]`` subtracted from the input before encoding; None for nothing.
        W_skip: ``[d_out, d_in]``; None without a linear path.
        centred: the weights expect rows without their mean over the width (an SAE of a model whose writing weights were centred):
            the mean is taken off before encoding and added back to the reconstruction.
    """

    facts: CoderFacts
    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    gate: Gate
    input_bias: Tensor | None = None
    W_skip: Tensor | None = None
    centred: bool = False

    def __post_init__(self) -> None:
        f, shapes = self.facts, {name: tuple(t.shape) for name, t in self.tensors().items()}
        expected = {
            "W_enc": (f.n_latents, f.d_in),
            "b_enc": (f.n_latents,),
            "W_dec": (f.n_latents, f.d_out),
            "b_dec": (f.d_out,),
            "input_bias": (f.d_in,),
            "W_skip": (f.d_out, f.d_in),
            "threshold": (f.n_latents,),
        }
        wrong = {name: shape for name, shape in shapes.items() if shape != expected[name]}
        if wrong:
            raise CoderFault(
                f"weights of shape {wrong}",
                "{n: expected[n] for n in wrong} for the widths in the facts",
                "Check both.",
            )
        if (self.W_skip is not None) != (f.kind == "skip-transcoder"):
            has = "with" if self.W_skip is not None else "without"
            raise CoderFault(f"a {f.kind} {has} W_skip", "it in skip-transcoders only", "Correct the kind.")
        if self.gate.k is not None and not 0 < self.gate.k <= f.n_latents:
            raise CoderFault(f"k = {self.gate.k} of {f.n_latents} latents", f"1 to {f.n_latents}", "Correct k.")
        if self.centred and f.kind != "sae":
            raise CoderFault(
                f"a centred {f.kind}", "an SAE, whose output has the mean of its input", "Correct the kind."
            )

    @property
    def kind(self) -> str:
        """See :class:`~.coder.Coder`; likewise below."""
        return self.facts.kind

    @property
    def architecture(self) -> str:
        return self.facts.architecture

    @property
    def site_in(self) -> str:
        return self.facts.site_in

    @property
    def site_out(self) -> str:
        return self.facts.site_out

    @property
    def d_in(self) -> int:
        return self.facts.d_in

    @property
    def d_out(self) -> int:
        return self.facts.d_out

    @property
    def n_latents(self) -> int:
        return self.facts.n_latents

    def tensors(self) -> dict[str, Tensor]:
        """All weights by name."""
        named = {name: getattr(self, name) for name in ("W_enc", "b_enc", "W_dec", "b_dec", "input_bias", "W_skip")}
        named["threshold"] = self.gate.threshold
        return {name: t for name, t in named.items() if t is not None}

    def changed(self, **weights: Any) -> LinearCoder:
        """A copy with other weights (``threshold`` among them) or other fields."""
        if "threshold" in weights:
            weights["gate"] = replace(weights.get("gate", self.gate), threshold=weights.pop("threshold"))
        return replace(self, **weights)

    def to(self, device: str | torch.device | None = None, dtype: torch.dtype | None = None) -> LinearCoder:
        """A copy elsewhere, or in another precision."""
        return self.changed(**{name: t.to(device=device, dtype=dtype) for name, t in self.tensors().items()})

    def pre(self, x: Tensor) -> Tensor:
        """``[n, d_in]`` to the ``[n, n_latents]`` that the gate sees."""
        x = x.to(self.W_enc.dtype)
        if self.centred:
            x = x - x.mean(-1, keepdim=True)
        if self.input_bias is not None:
            x = x - self.input_bias
        return functional.linear(x, self.W_enc, self.b_enc)

    def encode(self, x: Tensor) -> Tensor:
        """See :class:`~.coder.Coder`; likewise below."""
        return self.gate(self.pre(x))

    def decode(self, z: Tensor, x: Tensor | None = None) -> Tensor:
        y = z @ self.W_dec + self.b_dec
        if self.W_skip is None and not self.centred:
            return y
        if x is None:
            raise CoderFault(
                "decode(z) without x",
                "decode(z, x): this coder passes on a linear part of its input",
                "Give the rows that were encoded, or call reconstruct(x).",
            )
        x = x.to(y.dtype)
        return y + x.mean(-1, keepdim=True) if self.W_skip is None else y + functional.linear(x, self.W_skip)

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x), x)

    def with_latents_scaled(self, scale: Tensor) -> LinearCoder:
        """The same function with latent i in other units: ``z_i`` times ``scale[i]`` > 0, its decoder row divided.

        Exact for ``relu`` and ``jumprelu``. Under ``topk`` a scale that differs between latents is another coder: it picks others.
        """
        weights = {
            "W_enc": self.W_enc * scale[:, None],
            "b_enc": self.b_enc * scale,
            "W_dec": self.W_dec / scale[:, None],
        }
        if self.gate.threshold is not None:
            weights["threshold"] = self.gate.threshold * scale
        return self.changed(**weights)
