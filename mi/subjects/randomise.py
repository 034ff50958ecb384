"""randomise: copies of a model with the same architecture and no training, made from a recorded seed."""

from __future__ import annotations

import copy
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn

from .errors import SpecError

SCHEMES = ("reinit", "reinit-std-matched", "permute", "reinit-keep-embeddings")


def randomise(hf: Any, scheme: str, seed: int, *, in_place: bool = False) -> Any:
    """A copy of ``hf`` with random weights.

    Schemes:
        ``"reinit"``: matrices (and tables, such as embeddings) normal with the standard deviation of the
        configuration's ``initializer_range`` (0.02 without), biases 0, norms with gain 1.

        ``"reinit-std-matched"``: every tensor, biases and gains too, normal with its trained mean and standard
        deviation.

        ``"permute"``: the entries of every tensor, biases and gains too, permuted within that tensor.

        ``"reinit-keep-embeddings"``: as ``"reinit"``, but what turns tokens into vectors and vectors into logits is
        kept. A table of learned positions is not.

    Each tensor has a generator of its own, seeded by ``seed``, scheme and the tensor's name: neither the global
    generators nor the order of tensors matter. Tied tensors stay tied. Buffers (rotary frequencies, masks) are kept.

    Args:
        hf: a Hugging Face model.
        scheme: one of :data:`SCHEMES`.
        seed: any integer.
        in_place: change ``hf`` itself, to spare a second copy in memory.

    Raises:
        SpecError: unknown scheme.
    """
    if scheme not in SCHEMES:
        raise SpecError(f"weights={scheme!r}", f"one of {', '.join(SCHEMES)}", "Name a scheme.")
    model = hf if in_place else copy.deepcopy(hf)
    kept = _embeddings(model) if scheme == "reinit-keep-embeddings" else set()
    std = float(getattr(model.config, "initializer_range", None) or 0.02)
    gains = {id(p): gain for module in model.modules() for p, gain in _gain(module)}
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if id(tensor) not in kept:
                generator = _generator(seed, scheme, name)
                tensor.copy_(_draw(tensor, scheme, generator, std, gains.get(id(tensor))))
    return model


def _draw(old: Tensor, scheme: str, generator: torch.Generator, std: float, gain: float | None) -> Tensor:
    # Drawn on the CPU in float32, so that device and dtype do not change what is drawn.
    if scheme == "permute":
        order = torch.randperm(old.numel(), generator=generator)
        return old.detach().cpu().flatten()[order].view(old.shape)
    if scheme == "reinit-std-matched":
        flat = old.detach().float().cpu()
        spread = float(flat.std(correction=0)) if flat.numel() > 1 else 0.0
        return torch.randn(old.shape, generator=generator) * spread + flat.mean()
    if gain is not None:
        return torch.full(old.shape, gain)
    if old.dim() < 2:
        return torch.zeros(old.shape)
    return torch.randn(old.shape, generator=generator) * std


def _generator(seed: int, scheme: str, name: str) -> torch.Generator:
    # The two re-initialisations share their draws: they differ in the embeddings and in nothing else.
    family = "reinit" if scheme == "reinit-keep-embeddings" else scheme
    mixed = sha256(f"{seed} {family} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(mixed[:8], "big") >> 1)


def _embeddings(model: Any) -> set[int]:
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    return {id(p) for module in ends if module is not None for p in module.parameters()}


def _gain(module: nn.Module) -> list[tuple[Tensor, float]]:
    """The gain of a norm with the value at which it scales by 1: some architectures store gain - 1."""
    weight = getattr(module, "weight", None)
    if "norm" not in type(module).__name__.lower() or not isinstance(weight, nn.Parameter) or weight.dim() != 1:
        return []
    with torch.no_grad():
        before = weight.clone()
        weight.zero_()
        ramp = torch.linspace(-1, 1, weight.numel(), device=weight.device, dtype=weight.dtype)
        bias = getattr(module, "bias", None)
        out = module(ramp[None]) - (0 if bias is None else bias)
        weight.copy_(before)
    return [(weight, 0.0 if bool(out.abs().max() > 1e-3) else 1.0)]
