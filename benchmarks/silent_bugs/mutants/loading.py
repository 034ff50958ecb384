"""Mutants of loading: the model that runs is not the model that was meant (catalogue A, G02)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, together, wrapped


def altered(change: Callable[[Any], None]) -> Enact:
    """Change the Hugging Face model of every subject after it was loaded; the gates' own reference stays clean."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.subjects.subject import Subject

        def around(init: Any) -> Any:
            def made(self: Any, spec: Any, hf: Any, *rest: Any, **more: Any) -> None:
                init(self, spec, hf, *rest, **more)
                change(self.hf)

            return made

        return wrapped(Subject, "__init__", around)

    return enact


MASK = 100.0


def _finite_mask(hf: Any) -> None:
    """A large finite number instead of minus infinity, in a model that has a head with lower scores than that.

    Scaled from 1e5 to 1e2, mask and scores alike: in float32, scores near 1e5 are so coarse that softmaxes of any two
    implementations would differ for that reason alone.
    """
    import torch
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def attention(module: Any, q: Any, k: Any, v: Any, mask: Any, scaling: float, **rest: Any) -> Any:
        scores = torch.matmul(q, k.transpose(2, 3)) * scaling
        scores = torch.where(mask < 0, torch.full_like(scores, -MASK), scores)
        return torch.matmul(scores.softmax(-1), v).transpose(1, 2).contiguous(), scores

    ALL_ATTENTION_FUNCTIONS.register("finite-mask", attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register("finite-mask", eager_mask)
    hf.config._attn_implementation = "finite-mask"


def _swapped_windows(hf: Any) -> None:
    kinds = hf.config.layer_types
    other = {"sliding_attention": "full_attention", "full_attention": "sliding_attention"}
    hf.config.layer_types = [other[kind] for kind in kinds]


def _rotary_of_context(hf: Any) -> None:
    import torch

    rotary = hf.model.rotary_emb
    d = 2 * len(rotary.inv_freq)
    base = hf.config.rope_parameters["rope_theta"] * hf.config.max_position_embeddings / 32
    rotary.inv_freq = 1.0 / (base ** (torch.arange(0, d, 2) / d))


def _norm_after_attention(hf: Any) -> None:
    from torch import nn

    for layer in hf.model.layers:
        norm, layer.input_layernorm = layer.input_layernorm, nn.Identity()
        layer.self_attn.register_forward_hook(lambda module, args, out, norm=norm: (norm(out[0]), *out[1:]))


def _approximate_gelu(hf: Any) -> None:
    from torch import nn

    for layer in hf.gpt_neox.layers:
        layer.mlp.act = nn.GELU(approximate="tanh")


def _half_precision(hf: Any) -> None:
    """Weights that went through bfloat16 on their way, while everything says float32."""
    import torch

    with torch.no_grad():
        for weight in hf.parameters():
            weight.copy_(weight.bfloat16())


def _other_model(scene: Any) -> AbstractContextManager[None]:
    """The name says one model, and leads to the files of another of the same shape."""
    import mi.subjects.spec as spec

    return replaced(spec, "find_folder", lambda source, revision, entry=None: scene.other)


def _unrandomised(scene: Any) -> AbstractContextManager[None]:
    """The randomised control is asked for, the option is read under another key, and the trained model runs."""
    import mi.subjects.load as load

    def around(load_hf: Any) -> Any:
        return lambda spec: load_hf({**spec, "weights": spec.get("weight_scheme", "trained")})

    return together(wrapped(load, "load_hf", around), _asking(scene, weights="permute", weights_seed=1))


def _asking(scene: Any, **more: Any) -> AbstractContextManager[None]:
    return replaced(scene, "spec", {**scene.spec, **more})


MUTANTS = (
    Mutant("A01", "loading", "causal mask of a finite number: a head sees the future", "subject-neox-loud", altered(_finite_mask), ("K08",), "TransformerLens#385"),
    Mutant("A03", "loading", "local and global layers swapped", "subject-gemma2", altered(_swapped_windows), ("K08",), "TransformerLens#778, #1227"),
    Mutant("A05", "loading", "rotary base depends on the context asked for", "subject-llama", altered(_rotary_of_context), ("K08",), "TransformerLens#910"),
    Mutant("A09", "loading", "norm after attention instead of before", "subject-llama", altered(_norm_after_attention), ("K08",), "TransformerLens 5c65b926"),
    Mutant("A11", "loading", "approximate GELU for the exact one", "subject-neox", altered(_approximate_gelu), ("K08",), "automated-interpretability#22"),
    Mutant("A11b", "loading", "weights rounded to bfloat16 on loading", "subject-llama", altered(_half_precision), ("K08", "K30", "K20"), "practice"),
    Mutant("G02", "loading", "another model of the same shape is loaded under the name", "subject-llama", _other_model, ("K20",), "AxBench a57d715"),
    Mutant("G02b", "loading", "the randomised control is loaded with trained weights", "subject-llama", _unrandomised, ("K20",), "practice"),
)  # fmt: skip
