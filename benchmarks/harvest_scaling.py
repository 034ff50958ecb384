"""A harvest in two parts on one worker and on two, through every engine that is here.

    python -m benchmarks.harvest_scaling [TIMES THE PLAN'S DOCUMENTS [ENGINE ...]]

Counted are both parts and their merge; texts, the start of engine and workers, and their imports are not, except on Modal,
whose containers are new for each build. There it is the loopback on this machine. One thread each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.plan import plan_for
from fixtures.recipes import TRAIN, VERSIONS, Recipes
from mi.subjects.spec import subject_spec
from runners.recipe import Recipe

from .engines import engines, use
from .workshop.fresh import fresh
from .workshop.turns import ROUNDS, head, line, over, tail

if TYPE_CHECKING:
    from runners.conductor import Conductor

NAMES = ("local", "ray", "modal")
WORKERS = (1, 2)
PARTS = 2
HARVEST, MERGE, WORLD = "mi.activations.harvest:harvest", "mi.activations.merge:merge", "mi.texts:world"
SHARD = 16_384  # rows; several for each part of the plan's harvest
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def main(times: float = 1.0, *names: str) -> None:
    documents = int(times * plan_for(subject_spec("organism")).documents)
    with engines(*(names or NAMES)) as (here, absent), tempfile.TemporaryDirectory() as folder:
        head(f"a harvest in {PARTS} parts, on one worker and on two", "1 thread a worker")
        for name, environment in here.items():
            taken: dict[int, list[float]] = {n: [] for n in WORKERS}
            for k in range(ROUNDS):
                for n in WORKERS:
                    store = Path(folder) / f"{name}-{n}-{k}"
                    taken[n].append(fresh(measure, name, environment, store, n, documents))
            for n in WORKERS:
                line(f"{name}, workers: {n}", taken[n], "s", digits=1)
            line(f"{name}, one worker / two workers", over(taken[1], taken[2]))
        for name, why in absent.items():
            print(f"  {name}: not measured, {why}")
        tail(f"{documents:,} documents")


def measure(name: str, environment: Mapping[str, str], folder: Path, workers: int, documents: int) -> float:
    """Seconds of two parts and their merge."""
    use({**environment, **ONE_THREAD})
    runner = opened(name, folder, workers)
    try:
        # Small ones first, at the same time: every worker has then imported what it needs.
        runner.build_all([r for seed in range(workers) for r in merged(400, seed, 1_024).inputs.values()])
        whole = merged(documents, workers, SHARD)
        runner.build_all([part.inputs["texts"] for part in whole.inputs.values()])
        begun = time.perf_counter()
        runner.build(whole)
        return time.perf_counter() - begun
    finally:
        runner.close()


def opened(name: str, folder: Path, workers: int) -> Conductor:
    """A conductor whose engine has so many workers."""
    from runners.conductor import Conductor
    from runners.engines.local import LocalEngine
    from runners.engines.pool import Slot
    from runners.progress import SILENT
    from runners.runner import open_runner
    from runners.store import Store

    store = Store(folder)
    if name != "local":
        return open_runner(name, store, width=workers)
    return Conductor(LocalEngine(store, SILENT, places=[Slot(None, 1)] * workers), store, SILENT, width=workers)


def merged(documents: int, seed: int, shard: int) -> Recipe:
    """A harvest of all sites of the organism, in parts."""
    spec = subject_spec("organism")
    plan = plan_for(spec)
    params = {"split": TRAIN, "seed": seed, "n": documents, "kinds": None}
    texts = Recipe(WORLD, VERSIONS[WORLD], params, label=f"texts {seed}")
    about = {"subject": dict(spec), "sites": Recipes(spec, plan).sites, "max_length": plan.max_length}
    about |= {"shard_rows": shard, "parts": PARTS}
    parts = {
        f"part{k}": Recipe(HARVEST, VERSIONS[HARVEST], {**about, "part": k}, {"texts": texts}, label=f"part {k}")
        for k in range(PARTS)
    }
    return Recipe(MERGE, VERSIONS.get(MERGE, 1), {}, parts, label="merged")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *sys.argv[2:])
