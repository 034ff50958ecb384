"""Measuring for the model card: one set of weights and its randomised copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..progress import SILENT, Progress
from .evaluate import document_columns, held_out_items, item_columns
from .world import documents

SCHEMES = ("reinit", "permute", "reinit-keep-embeddings")
EVALUATION_SEED = 2024
COPY_ITEMS = 100  # per task, for randomised copies


class NotAModel(ValueError):
    """A folder that is no organism."""


def load(folder: Path) -> tuple[Any, Any]:
    """The Hugging Face model in float32 and its tokenizer, from a local folder.

    Raises:
        NotAModel: the folder lacks weights, config or tokenizer.
    """
    missing = [f for f in ("config.json", "model.safetensors", "tokenizer.json") if not (folder / f).is_file()]
    if missing:
        raise NotAModel(
            f"{folder} has no {', '.join(missing)}. Expected a folder made by "
            f"`python -m mi.organism build -o {folder}`, or one of mi/organism/weights."
        )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def measure(
    folder: Path, n: int = 400, copies: int = 3, n_documents: int = 3000, progress: Progress = SILENT
) -> dict[str, Any]:
    """Accuracy per task and loss of the model in ``folder``; accuracy of its randomised copies.

    Returns:
        JSON: sizes, ``training`` (training.json or None), ``trained`` (accuracies, losses), ``copies``
        (``{scheme: [accuracy by task, one per copy]}``).
    """
    model, tokenizer = load(folder)
    asked = held_out_items(n, EVALUATION_SEED)
    trained = item_columns(model, tokenizer, asked, progress)[1]
    for split, seed in (("held-out", 1), ("train", 2)):
        texts = list(documents(split, EVALUATION_SEED + seed, n_documents))
        trained[f"loss_{split}"] = document_columns(model, tokenizer, texts, progress)[1]
    made: dict[str, list[Any]] = {}
    if copies:
        from ..subjects.randomise import randomise

        fewer = held_out_items(min(n, COPY_ITEMS), EVALUATION_SEED)
        for scheme in SCHEMES:
            made[scheme] = [
                item_columns(randomise(model, scheme, seed), tokenizer, fewer, progress)[1]["accuracy"]
                for seed in range(copies)
            ]
    record = folder / "training.json"
    training = json.loads(record.read_text("utf-8")) if record.is_file() else None
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "evaluation_seed": EVALUATION_SEED,
        "n": n,
        "training": training,
        "trained": trained,
        "copies": made,
    }
