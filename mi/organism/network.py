"""Network: GPT-NeoX as Pythia has it, written to train fast on a CPU. Its state dict has Hugging Face's names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .tokenizer import MAX_LENGTH


@dataclass(frozen=True)
class Shape:
    """Size of the network; defaults are the shipped organism's."""

    vocabulary: int
    layers: int = 4
    width: int = 128
    heads: int = 4
    rotary_share: float = 0.25

    @property
    def rotary(self) -> int:
        """Rotated dimensions of each head."""
        return int(self.width // self.heads * self.rotary_share)

    def config(self) -> dict[str, Any]:
        """``config.json`` of the same network in Hugging Face's terms."""
        return {
            "architectures": ["GPTNeoXForCausalLM"],
            "model_type": "gpt_neox",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": 4 * self.width,
            "hidden_act": "gelu",
            "max_position_embeddings": MAX_LENGTH,
            "rotary_pct": self.rotary_share,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "partial_rotary_factor": self.rotary_share,
            },
            "use_parallel_residual": True,
            "attention_bias": True,
            "attention_dropout": 0.0,
            "hidden_dropout": 0.0,
            "layer_norm_eps": 1e-5,
            "initializer_range": 0.02,
            "tie_word_embeddings": False,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "pad_token_id": 1,
            "use_cache": True,
            "dtype": "bfloat16",
        }


class _Loss(torch.autograd.Function):
    """Mean cross-entropy whose gradient is made in the forward pass, in the logits' own precision."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        p = torch.softmax(logits.float(), -1)
        chosen = p.gather(1, targets[:, None])
        p.scatter_(1, targets[:, None], chosen - 1)
        ctx.save_for_backward(p.div_(len(targets)).to(logits.dtype))
        return -chosen.clamp_min(1e-30).log().mean()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return ctx.saved_tensors[0] * grad.to(ctx.saved_tensors[0].dtype), None


class _Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.query_key_value = nn.Linear(shape.width, 3 * shape.width)
        self.dense = nn.Linear(shape.width, shape.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        n, t, d = x.shape
        heads, size, r = self.shape.heads, d // self.shape.heads, self.shape.rotary
        qkv = self.query_key_value(x).view(n, t, heads, 3 * size).transpose(1, 2)
        q, k, v = qkv.chunk(3, -1)

        def rotate(y: Tensor) -> Tensor:
            a, b, rest = y[..., : r // 2], y[..., r // 2 : r], y[..., r:]
            return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), -1)

        # Written out: the fused attention's backward pass takes half of a training step on a CPU.
        scores = rotate(q) @ rotate(k).transpose(-1, -2) * (1 / math.sqrt(size)) + mask
        mixed = torch.softmax(scores, -1) @ v
        return self.dense(mixed.transpose(1, 2).reshape(n, t, d))  # type: ignore[no-any-return]


class _Perceptron(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense_h_to_4h = nn.Linear(width, 4 * width)
        self.dense_4h_to_h = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense_4h_to_h(nn.functional.gelu(self.dense_h_to_4h(x)))  # type: ignore[no-any-return]


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(shape.width)
        self.post_attention_layernorm = nn.LayerNorm(shape.width)
        self.attention = _Attention(shape)
        self.mlp = _Perceptron(shape.width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        attended = self.attention(self.input_layernorm(x), cos, sin, mask)
        return x + attended + self.mlp(self.post_attention_layernorm(x))  # type: ignore[no-any-return]


class _Body(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_in = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.final_layer_norm = nn.LayerNorm(shape.width)


class Network(nn.Module):
    """GPT-NeoX with parallel residual, for full windows without padding."""

    def __init__(self, shape: Shape, seed: int) -> None:
        """Initialised as Pythia: normal(0, .02), residual outputs scaled down, zero biases."""
        super().__init__()
        self.shape = shape
        self.gpt_neox = _Body(shape)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary, bias=False)
        source = torch.Generator().manual_seed(seed)
        for name, value in self.named_parameters():
            if value.dim() == 2:
                out = name.endswith(("attention.dense.weight", "dense_4h_to_h.weight"))
                std = 0.02 / math.sqrt(2 * shape.layers) if out else 0.02
                value.data.normal_(0.0, std, generator=source)
            elif name.endswith("bias"):
                value.data.zero_()

    def forward(self, ids: Tensor) -> Tensor:
        """Logits ``[n, t, vocabulary]`` of ``ids [n, t]``."""
        t, r, dtype = ids.shape[1], self.shape.rotary, self.lm_head.weight.dtype
        angles = torch.outer(torch.arange(t).float(), 10000.0 ** -(torch.arange(0, r, 2).float() / r))
        cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
        mask = torch.full((t, t), -torch.inf, dtype=dtype).triu(1)
        x = self.gpt_neox.embed_in(ids)
        for layer in self.gpt_neox.layers:
            x = layer(x, cos, sin, mask)
        return self.lm_head(self.gpt_neox.final_layer_norm(x))  # type: ignore[no-any-return]

    def loss(self, windows: Tensor) -> Tensor:
        """Mean nats per token over ``windows [n, t + 1]``."""
        logits = self(windows[:, :-1])
        return _Loss.apply(logits.flatten(0, 1), windows[:, 1:].flatten())  # type: ignore[no-any-return, no-untyped-call]
