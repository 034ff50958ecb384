"""Generation: Hugging Face's own, in batches, with one dose of steering per position and noise shared by all arms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import torch
from torch import Tensor

from ..progress import Bar
from ..refusal import Refusal
from ..subjects.errors import SubjectError
from ..subjects.sites import Hooks
from ..subjects.subject import Subject, _full_precision
from ..subjects.tokens import Row, TokenBatch

Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Generation:
    """One continuation.

    Attributes:
        prompt: what was fed, BOS first where there is one.
        ids: the continuation's tokens, the end token included where it came.
        text: the continuation without special tokens, and without the prompt.
    """

    prompt: Row
    ids: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Dose:
    """What is added where: ``vectors[i]`` at ``site``, to every position of prompt i and of what follows it.

    Attributes:
        site: a TransformerLens name.
        vectors: ``[n, d]``, one per prompt, coefficient and norm already in it.
    """

    site: str
    vectors: Tensor


def generate(
    subject: Subject,
    prompts: Sequence[str],
    keys: Sequence[str],
    *,
    noise: Gumbel,
    max_new_tokens: int,
    dose: Dose | None = None,
    batch_size: int = 128,
    bar: Bar | None = None,
) -> list[Generation]:
    """One continuation per prompt, sampled at temperature 1 from the whole distribution.

    The token with the largest ``logit + noise`` is taken, which is a draw from the softmax. The noise depends on the
    prompt's key, the seed and the step, and on nothing else: arms are paired by prompt and seed, and neither batches
    nor other prompts matter. The model's own generation settings (penalties, temperatures) are not used.

    A dose is added once at each scored position of the prompt and at each position after it. BOS and padding are left
    as they are: BOS has many times the norm of any other token and is attended by all of them.

    Args:
        prompts: ``[n]``.
        keys: ``[n]`` what a prompt's noise is seeded by, all different.
        noise: shared by all arms.
        max_new_tokens: fewer where the end token comes first.

    Raises:
        Refusal: an empty prompt, repeated keys, or vectors that are not one per prompt.
        SubjectError: beyond the context, no such site, or a model that does not feed one token a step.
    """
    batch = subject.tokens(prompts)
    if batch.excluded or len(set(keys)) != len(prompts) or (dose and len(dose.vectors) != len(prompts)):
        raise Refusal(
            f"{len(batch)} prompts with tokens of {len(prompts)}, {len(set(keys))} keys, "
            f"{len(dose.vectors) if dose else 'no'} vectors",
            "as many different keys, and vectors, as prompts with tokens",
            "Check the prompt artifact.",
        )
    if batch.ids.shape[1] + max_new_tokens > subject.context:
        raise SubjectError(
            f"prompts of {batch.ids.shape[1]} tokens and {max_new_tokens} new ones",
            f"at most {subject.context} together, the context",
            "Ask for fewer.",
        )
    made: list[Generation] = []
    stops = ends(subject)
    for start in range(0, len(batch), batch_size):
        some = batch.select(range(start, min(start + batch_size, len(batch))), "left")
        vectors = dose.vectors[start : start + len(some)] if dose else None
        add = AddNoise(noise, keys[start : start + len(some)], some.ids.shape[1])
        ids = _continue(subject, some, max_new_tokens, add, dose.site if dose else None, vectors)
        made += [_cut(subject, stops, row, new) for row, new in zip(some.rows, ids.tolist(), strict=True)]
        if bar is not None:
            bar.update(len(some))
    return made


class Gumbel:
    """Standard Gumbel noise that is a function of (key, seed, step); kept for the next arm while there is room."""

    def __init__(self, seed: int, room: int = 2**28) -> None:
        self.seed, self.room = seed, room
        self.kept: dict[tuple[str, int, int], Tensor] = {}

    def row(self, key: str, step: int, size: int, device: torch.device) -> Tensor:
        """``[size]``. ``room`` is in bytes."""
        found = self.kept.get((key, step, size))
        if found is None:
            name = sha256(f"{self.seed}/{step}/{key}".encode()).digest()
            source = torch.Generator(device).manual_seed(int.from_bytes(name[:7], "big"))
            found = -torch.empty(size, device=device).exponential_(generator=source).clamp_min(1e-30).log()
            if 4 * size * len(self.kept) < self.room:
                self.kept[key, step, size] = found
        return found


class AddNoise:
    """A logits processor. The largest of ``logits + Gumbel noise`` is a draw from ``softmax(logits)``."""

    def __init__(self, noise: Gumbel, keys: Sequence[str], width: int) -> None:
        self.noise, self.keys, self.width = noise, keys, width

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """``input_ids`` ``[n, width + step]``, ``scores`` ``[n, vocabulary]``."""
        step, (_, size) = input_ids.shape[1] - self.width, scores.shape
        return scores.float() + torch.stack([self.noise.row(key, step, size, scores.device) for key in self.keys])


class Steps:
    """The edit of one batch: knows where in the texts the tensor lies that comes by.

    Attributes:
        steered: ``[n]`` positions that got their dose.
        fed: positions that came by, the prompt's padding included.
    """

    def __init__(self, vectors: Tensor, prompt: Tensor) -> None:
        self.vectors, self.prompt, self.fed = vectors, prompt, 0
        self.steered = torch.zeros(len(prompt), dtype=torch.int64)

    def __call__(self, value: Tensor) -> Tensor:
        """``[n, t, d]``: the whole prompt first, then one token a step."""
        width = self.prompt.shape[1]
        where = self.prompt if self.fed == 0 else torch.ones(len(value), 1, dtype=torch.bool)
        if value.shape[:2] != where.shape:
            raise SubjectError(
                f"a pass over {list(value.shape[:2])} positions after {self.fed} of them",
                f"{list(where.shape)}: the prompt of {width}, then one token a step",
                "Steering needs a model with a key-value cache.",
            )
        self.fed += value.shape[1]
        self.steered += where.sum(1)
        vectors = self.vectors.to(value)
        return torch.where(where.to(value.device)[..., None], value + vectors[:, None], value)


def _continue(
    subject: Subject, batch: TokenBatch, new: int, add: AddNoise, site: str | None, vectors: Tensor | None
) -> Tensor:
    """``[n, <= new]`` tokens."""
    subject.vocabulary.check(batch)
    edit = None if site is None or vectors is None else Steps(vectors, batch.scored)
    with torch.no_grad(), _full_precision(), _plainly(subject, new), _installed(subject, site, edit):
        found: Tensor = subject.hf.generate(
            input_ids=batch.ids.to(subject.device),
            attention_mask=batch.attend.long().to(subject.device),
            logits_processor=[add],
        )
    made = found[:, batch.ids.shape[1] :].cpu()
    if edit is not None and edit.fed != found.shape[1] - 1:
        raise SubjectError(
            f"{edit.fed} positions steered of {found.shape[1] - 1}",
            "each once",
            "Look for a second pass in generate().",
        )
    return made


@contextmanager
def _plainly(subject: Subject, new: int) -> Iterator[None]:
    # What a call leaves out, generate() takes from the model's own settings: penalties, forced tokens, temperatures.
    from transformers import GenerationConfig

    hf, own = subject.hf, subject.hf.generation_config
    hf.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=new,
        use_cache=True,
        bos_token_id=subject.vocabulary.bos,
        eos_token_id=sorted(ends(subject)) or None,
        pad_token_id=subject.vocabulary.pad,
    )
    try:
        yield
    finally:
        hf.generation_config = own


@contextmanager
def _installed(subject: Subject, site: str | None, edit: Edit | None) -> Iterator[None]:
    if site is None or edit is None:
        yield
        return
    if site not in subject.places:
        raise SubjectError(f"site {site}", f"one of {', '.join(subject.sites)}", "Choose a site of this architecture.")
    with Hooks(subject.hf, {site: subject.places[site]}).installed({}, {site: edit}):
        yield


def ends(subject: Subject) -> set[int]:
    """Tokens that end a text."""
    own = subject.hf.generation_config.eos_token_id
    found = {subject.tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])}
    return {int(token) for token in found if token is not None}


def _cut(subject: Subject, stops: Set[int], prompt: Row, ids: list[int]) -> Generation:
    stop = next((k + 1 for k, token in enumerate(ids) if token in stops), len(ids))
    kept = tuple(ids[:stop])
    return Generation(prompt, kept, subject.tokenizer.decode(kept, skip_special_tokens=True))
