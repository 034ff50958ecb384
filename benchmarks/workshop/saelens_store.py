"""Harvest against SAELens's ActivationsStore: same model, texts and sites.

    python -m benchmarks.workshop.saelens_store [SHARE OF THE PLAN]

Ours writes all sites to disk, once for all coders; SAELens's store computes them anew for whoever asks, and keeps
nothing. Both load the model and tokenize in their time. SAELens packs texts into full contexts, so nothing is padding.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

from .fresh import fresh
from .scene import Scene, scene
from .turns import head, line, over, seconds, tail

PROMPTS = 32  # a forward pass; times the context, that is how many rows a training batch has
BUFFER = 8  # training batches that SAELens mixes
OURS, OURS_FED = "harvest", "harvest, and one shuffled pass over it"
THEIRS, PACKED = "ActivationsStore", "ActivationsStore on texts that are tokenized already"
FED, BRIDGE = "ActivationsStore as it feeds a trainer, shuffled", "ActivationsStore on TransformerLens's bridge"


def main(share: float = 0.5) -> None:
    with scene(share) as at:
        head("harvest against SAELens's ActivationsStore", "torch's default number of threads in every arm")
        tokens, taken = fresh(measure, at)
        each = {name: [s / tokens[name] for s in taken[name]] for name in taken}
        for name in each:
            line(f"{name}, tokens/s", [1 / s for s in each[name]], digits=0)
        for ours, theirs in ((OURS, THEIRS), (OURS, PACKED), (OURS, BRIDGE), (OURS_FED, FED)):
            line(f"{ours} / {theirs}", over(each[theirs], each[ours]))
        tail(f"{tokens[OURS]:,} tokens")


def measure(at: Scene) -> tuple[dict[str, int], dict[str, list[float]]]:
    """Tokens that each arm feeds to the model, and seconds of each arm."""
    from datasets import Dataset

    from mi.activations.read import Activations
    from mi.subjects.load import load_hf
    from mi.subjects.subject import make_bridge

    context = at.plan.max_length
    whole = Dataset.from_dict({"text": at.lines})
    parts = _proxy_parts(at)
    packed = Dataset.from_dict(
        {"input_ids": [row.tolist() for row in _store(at, _proxy(at, parts), parts, whole).iterable_sequences]}
    )
    steps = len(packed) // PROMPTS
    rows = PROMPTS * context

    def harvested() -> None:
        shutil.rmtree(at.harvest(max_rows=None)[0])

    def harvested_and_read() -> None:
        out, _ = at.harvest(max_rows=None)
        for _ in Activations(out).batches(at.sites, rows, shuffle_seed=0):
            pass
        shutil.rmtree(out)

    def theirs(model: Callable[[], Any], names: list[str], data: Dataset) -> None:
        store = _store(at, model(), names, data)
        for _ in range(steps):
            store.get_multi_hook_activations(store.get_batch_tokens())

    def fed() -> None:
        for _ in islice(_store(at, _proxy(at, parts), parts, whole).get_multi_hook_data_loader(), steps):
            pass

    arms = {
        OURS: harvested,
        THEIRS: lambda: theirs(lambda: _proxy(at, parts), parts, whole),
        PACKED: lambda: theirs(lambda: _proxy(at, parts), parts, packed),
        BRIDGE: lambda: theirs(lambda: make_bridge(load_hf(at.spec), at.model), at.sites, whole),
        OURS_FED: harvested_and_read,
        FED: fed,
    }
    out, facts = at.harvest(max_rows=None)
    shutil.rmtree(out)
    tokens = {name: facts["tokens"] if name in (OURS, OURS_FED) else steps * rows for name in arms}
    return tokens, seconds(arms)


def _proxy_parts(at: Scene) -> list[str]:
    """The sites as modules whose output SAELens can hook: what the MLP reads is what the norm before it returns."""
    block = f"gpt_neox.layers.{at.plan.layer}"
    return [f"{block}.post_attention_layernorm", f"{block}.mlp", block]


def _proxy(at: Scene, names: list[str]) -> Any:
    """The model as SAELens itself loads one that TransformerLens does not know."""
    import torch
    from sae_lens.load_model import load_model

    return load_model("AutoModelForCausalLM", str(at.model), "cpu", {"dtype": torch.float32}, names)


def _store(at: Scene, model: Any, names: list[str], data: Any) -> Any:
    from sae_lens.training.activations_store import ActivationsStore

    width = {name: model_width(model) for name in names}
    return ActivationsStore.from_config_multi_hook(
        model,
        dataset=data,
        hook_names=names,
        hook_d_ins=width,
        streaming=False,
        context_size=at.plan.max_length,
        n_batches_in_buffer=BUFFER * PROMPTS,
        store_batch_size_prompts=PROMPTS,
        train_batch_size_tokens=PROMPTS * at.plan.max_length,
    )


def model_width(model: Any) -> int:
    """Width of the residual stream."""
    return int(next(p for p in model.parameters() if p.dim() > 1).shape[-1])


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
