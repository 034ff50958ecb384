"""Harvest and coder training at the shape of Gemma-2-2B, random weights, on a GPU: tokens per second, and what they lose.

    python -m benchmarks.gpu_speed [--shape tiny]

Against the bare forward pass of the same batches, and against sparsify's own run, which makes its activations as it goes.
Needs a CUDA GPU with 24 GB, 20 GB of main memory and 30 GB of disk; ``--shape tiny`` tries the benchmark itself on a CPU,
and its numbers say nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from fixtures.plan import Plan
from mi.device import VARIABLE
from mi.progress import SILENT
from mi.subjects.spec import subject_spec
from mi.subjects.tiny import WORDS, make_tiny
from mi.texts import FILE

from .workshop.fresh import fresh
from .workshop.turns import head, line, over, seconds, tail

if TYPE_CHECKING:
    from mi.subjects.subject import Subject

BARE, STOPPED, HARVEST = "bare forward pass", "bare forward pass, stopped at the last site", "harvest"
TRAIN, BOTH, THEIRS = "training one SAE, the harvest there", "harvest and training one SAE", "sparsify's own run"


@dataclass(frozen=True)
class Shape:
    """Of a Gemma-2, its coders, and how much of both is run.

    Attributes:
        latents, k: of a TopK SAE of what the middle MLP writes.
        documents: of ``length`` tokens each.
    """

    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    latents: int
    k: int
    documents: int
    length: int
    batch: int = 32

    @property
    def plan(self) -> Plan:
        """Sites in the middle, as for the real one."""
        tokens = self.documents * (self.length - 1)
        about = (self.latents, self.k, "world", self.documents, 1, self.length, tokens, 1)
        return Plan(self.layers * 12 // 26, *about)


SHAPES = {
    "gemma-2-2b": Shape(26, 2304, 9216, 8, 4, 256, 256_000, 16_384, 64, 1_024, 128),
    "tiny": Shape(4, 64, 128, 4, 2, 32, 1_000, 256, 8, 512, 64),
}


def main(shape: str = "gemma-2-2b") -> None:
    of = SHAPES[shape]
    device = "cpu" if shape == "tiny" else "cuda"
    if device == "cuda" and not fresh(has_cuda):
        print("harvest and training at Gemma-2-2B's shape: not measured, needs a GPU (CUDA) and there is none\n")
        return
    with tempfile.TemporaryDirectory() as name:
        head(f"harvest and training at the shape {shape}", f"random weights, {device}")
        tokens, taken, about = fresh(measure, Path(name), of, device)
    for arm in (BARE, STOPPED, HARVEST, TRAIN, BOTH, THEIRS):
        line(f"{arm}, tokens/s", [tokens / s for s in taken[arm]], digits=0)
    for one, other in ((HARVEST, BARE), (HARVEST, STOPPED), (TRAIN, BARE), (TRAIN, THEIRS), (BOTH, THEIRS)):
        line(f"{one} / {other}", over(taken[other], taken[one]))
    tail(f"{tokens:,} tokens, {of.latents:,} latents, {about}")


def has_cuda() -> bool:
    """Asked in a process of its own, so that this one starts no CUDA."""
    import torch

    return torch.cuda.is_available()


def measure(folder: Path, shape: Shape, device: str) -> tuple[int, dict[str, list[float]], str]:
    """Tokens that each arm runs, seconds of each arm, and on what."""
    os.environ[VARIABLE] = device
    import torch

    from mi.activations import harvest as harvesting
    from mi.coders.train_sparsify import train
    from mi.subjects import load

    plan = shape.plan
    spec, texts = subject_spec(str(model(folder / "model", shape))), documents(folder / "texts", shape)
    subject = load.load_subject(spec)
    batches = _batches(subject, texts, shape)
    tokens = sum(int(batch["attention_mask"].sum()) for batch in batches)
    sites = [plan.mlp_in, plan.mlp_out, plan.residual]
    last = subject.hf.get_submodule(subject.places[plan.residual].module)
    kept = folder / "activations"

    def waited(run: Callable[[], object]) -> Callable[[], None]:
        def arm() -> None:
            run()
            if device == "cuda":
                torch.cuda.synchronize()

        return arm

    def bare() -> None:
        with torch.no_grad():
            for batch in batches:
                with contextlib.suppress(_Enough):
                    subject.hf(**batch)

    def stopped() -> None:
        handle = last.register_forward_hook(_stop)
        bare()
        handle.remove()

    def harvest() -> None:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        about = {"subject": spec, "sites": sites, "max_length": shape.length, "batch_size": shape.batch}
        with patch.object(load, "load_subject", lambda _: subject):  # reading 10 GB is no part of the speed
            harvesting.harvest(kept, progress=SILENT, texts=texts, **about)

    def ours() -> None:
        train(
            _empty(folder / "coders"),
            progress=SILENT,
            activations=kept,
            coders={"sae": {"kind": "sae", "seed": 0, "k": shape.k, "n_latents": shape.latents}},
            site_in=plan.mlp_in,
            site_out=plan.mlp_out,
            tokens=plan.tokens,
            batch_rows=shape.batch * shape.length,
        )

    def both() -> None:
        harvest()
        ours()

    def theirs() -> None:
        _sparsify(_empty(folder / "checkpoints"), subject.hf, batches, shape)

    arms = {BARE: bare, STOPPED: stopped, HARVEST: harvest, TRAIN: ours, BOTH: both, THEIRS: theirs}
    for run in (bare, harvest, ours):  # kernels are chosen and memory is taken on the first call
        waited(run)()
    taken = seconds({name: waited(run) for name, run in arms.items()})
    where = "cpu"
    if device == "cuda":
        where = f"{torch.cuda.get_device_name()}, {torch.cuda.max_memory_allocated() / 1e9:.0f} GB at the peak"
    return tokens, taken, where


def model(folder: Path, shape: Shape) -> Path:
    """Random weights of this shape, with a small tokenizer."""
    return make_tiny(
        folder,
        "gemma2",
        layers=shape.layers,
        d_model=shape.width,
        context=8_192,
        intermediate_size=shape.inner,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        query_pre_attn_scalar=shape.head_dim,
        sliding_window=4_096,
        vocab_size=shape.vocabulary,
    )


def documents(folder: Path, shape: Shape) -> Path:
    """Texts that fill every row to the end."""
    folder.mkdir()
    draw, words = random.Random(0), WORDS.split()
    with (folder / FILE).open("w", encoding="utf-8") as file:
        for k in range(shape.documents):
            text = " ".join(draw.choices(words, k=shape.length))
            file.write(json.dumps({"id": str(k), "domain": "words", "text": text}) + "\n")
    return folder


def _batches(subject: Subject, texts: Path, shape: Shape) -> list[dict[str, Any]]:
    lines = [json.loads(text)["text"] for text in (texts / FILE).read_text("utf-8").splitlines()]
    return [subject.inputs(batch) for batch in subject.tokens(lines, shape.length).split(shape.batch)]


def _sparsify(out: Path, hf: Any, batches: list[dict[str, Any]], shape: Shape) -> None:
    """The engine as its documentation calls it, on tokens that are ready."""
    import torch
    from datasets import Dataset
    from sparsify import SparseCoderConfig, TrainConfig, Trainer

    rows = [row for batch in batches for row in batch["input_ids"].tolist()]
    data = Dataset.from_dict({"input_ids": rows}).with_format("torch")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        config = TrainConfig(
            SparseCoderConfig(num_latents=shape.latents, k=shape.k),
            batch_size=shape.batch,
            hookpoints=[f"layers.{shape.plan.layer}.mlp"],
            init_seeds=[0],
            log_to_wandb=False,
            save_dir=str(out),
            run_name="run",
        )
        Trainer(config, data, hf.base_model).fit()
    torch.set_float32_matmul_precision("highest")  # the engine leaves this lowered for the rest of the process


class _Enough(Exception):
    pass


def _stop(*_: Any) -> None:
    raise _Enough


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_speed", description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, default="gemma-2-2b")
    main(parser.parse_args().shape)
