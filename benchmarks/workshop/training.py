"""Training four coders from one harvest against four runs of the engine, each with forward passes of its own.

    python -m benchmarks.workshop.training [SHARE OF THE PLAN]

The four are of three kinds, so that sparsify cannot train them in one run; what it can do in one run, seeds of one
kind, is compared as well. Same coders, same number of tokens and of tokens per step; the engine is called as its
documentation does, on torch's default number of threads. Its tokens are packed and ready, and not in its time.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .fresh import fresh
from .scene import Scene, scene
from .turns import head, line, over, seconds, tail

BAR = 2.0
PROMPTS = 32  # a step of the engine; times the context, that is how many rows a step of ours has
KINDS: Mapping[str, dict[str, bool]] = {
    "sae": {},
    "transcoder": {"transcode": True},
    "skip-transcoder": {"transcode": True, "skip_connection": True},
}
FOUR = (("sae", 0), ("sae", 1), ("transcoder", 0), ("skip-transcoder", 0))
OURS, THEIRS = "one harvest and four coders", "four runs of sparsify"
REUSED = "four coders, harvest not counted"
SEEDS, ONE_RUN = "one harvest and four seeds of an SAE", "one run of sparsify with four seeds"


def main(share: float = 0.25) -> None:
    with scene(share) as at:
        ours = f"1 thread each and {os.cpu_count()} at a time in ours, torch's default in the engine's"
        head("training four coders from one harvest against separate runs", ours)
        tokens, taken, kept = fresh(measure, at)
        for name in (OURS, REUSED, THEIRS, SEEDS, ONE_RUN):
            line(f"{name}: seconds", taken[name], digits=1)
        line(f"{THEIRS} / {OURS}", over(taken[THEIRS], taken[OURS]), bar=BAR)
        line(f"{THEIRS} / {REUSED}", over(taken[THEIRS], taken[REUSED]))
        line(f"{ONE_RUN} / {SEEDS}", over(taken[ONE_RUN], taken[SEEDS]))
        fvu = ", ".join(f"{name} {value:.3f}" for name, value in kept.items())
        tail(f"{tokens:,} tokens a coder, a quarter of them harvested; FVU of ours: {fvu}")


def measure(at: Scene) -> tuple[int, dict[str, list[float]], dict[str, float]]:
    """Tokens that each coder sees, seconds of each arm, and the FVU of our four coders."""
    import torch
    from datasets import concatenate_datasets

    rows = PROMPTS * at.plan.max_length
    tokens = at.plan.tokens // rows * rows
    once = _packed(at)
    sequences = tokens // at.plan.max_length
    data = concatenate_datasets([once] * -(-sequences // len(once))).select(range(sequences)).with_format("torch")
    fvu: dict[str, float] = {}
    bench = _Bench(at, rows, tokens, data)
    kinds = {f"{kind}-{seed}": {"kind": kind, "seed": seed} for kind, seed in FOUR}
    seeds = {f"sae-{seed}": {"kind": "sae", "seed": seed} for seed in range(4)}
    harvested, _ = at.harvest()

    def ours(coders: Mapping[str, dict[str, Any]], activations: Path | None = None) -> None:
        source = activations or at.harvest()[0]
        fvu.update({name: about["fvu"] for name, about in bench.ours(coders, source)["coders"].items()})
        if activations is None:
            shutil.rmtree(source)

    def separate() -> None:
        for kind, seed in FOUR:
            bench.theirs(kind, [seed])

    arms = {
        OURS: lambda: ours(kinds),
        THEIRS: separate,
        REUSED: lambda: ours(kinds, harvested),
        SEEDS: lambda: ours(seeds),
        ONE_RUN: lambda: bench.theirs("sae", list(range(4))),
    }
    taken = seconds(arms)
    torch.set_float32_matmul_precision("highest")
    return tokens, taken, {name: fvu[name] for name in kinds}


class _Bench:
    """Both ways of training, on the same number of tokens."""

    def __init__(self, at: Scene, rows: int, tokens: int, data: Any) -> None:
        self.at, self.rows, self.tokens, self.data = at, rows, tokens, data

    def ours(self, coders: Mapping[str, dict[str, Any]], activations: Path) -> dict[str, Any]:
        from mi.coders.train_sparsify import train
        from mi.progress import SILENT

        plan, out = self.at.plan, self.at.new("coders")
        return train(
            out,
            progress=SILENT,
            activations=activations,
            coders={name: {"k": plan.k, "n_latents": plan.n_latents, **about} for name, about in coders.items()},
            site_in=plan.mlp_in,
            site_out=plan.mlp_out,
            tokens=self.tokens,
            batch_rows=self.rows,
        )

    def theirs(self, kind: str, seeds: list[int]) -> None:
        import torch
        from sparsify import SparseCoderConfig, TrainConfig, Trainer
        from transformers import AutoModel

        plan, out = self.at.plan, self.at.new("checkpoints")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model = AutoModel.from_pretrained(self.at.model, dtype=torch.float32)
            config = TrainConfig(
                SparseCoderConfig(num_latents=plan.n_latents, k=plan.k, **KINDS[kind]),
                batch_size=PROMPTS,
                hookpoints=[f"layers.{plan.layer}.mlp"],
                init_seeds=seeds,
                log_to_wandb=False,
                save_dir=str(out),
                run_name="run",
            )
            Trainer(config, self.data, model).fit()
        # The engine leaves this lowered for the rest of the process.
        torch.set_float32_matmul_precision("highest")


def _packed(at: Scene) -> Any:
    """The texts as the engine packs them: full contexts, documents separated by a special token."""
    from datasets import Dataset
    from sparsify.data import chunk_and_tokenize
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(at.model)
    texts = Dataset.from_dict({"text": at.lines})
    with contextlib.redirect_stderr(io.StringIO()):
        return chunk_and_tokenize(texts, tokenizer, max_seq_len=at.plan.max_length, num_proc=None)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
