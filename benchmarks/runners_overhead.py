"""What an engine adds to a build: the seconds of tiny builds through it, less those of the same in this process.

    python -m benchmarks.runners_overhead [BUILDS]

Every engine runs in a process of its own and has built something before, so that its workers are there where it keeps them.
Modal is the loopback of its server on this machine: a new container for each build, and no network.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from fixtures.recipes import VERSIONS
from runners.recipe import Recipe

from .engines import engines, use
from .workshop.fresh import fresh
from .workshop.turns import ROUNDS, head, line, tail

NAMES = ("inline", "local", "ray", "modal")
TINY = "mi.texts:world"  # one document: a few milliseconds, and no library


def main(builds: int = 10) -> None:
    with engines(*NAMES) as (here, absent), tempfile.TemporaryDirectory() as folder:
        head(f"what an engine adds to a build, {builds} at once", "as many workers as each engine takes")
        per_build: dict[str, list[float]] = {}
        for name, environment in here.items():
            first, taken = fresh(measure, name, environment, Path(folder) / name, builds)
            per_build[name] = [s / builds for s in taken]
            line(f"{name}: the first build, with everything that has to start", [first], "s")
            line(f"{name}: each further build", [1000 * s for s in per_build[name]], "ms", digits=1)
            if name != "inline":
                base = median(per_build["inline"])
                line(f"{name}: more than inline", [1000 * (s - base) for s in per_build[name]], "ms", digits=1)
        for name, why in absent.items():
            print(f"  {name}: not measured, {why}")
        tail(f"{ROUNDS} rounds of {builds} builds that write one line each")


def measure(name: str, environment: Mapping[str, str], folder: Path, builds: int) -> tuple[float, list[float]]:
    """Seconds of the first build, and of each round of ``builds`` others."""
    use(environment)
    from runners.runner import open_runner
    from runners.store import Store

    runner = open_runner(name, Store(folder))
    begun = time.perf_counter()
    runner.build(tiny(0))
    first, taken = time.perf_counter() - begun, []
    try:
        for k in range(ROUNDS):
            recipes = [tiny(1 + k * builds + n) for n in range(builds)]
            begun = time.perf_counter()
            runner.build_all(recipes)
            taken.append(time.perf_counter() - begun)
    finally:
        runner.close()
    return first, taken


def tiny(seed: int) -> Recipe:
    """One document, another one for each seed."""
    return Recipe(TINY, VERSIONS[TINY], {"split": "train", "seed": seed, "n": 1, "kinds": None}, label=f"tiny {seed}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
