"""Scorer: whoever explains a latent and answers questions about it. Question and Answers, which it deals in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .latent_examples import Example, LatentExamples

DETECTION, FUZZING = "detection", "fuzzing"
KINDS = (DETECTION, FUZZING)


@dataclass(frozen=True)
class Question:
    """Several windows of one latent: does the explanation fit them (detection), or their marked tokens (fuzzing)?

    Attributes:
        latent: the latent that the windows are of; for the records, a scorer is not told.
        kind: ``"detection"`` or ``"fuzzing"``.
        explanation: what is believed about the latent.
        examples: ``[n]`` windows.
    """

    latent: int
    kind: str
    explanation: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Answers:
    """One answer per example of a question.

    Attributes:
        values: ``[n]`` 1 for yes, 0 for no, None where there was no answer that could be read.
        raw: what the scorer said.
        why: why answers are missing; None where none is.
    """

    values: tuple[int | None, ...]
    raw: str = ""
    why: str | None = None


@dataclass(frozen=True)
class Explanation:
    """What a scorer says about a latent.

    Attributes:
        text: the explanation; empty where there was none that could be read.
        raw: what the scorer said.
        why: why there is no text; None where there is.
    """

    text: str
    raw: str = ""
    why: str | None = None


class Scorer(Protocol):
    """Explains and answers. Several calls may be under way at once, at most ``concurrency``."""

    name: str
    concurrency: int

    async def explain(self, latent: LatentExamples) -> Explanation:
        """What the latent's ``explain`` (and ``silent``) windows have in common. It must not look at ``test``."""
        ...

    async def answer(self, question: Question) -> Answers:
        """One answer per example, in their order; it must not look at ``activating``, ``activations``, ``decile``."""
        ...
