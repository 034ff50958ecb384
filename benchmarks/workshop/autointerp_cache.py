"""Caching latents for auto-interp, against delphi's LatentCache on the same model, tokens and coder.

    python -m benchmarks.workshop.autointerp_cache [SHARE OF THE PLAN]

Ratios within one run. delphi's has its model, coder and tokens ready, runs the model, encodes with sparsify, and saves one
split. Ours reads a harvest, counts the firings of all latents, and encodes some windows a second time; the harvest, where
it is counted, loads the model, tokenizes, writes and checks. Both keep the same latents. The coder has random weights.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .fresh import fresh
from .scene import Scene, scene
from .turns import head, line, over, seconds, tail

BAR = 1.0
TOKENS, BATCH = 17, 32  # a row, BOS included: delphi wants rows of one length; and rows of a batch
KEPT = 100
CACHE, BOTH, THEIRS = "cache here, from a harvest", "harvest and cache here", "delphi's LatentCache"


def main(share: float = 0.5) -> None:
    with scene(share) as at:
        head("latents cached for auto-interp", "1 thread")
        tokens, taken = fresh(measure, at)
        for name in (CACHE, BOTH, THEIRS):
            line(f"{name}: tokens/s", [tokens / s for s in taken[name]], digits=0)
        line(f"{CACHE} / {THEIRS}", over(taken[THEIRS], taken[CACHE]), bar=BAR)
        line(f"{BOTH} / {THEIRS}", over(taken[THEIRS], taken[BOTH]))
        tail(f"{tokens:,} tokens in rows of {TOKENS}, {at.plan.n_latents} latents, {KEPT} of them kept")


def measure(at: Scene) -> tuple[int, dict[str, list[float]]]:
    """Tokens, and seconds of each arm."""
    import torch

    from mi.autointerp.cache import cache
    from mi.autointerp.registered import draw
    from mi.progress import SILENT
    from mi.subjects.load import load_subject

    torch.set_num_threads(1)
    site, kept = at.plan.mlp_out, draw(at.plan.n_latents, KEPT)
    model = load_subject(at.spec)
    texts, ids = _texts(at, model)
    coders = _coder(at.new("coders"), site, model.hf.config.hidden_size, at.plan.n_latents, at.plan.k)
    sites: dict[str, Any] = {"sites": [site], "max_length": TOKENS, "max_rows": None}
    ready = at.harvest(texts, **sites)[0]

    def ours(rows: Path) -> None:
        params = {"activations": rows, "coders": coders, "coder": "sae", "latents": kept}
        cache(at.new("cache"), progress=SILENT, **params)

    delphi = _delphi(at, model, coders, ids, kept)
    arms: dict[str, Callable[[], object]] = {
        CACHE: lambda: ours(ready),
        THEIRS: delphi,
        BOTH: lambda: ours(at.harvest(texts, **sites)[0]),
    }
    delphi()  # its first run compiles
    return ids.numel(), seconds(arms)


def _texts(at: Scene, model: Any) -> tuple[Path, Any]:
    """Documents of at least ``TOKENS``, and the ids to which they are cut."""
    lines = at.lines
    rows = model.vocabulary.rows(lines, TOKENS)
    long = [lines[i] for i, row in enumerate(rows) if row is not None and len(row.ids) == TOKENS]
    long = long[: len(long) // BATCH * BATCH]  # delphi leaves out what does not fill a batch
    folder = at.new("texts")
    made = [json.dumps({"id": f"d{i}", "text": text, "domain": "d"}) for i, text in enumerate(long)]
    (folder / "documents.jsonl").write_text("\n".join(made) + "\n", "utf-8")
    return folder, model.tokens(long, TOKENS).ids


def _coder(folder: Path, site: str, width: int, n_latents: int, k: int) -> Path:
    import torch

    from mi.coders.coder import CoderFacts
    from mi.coders.linear_coder import Gate, LinearCoder
    from mi.coders.load import save_coder

    dice = torch.Generator().manual_seed(0)
    W_enc, W_dec = (torch.randn(n_latents, width, generator=dice) for _ in range(2))
    b_dec = torch.randn(width, generator=dice)
    facts = CoderFacts("sparsify", "sae", "topk", site, site, width, width, n_latents, k=k, seed=0)
    coder = LinearCoder(facts, W_enc, torch.zeros(n_latents), W_dec, b_dec, Gate("topk", k=k), input_bias=b_dec)
    save_coder(coder, folder / "sae")
    return folder


def _delphi(at: Scene, model: Any, coders: Path, ids: Any, kept: list[int]) -> Callable[[], object]:
    import torch
    from sparsify import SparseCoder

    from mi.autointerp.delphi_engine import load

    LatentCache = load("delphi.latents.cache").LatentCache
    dense = load("delphi.sparse_coders.load_sparsify").sae_dense_latents
    coder = SparseCoder.load_from_disk(coders / "sae", device="cpu")
    module = model.places[at.plan.mlp_out].module

    def run() -> None:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            caching = LatentCache(
                model.hf, {module: lambda x: dense(x, coder)}, batch_size=BATCH, filters={module: torch.tensor(kept)}
            )
            caching.run(ids.numel(), ids)
            caching.save_splits(1, at.new("delphi"))

    return run


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
