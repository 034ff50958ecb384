"""Peak memory of harvesting and of training against the size of the corpus: x1, x4, x16.

    python -m benchmarks.workshop.memory [SHARE]

Each figure is the high-water mark of resident memory of a process of its own, all sizes in turns. A corpus of
activations is made larger by linking the shards of a small one, which training cannot tell from others.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mi.activations.index import DOCUMENTS, DOMAINS, HASHES, INDEX, shard_file
from mi.texts import FILE

from .fresh import fresh, fresh_with_peak
from .scene import Scene, scene
from .turns import ROUNDS, head, line, over, tail

SIZES = (1, 4, 16)
SHARD = 65_536  # rows; the builder's default
POOL = 4 * SHARD  # rows of two sites of this width that training shuffles together, 256 MiB


def main(share: float = 1.0) -> None:
    shard = int(SHARD * share)
    with scene() as at:
        head("peak memory against corpus size", "torch's default number of threads")
        report("harvest", shard, _texts(at, shard), lambda texts: fresh_with_peak(harvest, at, texts, shard)[1])
        corpora = _activations(at, shard)
        report("training", POOL * shard // SHARD, corpora, lambda out: fresh_with_peak(train, at, out)[1])
        tail(f"a coder with {at.plan.n_latents} latents, {POOL:,} rows shuffled together")


def report(what: str, rows: int, corpora: dict[int, Path], peak: Callable[[Path], float]) -> None:
    """Peaks by size, and what is beyond a process that has only imported."""
    base: list[float] = []
    peaks: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS):
        base.append(fresh_with_peak(nothing)[1])
        for size, folder in corpora.items():
            peaks[size].append(peak(folder))
    line("imports alone", base, "MiB", digits=0)
    for size in SIZES:
        line(f"{what}, {size * rows:,} rows (x{size})", peaks[size], "MiB", digits=0)
    for size in SIZES[1:]:
        line(f"{what}, x{size} / x1", over(peaks[size], peaks[1]))
        own, first = ([p - b for p, b in zip(peaks[s], base, strict=True)] for s in (size, 1))
        line(f"{what}, x{size} / x1, imports not counted", over(own, first))


def nothing() -> None:
    """Only imports."""


def harvest(at: Scene, texts: Path, shard: int) -> None:
    """Harvest all of ``texts``."""
    shutil.rmtree(at.harvest(texts, max_rows=None, shard_rows=shard)[0])


def train(at: Scene, activations: Path) -> None:
    """One pass over ``activations`` by one coder."""
    from mi.activations.read import Activations
    from mi.coders.train_sparsify import train
    from mi.progress import SILENT

    train(
        at.new("coder"),
        progress=SILENT,
        activations=activations,
        coders={"sae": {"kind": "sae", "seed": 0, "k": 4, "n_latents": 64}},
        site_in=at.plan.mlp_in,
        site_out=at.plan.mlp_out,
        tokens=Activations(activations).n_rows,
        batch_rows=4096,
    )


def _texts(at: Scene, rows: int) -> dict[int, Path]:
    """Texts with about ``rows`` tokens, and with 4 and 16 times as many: the same ones under other ids."""
    lines = (at.texts / FILE).read_text("utf-8").splitlines()
    lines = lines[: int(len(lines) * rows / at.plan.rows)]
    made = {}
    for size in SIZES:
        made[size] = at.new(f"texts-x{size}")
        with (made[size] / FILE).open("w", encoding="utf-8") as file:
            for again in range(size):
                file.writelines(line.replace(': "', f': "{again}-', 1) + "\n" for line in lines)
    return made


def _activations(at: Scene, shard: int) -> dict[int, Path]:
    """A harvest of four shards, and corpora of 4 and 16 times as many rows made of its files."""
    first = fresh(_four_shards, at, shard)
    index: dict[str, Any] = json.loads((first / INDEX).read_text("utf-8"))
    made = {1: first}
    for size in SIZES[1:]:
        made[size] = at.new(f"activations-x{size}")
        for number in range(4 * size):
            os.link(shard_file(first, number % 4), shard_file(made[size], number))
        for name in (DOCUMENTS, DOMAINS, HASHES):
            shutil.copyfile(first / name, made[size] / name)
        whole = {**index, "rows": index["rows"] * size, "sha256": index["sha256"] * size}
        (made[size] / INDEX).write_text(json.dumps(whole), "utf-8")
    return made


def _four_shards(at: Scene, shard: int) -> Path:
    return at.harvest(max_rows=4 * shard, shard_rows=shard, sites=[at.plan.mlp_in, at.plan.mlp_out])[0]


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
