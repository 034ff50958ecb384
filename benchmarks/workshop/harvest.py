"""Harvest against the Hugging Face model's bare forward pass over the same batches.

    python -m benchmarks.workshop.harvest [SHARE OF THE PLAN]

Everything is in our time: loading the model, tokenizing, reading the sites, checking and writing them, hashing the
shards, and, where it says so, publishing in the store. The bare pass has its batches ready, and throws its logits away.
"""

from __future__ import annotations

import shutil
import sys
from typing import Any
from unittest.mock import patch

from fixtures.recipes import TRAIN
from runners.recipe import Recipe

from .fresh import fresh
from .scene import Scene, scene
from .turns import head, line, over, seconds, tail

BAR = 0.8
BARE, STOPPED = "bare forward pass", "bare forward pass, stopped at the last site"
OURS, STORED = "harvest", "harvest into the store"


def main(share: float = 1.0) -> None:
    with scene(share) as at:
        head("harvest against the bare forward pass", "torch's default number of threads in every arm")
        tokens, load, taken = fresh(measure, at)
        for name in (BARE, STOPPED, OURS, STORED):
            line(f"{name}, tokens/s", [tokens / s for s in taken[name]], digits=0)
        line("of a harvest, loading the model: seconds", load)
        line(f"{OURS} / {BARE}", over(taken[BARE], taken[OURS]), bar=BAR)
        line(f"{STORED} / {BARE}", over(taken[BARE], taken[STORED]))
        line(f"{OURS} / {STOPPED}", over(taken[STOPPED], taken[OURS]))
        tail(f"{tokens:,} tokens")


def measure(at: Scene) -> tuple[int, list[float], dict[str, list[float]]]:
    """Tokens, seconds of loading, and seconds of each arm."""
    import torch

    from mi.subjects.load import load_hf, load_subject
    from mi.subjects.subject import Subject

    batches: list[dict[str, Any]] = []
    stream = Subject.stream

    def recorded(self: Subject, batch: Any, reads: Any) -> None:
        batches.append(self.inputs(batch))
        stream(self, batch, reads)

    recipe = at.recipes.activations(TRAIN)
    at.runner.build_all(list(recipe.inputs.values()))
    with patch.object(Subject, "stream", recorded):
        tokens = at.harvest()[1]["tokens"]
    hf, last = load_hf(at.spec), load_subject(at.spec).places[at.sites[-1]].module

    def bare() -> None:
        with torch.no_grad():
            for batch in batches:
                hf(**batch)

    def stopped() -> None:
        handle = hf.get_submodule(last).register_forward_hook(_stop)
        with torch.no_grad():
            for batch in batches:
                try:
                    hf(**batch)
                except _Enough:
                    continue
        handle.remove()

    def stored() -> None:
        # Another shard size is another recipe, so that each round builds.
        stored.rows -= 1
        at.runner.build(
            Recipe(recipe.build, recipe.version, {**recipe.params, "shard_rows": stored.rows}, recipe.inputs)
        )

    stored.rows = 65536
    arms = {BARE: bare, OURS: lambda: shutil.rmtree(at.harvest()[0]), STORED: stored, STOPPED: stopped}
    taken = seconds(arms)
    return tokens, seconds({"load": lambda: load_subject(at.spec).places})["load"], taken


class _Enough(Exception):
    pass


def _stop(*_: Any) -> None:
    raise _Enough


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
