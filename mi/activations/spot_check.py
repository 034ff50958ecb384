"""spot_check: some documents of a harvest once more, each alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from ..refusal import Refusal
from ..subjects.gates.report import REORDERED
from ..subjects.subject import Subject
from ..subjects.tokens import TokenBatch
from ..texts import Texts
from .index import Shard, shard_file

DOCUMENTS = 8


def spot_check(
    out: Path, shards: Sequence[Shard], first: int, source: Texts, subject: Subject, settings: Mapping[str, Any]
) -> None:
    """Refuse shards in which a document has other rows than when it is run again.

    Args:
        out: holds them.
        shards: what is known of them, in order.
        first: number of the first one.
        source: texts that they are of.
        subject: that they are of.
        settings: ``sites, max_length, dtype`` of the harvest.

    Raises:
        Refusal: with the document and the site.
    """
    every = [(first + n, k, name) for n, shard in enumerate(shards) for k, name in enumerate(shard.documents)]
    chosen = sorted({round(k * (len(every) - 1) / (DOCUMENTS - 1)) for k in range(DOCUMENTS)}) if every else []
    texts = {every[i][2]: "" for i in chosen}
    for document in source:
        if document["id"] in texts:
            texts[document["id"]] = document["text"]
    sites = settings["sites"]
    for number, k, name in (every[i] for i in chosen):
        rows = _rows(shard_file(out, number), k, sites)
        vocabulary = subject.vocabulary
        (row,) = vocabulary.rows([texts[name]], min(settings["max_length"], subject.context))
        batch = TokenBatch.of([] if row is None else [row], vocabulary.pad)
        ids = batch.ids[batch.scored].tolist()
        if rows["token"].tolist() != ids:
            raise Refusal(
                f"document {name!r} harvested as {len(rows['token'])} rows", f"its {len(ids)} scored tokens", _LOOK
            )
        again = subject.activations(batch, sites)
        for site in sites:
            held = rows[site].dtype
            off = _off(rows[site], again[site][batch.scored].cpu(), subject.hf.dtype, held)
            if not off <= 1:
                raise Refusal(
                    f"{site} of document {name!r}, {off:.3g} times as far from the same document run alone as rounding explains",
                    "the same rows in any company",
                    _LOOK,
                )


_LOOK = "Look for rows that were filed under another document, cut at another length, or rounded on their way."


def _rows(path: Path, k: int, sites: Sequence[str]) -> dict[str, Tensor]:
    """Document ``k`` of a shard."""
    with safe_open(path, framework="pt") as file:
        documents = file.get_tensor("document")
        at = (documents == documents[0] + k).nonzero().flatten()
        start, stop = (int(at[0]), int(at[-1]) + 1) if len(at) else (0, 0)
        return {name: file.get_slice(name)[start:stop] for name in (*sites, "token")}


def _off(kept: Tensor, again: Tensor, computed: torch.dtype, held: torch.dtype) -> float:
    """The largest difference, as a multiple of what another batch and the stored dtype may change."""
    a, b = kept.double(), again.double()
    if a.shape != b.shape:
        return float("inf")
    allowed = REORDERED[computed] * float(b.square().mean().sqrt())
    coarse = 0.0 if held == torch.float32 else float(torch.finfo(held).eps)
    return float(((a - b).abs() / (allowed + coarse * b.abs()).clamp(min=1e-30)).max())
