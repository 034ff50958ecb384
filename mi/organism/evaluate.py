"""Evaluation: what a model can do in the world, item by item and document by document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..progress import Progress
from ..unit_table import write_units
from .ngrams import NGrams
from .world import KINDS, TASKS, Document, Item, documents, items

N_GRAM_SEED = 77  # of the training documents that the n-grams count
N_GRAM_DOCUMENTS = 50_000


def held_out_items(n_per_task: int, seed: int, tasks: Sequence[str] | None = None) -> list[Item]:
    """``n_per_task`` held-out questions of each task (all of them if there are fewer)."""
    return [item for task in tasks or TASKS for item in items(task, "held-out", seed, n_per_task)]


def evaluate(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    n_per_task: int,
    seed: int,
    tasks: list[str] | None = None,
) -> dict[str, Any]:
    """Builder: how ``subject`` answers held-out items.

    Writes ``units.json`` with unit ``"item"`` and the columns ``correct``, ``exact``, ``preference`` (0 or 1),
    ``logit_difference``, ``log_p`` (nats) and ``task`` (index into ``facts["tasks"]``). Facts hold accuracy and count
    per task.
    """
    from ..subjects.load import load_subject

    loaded = load_subject(subject)
    asked = held_out_items(n_per_task, seed, tasks)
    table, facts = item_columns(loaded.hf, loaded.tokenizer, asked, progress)
    write_units(out, "item", [item.id for item in asked], table, facts | {"subject": subject})
    return facts


def item_columns(
    model: Any, tokenizer: Any, asked: Sequence[Item], progress: Progress
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Columns ``[n_items]`` and facts of :func:`evaluate` for a Hugging Face model."""
    import numpy as np

    from .score import hugging_face, score

    names = list(dict.fromkeys(item.task for item in asked))
    index = np.array([names.index(item.task) for item in asked])
    columns: dict[str, Any] = {
        name: np.zeros(len(asked)) for name in ("correct", "exact", "preference", "logit_difference", "log_p")
    }
    with progress("items", len(asked), "items") as bar:
        for k in range(len(names)):
            at = np.flatnonzero(index == k)
            scores = score(hugging_face(model), tokenizer, [asked[i] for i in at])
            for name, column in columns.items():
                column[at] = getattr(scores, name)
            bar.update(len(at))
    facts = {
        "tasks": names,
        "n": {name: int((index == k).sum()) for k, name in enumerate(names)},
        "accuracy": {name: float(columns["correct"][index == k].mean()) for k, name in enumerate(names)},
        "criterion": {name: TASKS[name].criterion for name in names},
    }
    return {name: column.tolist() for name, column in columns.items()} | {"task": index.tolist()}, facts


def loss(
    out: Path, *, progress: Progress, subject: dict[str, Any], n: int, seed: int, split: str = "held-out"
) -> dict[str, Any]:
    """Builder: nats of whole documents under ``subject``, n-grams of the training split, and the world itself.

    Writes ``units.json`` with unit ``"document"`` and the columns ``tokens`` (the end included), ``model``,
    ``unigram``, ``bigram``, ``trigram``, ``world`` (choices of this split), ``world_whole`` (choices of both splits: the
    bound for who cannot know what is held out) in nats per document, and ``kind`` (index into ``facts["kinds"]``).
    Facts hold each sum over tokens, in nats per token.
    """
    from ..subjects.load import load_subject

    loaded = load_subject(subject)
    texts = list(documents(split, seed, n))
    table, facts = document_columns(loaded.hf, loaded.tokenizer, texts, progress)
    write_units(out, "document", [d.id for d in texts], table, facts | {"subject": subject, "split": split})
    return facts


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return [list(ids) for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]]


@cache
def _counted(tokenizer: Any, end: int) -> NGrams:
    texts = [d.text for d in documents("train", N_GRAM_SEED, N_GRAM_DOCUMENTS)]
    return NGrams(_encode(tokenizer, texts), len(tokenizer), end)


def document_columns(
    model: Any, tokenizer: Any, texts: Sequence[Document], progress: Progress, batch: int = 64
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Columns ``[n_documents]`` and facts of :func:`loss` for a Hugging Face model."""
    import numpy as np
    import torch

    end = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id

    grams = _counted(tokenizer, end)
    ids = _encode(tokenizer, [d.text for d in texts])
    nats = np.zeros((len(texts), 3))
    modelled = np.zeros(len(texts))
    order = sorted(range(len(texts)), key=lambda k: len(ids[k]))
    with progress("documents", len(texts), "documents") as bar:
        for at in range(0, len(order), batch):
            some = order[at : at + batch]
            rows = torch.full((len(some), max(len(ids[k]) for k in some) + 2), end)
            scored = torch.zeros(rows.shape, dtype=torch.bool)
            for r, k in enumerate(some):
                rows[r, 1 : len(ids[k]) + 1], scored[r, 1 : len(ids[k]) + 2] = torch.tensor(ids[k]), True
                nats[k] = grams.nats(ids[k])
            with torch.no_grad():
                logits = model(input_ids=rows[:, :-1]).logits  # padding is on the right: a causal model needs no mask
            log_p = torch.log_softmax(logits.float(), -1).gather(2, rows[:, 1:, None])[..., 0]
            modelled[some] = -(log_p * scored[:, 1:]).sum(1).double().numpy()
            bar.update(len(some))
    tokens = np.array([len(row) + 1 for row in ids], float)
    columns = {
        "tokens": tokens,
        "model": modelled,
        "unigram": nats[:, 0],
        "bigram": nats[:, 1],
        "trigram": nats[:, 2],
        "world": np.array([d.nats for d in texts]),
        "world_whole": np.array([d.nats_whole for d in texts]),
    }
    names = list(KINDS)
    kind = np.array([names.index(d.kind) for d in texts])
    per_token = {name: float(column.sum() / tokens.sum()) for name, column in columns.items() if name != "tokens"}
    by_kind = {
        name: {
            which: float(columns[which][kind == k].sum() / tokens[kind == k].sum())
            for which in ("model", "world", "world_whole")
        }
        for k, name in enumerate(names)
        if (kind == k).any()
    }
    facts = {
        "kinds": names,
        "documents": len(texts),
        "tokens": int(tokens.sum()),
        "nats_per_token": per_token,
        "by_kind": by_kind,
    }
    return {name: column.tolist() for name, column in columns.items()} | {"kind": kind.tolist()}, facts
