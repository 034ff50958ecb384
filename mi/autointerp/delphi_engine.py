"""delphi's own code, imported without what it does not need here, and with its traps closed.

delphi 0.1.3 requires vLLM at import time for clients that are not used here. It decodes token ids itself, in a way that
transformers 5 understands otherwise, so it is only given strings. Its embedding and surprisal scorers have files of
their own; docs/design/0015 lists what was found.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..refusal import Refusal
from ..subjects.errors import NotHere
from .latent_examples import Example
from .scorer import DETECTION, Question
from .windows import Ints

FIX = "python -m pip install --no-deps -r requirements.lock"
Message = dict[str, str]


class _Absent:
    """Stands where delphi wants a class at import time; using it is an error."""

    def __init__(self, *_: object, **__: object) -> None:
        raise ImportError(
            "left out of this environment: vLLM serves in a process of its own, see docs/guide/autointerp.md"
        )


# Imported by delphi and used by nothing that runs here: vLLM pins another torch, faiss and blobfile serve hard
# negatives and cloud folders, tiktoken the simulation scorer.
_LEFT_OUT: dict[str, dict[str, Any]] = {
    "vllm": {"LLM": _Absent, "SamplingParams": _Absent},
    "vllm.distributed": {},
    "vllm.distributed.parallel_state": {
        "destroy_distributed_environment": _Absent,
        "destroy_model_parallel": _Absent,
    },
    "vllm.inputs": {"TokensPrompt": dict},
    "faiss": {},
    "blobfile": {},
    "tiktoken": {},
}


@cache
def load(name: str) -> ModuleType:
    """A module of delphi, such as ``"delphi.latents.constructors"``.

    Raises:
        NotHere: not installed, or not importable.
    """
    try:
        with _stand_ins():
            module = importlib.import_module(name)
    except ImportError as error:
        raise NotHere(f"delphi is not installed ({error})", fix=FIX) from error
    # asyncio shows every finished task's result in its own repr: with whole tensors that is most of the run time.
    scorer = sys.modules.get("delphi.scorers.scorer")
    if scorer is not None:
        scorer.ScorerResult.__repr__ = lambda result: "<ScorerResult>"
    return module


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Stand-ins for what is not installed, for the time of an import: others must not think that vLLM is here."""
    made = []
    for name, content in _LEFT_OUT.items():
        top = name.partition(".")[0]
        if top in sys.modules and top not in made:
            continue
        if top == name and _installed(name):
            continue
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None, is_package=True)
        module.__path__ = []
        module.__dict__.update(content)
        sys.modules[name] = module
        made.append(name)
    try:
        yield
    finally:
        for name in made:
            sys.modules.pop(name, None)


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


@contextmanager
def own_dice(seed: int) -> Iterator[None]:
    """delphi seeds the global generators; here it gets them for itself and gives them back as they were."""
    python, tensors = random.getstate(), torch.get_rng_state()
    random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        torch.set_rng_state(tensors)


def explainer_prompt(examples: Sequence[Example]) -> list[Message]:
    """Messages that ask for an explanation of windows in which a latent fires; the answer has ``[EXPLANATION]: ``."""
    explainers, latents = load("delphi.explainers"), load("delphi.latents.latents")
    if not examples:
        raise Refusal("no window to explain from", "windows of training texts in which it fires", "Sample some.")
    strongest = max(max(e.activations) for e in examples)
    records = []
    for example in examples:
        activations = torch.tensor(example.activations)
        record = latents.ActivatingExample(tokens=torch.zeros(len(example.tokens)), activations=activations)
        record.str_tokens = list(example.tokens)
        record.normalized_activations = (activations * 10 / strongest).ceil().clamp(0, 10)
        records.append(record)
    messages: list[Message] = explainers.DefaultExplainer(client=None)._build_prompt(records)
    return messages


def question_prompt(question: Question) -> list[Message]:
    """Messages that ask for a list of one 0 or 1 per example, in their order."""
    name = "detection" if question.kind == DETECTION else "fuzz"
    prompts = load(f"delphi.scorers.classifier.prompts.{name}_prompt")
    shown = [e.text if question.kind == DETECTION else highlighted(e) for e in question.examples]
    listed = "\n".join(f"Example {i}: {text}" for i, text in enumerate(shown))
    messages: list[Message] = prompts.prompt(examples=listed, explanation=question.explanation)
    return messages


def highlighted(example: Example) -> str:
    """The text of a window with its marked tokens in ``<<`` and ``>>``, neighbours together."""
    marked = frozenset(example.marks)
    text: str = load("delphi.scorers.classifier.sample")._highlight(list(example.tokens), marked.__contains__)
    return text


class Drawn(NamedTuple):
    """A window, seen from one latent."""

    window: int
    decile: int | None
    """0 is the strongest; None where it does not fire."""
    activations: tuple[float, ...]
    """``[length]``, 0 where it is silent."""


def draw_by_decile(
    window: Ints,
    offset: Ints,
    activation: NDArray[np.float32],
    *,
    n_windows: int,
    length: int,
    n: int,
    deciles: int,
    seed: int,
) -> list[Drawn]:
    """``n`` windows in which one latent fires, ``n / deciles`` of each tenth by their strongest activation.

    delphi's pooling and its split into quantiles. (Its ``center_examples=True`` takes windows as they were cut, like this;
    False centres them.)

    Args:
        window: ``[m]`` ascending, where the latent fires; see :class:`mi.autointerp.cached.Firings`.
        offset: ``[m]``.
        activation: ``[m]``.
        n_windows: in the cache.
        length: tokens of a window.
        n: how many, a multiple of ``deciles``.
        deciles: parts of equal size; what is left over by the division is the weakest and is not drawn.
        seed: of the draw.

    Raises:
        Refusal: ``n`` that is no multiple, or fewer windows than that: delphi draws fewer and says nothing.
    """
    different = len(np.unique(window))
    if n < 1 or n % deciles or different < n:
        raise Refusal(
            f"{n} windows of {deciles} deciles, out of {different}",
            "a multiple of the deciles, and so many windows at least",
            "Ask for another number.",
        )
    constructors, samplers = load("delphi.latents.constructors"), load("delphi.latents.samplers")
    # delphi gives windows back by their tokens alone: in place of tokens they carry their numbers.
    numbers, activations = constructors.pool_max_activation_windows(
        torch.from_numpy(np.ascontiguousarray(activation)),
        torch.arange(n_windows)[:, None].expand(-1, length),
        torch.from_numpy(window),
        torch.from_numpy(offset),
        length,
    )
    # Its constructor makes an object of tensors of each window in which the latent fires, of which few are drawn.
    strongest_first = [SimpleNamespace(row=row, quantile=0) for row in range(different)]
    with own_dice(seed):
        chosen = samplers.split_quantiles(strongest_first, deciles, n, seed)
    return [Drawn(int(numbers[e.row, 0]), e.quantile, tuple(activations[e.row].tolist())) for e in chosen]
