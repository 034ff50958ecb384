"""Tasks: trials grouped by scene and seed, so that a process prepares a clean pipeline once, and run on some processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from runners.progress import progress_on

from .mutant import Mutant
from .report import Report, report
from .trial import Clean, Trial, attempt, clean_run

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
    "WANDB_SILENT": "true",
    "JAXTYPING_DISABLE": "1",
    "SPARSIFY_DISABLE_TRITON": "1",
    "TQDM_DISABLE": "1",
}
CHUNK = 6


class Task(NamedTuple):
    """Some mutants of one scene on one seed."""

    scene: str
    seed: int
    mutants: tuple[str, ...]


class Done(NamedTuple):
    trials: list[Trial]
    alarms: list[str]


def run(mutants: Sequence[Mutant], seeds: int, jobs: int) -> Report:
    """Every mutant on every seed; the number of jobs changes when results come, not what they are."""
    began = time.monotonic()
    tasks = list(cut(mutants, seeds))
    trials: list[Trial] = []
    alarms: list[str] = []
    with progress_on(sys.stderr)("silent bugs", len(mutants) * seeds, "trials") as bar:
        for done in _results(tasks, jobs):
            trials += done.trials
            alarms += done.alarms
            bar.update(len(done.trials))
    made = report(mutants, trials, alarms, seeds)
    made.seconds = time.monotonic() - began
    return made


def cut(mutants: Iterable[Mutant], seeds: int) -> Iterator[Task]:
    """Neighbouring tasks share scene and seed."""
    scenes: dict[str, list[str]] = {}
    for mutant in mutants:
        scenes.setdefault(mutant.scene, []).append(mutant.id)
    for scene, ids in scenes.items():
        for seed in range(seeds):
            for k in range(0, len(ids), CHUNK):
                yield Task(scene, seed, tuple(ids[k : k + CHUNK]))


def _results(tasks: Sequence[Task], jobs: int) -> Iterator[Done]:
    if jobs == 1:
        start()
        yield from map(work, tasks)
        return
    # Spawned, not forked: a fork of a process that has used torch's threads can hang.
    with multiprocessing.get_context("spawn").Pool(jobs, start) as pool:
        yield from pool.imap_unordered(work, tasks)


def start() -> None:
    """What a process sets before the first heavy import."""
    os.environ.update(ENVIRONMENT)
    import torch

    torch.set_num_threads(1)
    from transformers.utils import logging

    logging.disable_progress_bar()


def work(task: Task) -> Done:
    """One task in this process."""
    from .registry import BY_ID
    from .scenes import prepared

    clean = cleaned(task.scene, task.seed)
    scene = prepared(task.scene, task.seed)
    alarms = [f"{task.scene} (seed {task.seed}): {alarm}" for alarm in clean.alarms]
    return Done([attempt(BY_ID[i], scene, clean) for i in task.mutants], alarms)


@lru_cache(maxsize=4)
def cleaned(scene: str, seed: int) -> Clean:
    """The clean run of a prepared scene."""
    from .scenes import prepared

    return clean_run(prepared(scene, seed))
