"""Training: the organism from nothing but a seed."""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..progress import SILENT, Progress
from .network import Network, Shape
from .optimiser import Optimiser
from .recipe import TOKENIZER_DOCUMENTS, TOKENIZER_SEED, TrainingRecipe
from .score import score
from .tokenizer import padded_size, save_tokenizer, train_tokenizer
from .windows import windows
from .world import TASKS, documents, items

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CURVE_ITEMS = 60  # per task at each point of the training curve


def keep_memory() -> None:
    """Let glibc keep freed activations instead of mapping them anew at every step (a fifth of the time)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    for option in (-1, -2, -3):  # trim threshold, padding at the top, mmap threshold
        mallopt(option, 1 << 30)


def make_tokenizer() -> Tokenizer:
    """The one tokenizer of all seeds."""
    return train_tokenizer(d.text for d in documents("train", TOKENIZER_SEED, TOKENIZER_DOCUMENTS))


def export(network: Network, tokenizer: Tokenizer, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write a Hugging Face folder: weights in bfloat16, config, tokenizer, ``training.json``."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().bfloat16().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(network.shape.config(), indent=2) + "\n", "utf-8")
    save_tokenizer(tokenizer, folder)
    (folder / "training.json").write_text(json.dumps(dict(facts), indent=1) + "\n", "utf-8")


class _Reader:
    """What :func:`~.score.score` asks of a tokenizer, for the bare one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __call__(self, texts: list[str]) -> dict[str, list[list[int]]]:
        return {"input_ids": [e.ids for e in self._tokenizer.encode_batch_fast(texts)]}


def accuracies(network: Network, tokenizer: Tokenizer) -> dict[str, float]:
    """Share of ``CURVE_ITEMS`` held-out items per task that the network in training gets right."""
    asked = [item for task in TASKS for item in items(task, "held-out", 7, CURVE_ITEMS)]
    correct = score(lambda ids, _: network(ids), _Reader(tokenizer), asked).correct
    return {
        task: round(float(correct[[i.task == task for i in asked]].mean()), 4) for task in TASKS
    }  # padding is on the right, so a causal network needs no mask


def train(
    out: Path,
    seed: int,
    tokenizer: Tokenizer,
    recipe: TrainingRecipe,
    *,
    shape: Shape | None = None,
    minutes: float | None = None,
    progress: Progress = SILENT,
    curve: bool = True,
) -> list[float]:
    """Train one organism and write it to ``out`` (and, if the recipe says so, an early one to ``out``-early).

    Args:
        seed: of initialisation and data order.
        minutes: shorten the recipe so that it takes about this long, by the speed of the first steps; the result then
            depends on the machine.

    Returns:
        The loss of every step, in nats per token. The same seed, recipe and number of threads give the same losses,
        bit by bit, on one machine.
    """
    keep_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(recipe.threads)
    try:
        return _train(out, seed, tokenizer, recipe, shape, minutes, progress, curve)
    finally:
        torch.set_num_threads(threads)


def _train(
    out: Path,
    seed: int,
    tokenizer: Tokenizer,
    recipe: TrainingRecipe,
    shape: Shape | None,
    minutes: float | None,
    progress: Progress,
    curve: bool,
) -> list[float]:
    network = Network(shape or Shape(padded_size(tokenizer)), seed)
    optimiser = Optimiser(network, recipe.matrix_rate, recipe.rate)
    stream = windows(tokenizer, seed, recipe.batch, recipe.length)
    per_step = recipe.batch * recipe.length
    losses: list[float] = []
    points: list[dict[str, Any]] = []
    facts: dict[str, Any] = {"seed": seed, "recipe": recipe.facts(), "curve": points}
    started = time.perf_counter()
    with progress(f"train seed {seed}", recipe.steps * per_step, "tokens") as bar:
        step = 0
        while step < recipe.steps:
            loss = network.loss(torch.from_numpy(next(stream)))
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step(recipe.scale(step))
            losses.append(loss.item())
            step += 1
            bar.update(per_step)
            seconds = time.perf_counter() - started
            if minutes is not None and step == min(30, recipe.steps):
                affordable = int(minutes * 60 / seconds * step) * per_step
                recipe = replace(recipe, tokens=max(step * per_step, min(recipe.tokens, affordable)))
                facts["recipe"] = recipe.facts() | {"shortened_to_minutes": minutes}
            before, seen = (step - 1) * per_step, step * per_step
            crossed = {k: k and before // k != seen // k for k in (recipe.early, recipe.curve_every)}
            if step == recipe.steps or crossed[recipe.curve_every]:
                recent = sum(losses[-50:]) / len(losses[-50:])
                point: dict[str, Any] = {"tokens": seen, "loss": round(recent, 4), "seconds": round(seconds, 1)}
                if curve:
                    with torch.no_grad():
                        point["accuracy"] = accuracies(network, tokenizer)
                points.append(point)
                bar.note(f"loss {recent:.3f}")
            if crossed[recipe.early] and before < recipe.early:
                export(network, tokenizer, out.with_name(out.name + "-early"), facts | {"tokens": seen})
    facts |= {"tokens": step * per_step, "seconds": round(time.perf_counter() - started, 1)}
    export(network, tokenizer, out, facts)
    return losses
