"""Cost: what an answer of a language model took. PaidAnswers and PaidExplanation, which carry it to the journal."""

from __future__ import annotations

from dataclasses import dataclass, field

from .scorer import Answers, Explanation


@dataclass(frozen=True)
class Cost:
    """What one answer took.

    Attributes:
        served_as: the model, as the server named it.
        tries: requests, repeated ones included.
        prompt_tokens, completion_tokens: as the server counted them; 0 if it did not.
    """

    served_as: str
    tries: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class PaidAnswers(Answers):
    """Answers with what they took."""

    cost: Cost | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class PaidExplanation(Explanation):
    """An explanation with what it took."""

    cost: Cost | None = field(default=None, kw_only=True)
