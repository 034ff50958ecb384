"""spot_check: some documents of a finished harvest once more, each alone."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..refusal import Refusal
from ..subjects.gates.report import REORDERED
from ..subjects.subject import Subject
from ..subjects.tokens import TokenBatch
from ..texts import Texts
from .read import Activations

DOCUMENTS = 8


def spot_check(out: Path, source: Texts, subject: Subject) -> None:
    """Refuse a harvest in which a document has other rows than when it is run again.

    Raises:
        Refusal: with the document and the site.
    """
    stored = Activations(out)
    index = stored.index
    chosen = sorted({round(k * (len(stored.documents) - 1) / (DOCUMENTS - 1)) for k in range(DOCUMENTS)})
    texts = {stored.documents[i]: "" for i in chosen}
    for document in source:
        if document["id"] in texts:
            texts[document["id"]] = document["text"]
    sites = list(stored.sites)
    for i in chosen:
        name, rows = stored.documents[i], stored.document(i)
        vocabulary = subject.vocabulary
        (row,) = vocabulary.rows([texts[name]], min(index["max_length"], subject.context))
        batch = TokenBatch.of([] if row is None else [row], vocabulary.pad)
        ids = batch.ids[batch.scored].tolist()
        if rows["token"].tolist() != ids:
            raise Refusal(
                f"document {name!r} harvested as {len(rows['token'])} rows", f"its {len(ids)} scored tokens", _LOOK
            )
        again = subject.activations(batch, sites)
        for site in sites:
            off = _off(rows[site], again[site][batch.scored].cpu(), subject.hf.dtype, getattr(torch, index["dtype"]))
            if not off <= 1:
                raise Refusal(
                    f"{site} of document {name!r}, {off:.3g} times as far from the same document run alone as rounding explains",
                    "the same rows in any company",
                    _LOOK,
                )


_LOOK = "Look for rows that were filed under another document, cut at another length, or rounded on their way."


def _off(kept: Tensor, again: Tensor, computed: torch.dtype, held: torch.dtype) -> float:
    """The largest difference, as a multiple of what another batch and the stored dtype may change."""
    a, b = kept.double(), again.double()
    if a.shape != b.shape:
        return float("inf")
    allowed = REORDERED[computed] * float(b.square().mean().sqrt())
    coarse = 0.0 if held == torch.float32 else float(torch.finfo(held).eps)
    return float(((a - b).abs() / (allowed + coarse * b.abs()).clamp(min=1e-30)).max())
