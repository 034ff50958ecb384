"""memory: whether a scorer fits on a GPU, from its configuration, before anything is started or downloaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from ..refusal import Refusal

GIB = 1 << 30
MAX_MODEL_LEN = 8192  # twenty windows of explanations with activations and delphi's few-shot prompt take about half
SEQUENCES = 16
UTILIZATION = 0.9
CONTEXT = 1.0  # GiB: CUDA context, workspaces and captured graphs
MARGIN = 0.3  # GiB left free, as what others use changes
BATCHED = 2048  # tokens that vLLM runs at once at most, unless told otherwise

GPUS: Mapping[str, float] = {
    "T4": 14.6,
    "L4": 22.03,
    "A10G": 22.1,
    "A100-40GB": 39.4,
    "A100-80GB": 79.2,
    "H100": 79.2,
    "H200": 139.0,
}
"""GiB of memory by kind of GPU, as the driver reports it: less than the name says."""

_QWEN25 = {"model_type": "qwen2", "torch_dtype": "bfloat16", "max_position_embeddings": 32768}
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "Qwen/Qwen2.5-3B-Instruct": {
        **_QWEN25,
        **{"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "vocab_size": 151936},
        **{"num_attention_heads": 16, "num_key_value_heads": 2, "tie_word_embeddings": True},
    },
    "Qwen/Qwen2.5-7B-Instruct": {
        **_QWEN25,
        **{"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "vocab_size": 152064},
        **{"num_attention_heads": 28, "num_key_value_heads": 4, "tie_word_embeddings": False},
    },
}
"""Configurations of the scorers that claims name, so that the estimate needs no download."""
_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Gpu:
    """One GPU, in GiB: ``resident`` is what is in use on it, by whomever."""

    name: str
    total: float
    resident: float = 0.0

    @classmethod
    def kind(cls, name: str, resident: float = 0.0) -> Gpu:
        """A GPU by its kind; see :data:`GPUS`."""
        if name not in GPUS:
            raise Refusal(f"GPU {name!r}", f"one of {', '.join(GPUS)}", "Name one of them.")
        return cls(name, GPUS[name], resident)

    @property
    def free(self) -> float:
        """GiB that nobody uses."""
        return self.total - self.resident


@dataclass(frozen=True)
class Needs:
    """What a served model needs, in GiB: an estimate.

    Attributes:
        weights: from the sizes of its layers, or the size of its files where those are here.
        cache: keys and values of one sequence of ``max_model_len`` tokens, the least that vLLM starts with.
        overhead: CUDA itself, activations of a batch and the sampler's logits.
        max_model_len: tokens of prompt and answer.
    """

    weights: float
    cache: float
    overhead: float
    max_model_len: int

    @property
    def total(self) -> float:
        """All of it."""
        return self.weights + self.cache + self.overhead


def estimate(
    config: Mapping[str, Any],
    *,
    max_model_len: int = MAX_MODEL_LEN,
    sequences: int = SEQUENCES,
    weight_bytes: int | None = None,
) -> Needs:
    """What a model with this ``config.json`` needs.

    Weights: ``2 V d`` (``V d`` if tied) + per layer ``2 d^2 + 2 d k`` attention, ``3 d f`` gated MLP and ``2 d`` norms,
    with ``k`` = key-value heads times head size. Keys and values of a token: ``2 L k`` numbers.

    Args:
        config: ``config.json``; of a multimodal model its text part is used.
        max_model_len: tokens of prompt and answer; at most the model's own context.
        sequences: answered at once.
        weight_bytes: the size of the weights where it is known, as in ``model.safetensors.index.json``.

    Raises:
        Refusal: a configuration without these numbers.
    """
    text = config.get("text_config") or config
    size = _BYTES.get(str(text.get("torch_dtype") or text.get("dtype") or config.get("torch_dtype")), 2)
    try:
        layers, d, vocabulary = (int(text[k]) for k in ("num_hidden_layers", "hidden_size", "vocab_size"))
        heads, inner = int(text["num_attention_heads"]), int(text["intermediate_size"])
    except KeyError as error:
        raise Refusal(
            f"a configuration without {error}", "that of a decoder of Llama's kind", "Serve the model yourself."
        ) from None
    head = int(text.get("head_dim") or d // heads)
    keys = int(text.get("num_key_value_heads") or heads) * head
    if weight_bytes is None:
        tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))
        layer = 2 * d * heads * head + 2 * d * keys + 3 * d * inner + 2 * d
        weight_bytes = round((vocabulary * d * (1 if tied else 2) + layers * layer) * _weight_size(config, size))
    length = min(max_model_len, int(text.get("max_position_embeddings") or max_model_len))
    size = min(size, 2)  # vLLM converts float32 to half precision
    activations = BATCHED * (2 * inner + 4 * d) * size + 3 * sequences * vocabulary * 4
    return Needs(
        weights=weight_bytes / GIB,
        cache=2 * layers * keys * size * length / GIB,
        overhead=CONTEXT + activations / GIB,
        max_model_len=length,
    )


def _weight_size(config: Mapping[str, Any], size: int) -> float:
    bits = (config.get("quantization_config") or {}).get("bits")
    return bits / 8 if bits else min(size, 2)


def require_fits(model: str, needs: Needs, gpu: Gpu, utilization: float | None = None) -> float:
    """The share of a GPU's memory that vLLM is to take.

    vLLM starts only if this share of *all* its memory is free, whatever it would need of that.

    Args:
        utilization: the share; None for the most that is free, up to 0.9.

    Raises:
        Refusal: that much is not free, or it is less than the model needs. Nothing has been started.
    """
    most = floor(100 * min(UTILIZATION, (gpu.free - MARGIN) / gpu.total)) / 100
    share = most if utilization is None else utilization
    what = f"{model} on {gpu.name} with {gpu.free:.2f} of {gpu.total:.2f} GiB free"
    fix = "Take the subject off the GPU first (a scorer runs in a build of its own), a smaller scorer or a larger GPU."
    if share * gpu.total > gpu.free:
        raise Refusal(f"{what}; utilization {share:.2f} asks for {share * gpu.total:.2f} GiB", "that much free", fix)
    if needs.total > share * gpu.total:
        raise Refusal(
            f"{what}, of which it may take {max(0.0, share * gpu.total):.2f}",
            f"{needs.total:.2f} GiB: {needs.weights:.2f} weights, {needs.cache:.2f} keys and values, {needs.overhead:.2f} beside",
            fix,
        )
    return share


def needs_of(model: str, **settings: Any) -> Needs | None:
    """What a model needs: by its files where they are here, else if it is :data:`KNOWN`; None where nothing is known."""
    config = _file(model, "config.json")
    if config is None:
        return estimate(KNOWN[model], **settings) if model in KNOWN else None
    index = _file(model, "model.safetensors.index.json") or {}
    return estimate(config, weight_bytes=index.get("metadata", {}).get("total_size"), **settings)


def _file(model: str, name: str) -> dict[str, Any] | None:
    path: Any = Path(model) / name
    if not path.is_file():
        from huggingface_hub import try_to_load_from_cache

        try:
            path = try_to_load_from_cache(model, name)
        except ValueError:  # not a name that the hub could have
            return None
    if not isinstance(path, (str, Path)):
        return None
    try:
        found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def this_gpu() -> Gpu | None:
    """The GPU that a child of this process would use, as the driver sees it; None without one. Starts no CUDA."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not shutil.which("nvidia-smi") or (visible is not None and visible.strip() in ("", "-1")):
        return None
    first = visible.split(",")[0].strip() if visible else "0"
    query = ["nvidia-smi", f"--id={first}", "--query-gpu=name,memory.total,memory.used"]
    try:
        done = subprocess.run(
            [*query, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=20, check=True
        )
        name, total, used = done.stdout.splitlines()[0].rsplit(",", 2)
        return Gpu(name.strip(), int(total) / 1024, int(used) / 1024)
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
