"""spot_check: some pooled texts once more, each alone and without padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..coders.coder import Coder
from ..refusal import Refusal
from ..subjects.gates.report import REORDERED
from ..subjects.subject import Subject
from ..subjects.tokens import Row, TokenBatch
from .labelled import Labelled
from .pooled import EMBEDDING_SITE, TOKENS, Pooled

TEXTS = 8
SWITCHED = 1  # texts that may have other latents: of two that are equal up to rounding, a TopK coder takes either


def spot_check(
    out: Path,
    examples: Labelled,
    model: Subject,
    coders: Mapping[str, Coder],
    sites: Sequence[str],
    pooling: str,
    max_length: int,
) -> None:
    """Refuse pooled rows that are not those of the text they are filed under.

    Raises:
        Refusal: with the text and what was pooled; or a token-only baseline that knows more than tokens.
    """
    stored = Pooled(out)
    chosen = sorted({round(k * (len(examples) - 1) / (TEXTS - 1)) for k in range(TEXTS)})
    rows = model.vocabulary.rows([examples.texts[i] for i in chosen], max_length)
    kept = {name: torch.from_numpy(stored.rows(name)[chosen]) for name in (TOKENS, *sites, *coders)}
    other = dict.fromkeys(coders, 0)
    for k, row in enumerate(rows):
        for name, again in _alone(model, row, coders, sites, pooling).items():
            off = _off(kept[name][k], again, model.hf.dtype)
            if off <= 1:
                continue
            if name in other and other[name] < SWITCHED:
                other[name] += 1
                continue
            raise Refusal(
                f"{name} of text {examples.ids[chosen[k]]!r}, {off:.3g} times as far from the same text run alone as "
                "rounding explains",
                f"the {pooling} of its own scored tokens",
                "Look for rows filed under another text, for padding among what is read, or for another coder.",
            )
    _require_tokens_only(model, [row for row in rows if row is not None])


def _alone(
    model: Subject, row: Row | None, coders: Mapping[str, Coder], sites: Sequence[str], pooling: str
) -> dict[str, Tensor]:
    batch = TokenBatch.of([] if row is None else [row], model.vocabulary.pad)
    found = model.activations(batch, [EMBEDDING_SITE, *sites])
    x = {site: values[0][batch.scored[0].to(values.device)] for site, values in found.items()}
    with torch.no_grad():
        z = {name: coder.encode(x[coder.site_in]) for name, coder in coders.items()}
    pooled = {name: v[-1] if pooling == "last" else v.mean(0) for name, v in {**x, **z}.items() if name in (*sites, *z)}
    return {**pooled, TOKENS: x[EMBEDDING_SITE].mean(0)}


def _off(kept: Tensor, again: Tensor, dtype: torch.dtype) -> float:
    """The largest difference, as a multiple of what another batch may change."""
    a, b = kept.double().cpu(), again.double().cpu()
    active = b[b != 0]
    allowed = REORDERED[dtype] * float(active.square().mean().sqrt()) if len(active) else 0.0
    return float((a - b).abs().max()) / max(allowed, 1e-30)


def _require_tokens_only(model: Subject, rows: Sequence[Row]) -> None:
    """What enters the first block at a position does not change with the tokens elsewhere."""
    for row in rows:
        half = len(row.ids) // 2
        turned = (*row.ids[:1], *reversed(row.ids[1:half]), *row.ids[half:])
        pair = TokenBatch.of([row, Row(row.text, turned, row.scored)], model.vocabulary.pad)
        values = model.activations(pair, [EMBEDDING_SITE])[EMBEDDING_SITE].double().cpu()
        same = pair.ids[0] == pair.ids[1]
        gap = float((values[0] - values[1])[same].abs().max())
        if not gap <= REORDERED[model.hf.dtype] * float(values.square().mean().sqrt()):
            raise Refusal(
                f"a token-only baseline read at {EMBEDDING_SITE}, where a position changes by {gap:.2g} with the order "
                "of the words before it",
                "the same values for the same token at the same position",
                "Read what enters the first block: the baseline must not know what the model made of the tokens.",
            )
