"""LanguageModel: what scorers that are language models have in common, wherever the model runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from .answers import parse, parse_explanation
from .chat_settings import ChatSettings
from .cost import Cost, PaidAnswers, PaidExplanation
from .latent_examples import LatentExamples
from .scorer import Question


class LanguageModel(ABC):
    """Asks with delphi's prompts, and reads what is said.

    Args:
        identity: see :class:`ChatSettings`.
    """

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self.settings = ChatSettings.of(identity)
        self.identity, self.name = self.settings.identity, self.settings.model

    @abstractmethod
    async def _say(self, thing: Question | LatentExamples) -> tuple[str, bool, Cost]:
        """What the model says, whether it was cut short, and what it cost."""

    def sent(self, thing: Question | LatentExamples) -> Any:
        """What decides the answer, beside the identity."""
        return self.settings.messages(thing)

    async def explain(self, latent: LatentExamples) -> PaidExplanation:
        """See :class:`~mi.autointerp.scorer.Scorer`."""
        said, cut, cost = await self._say(latent)
        read = parse_explanation(said, cut=cut)
        return PaidExplanation(read.text, read.raw, read.why, cost=cost)

    async def answer(self, question: Question) -> PaidAnswers:
        """See :class:`~mi.autointerp.scorer.Scorer`."""
        said, cut, cost = await self._say(question)
        read = parse(said, len(question.examples), cut=cut)
        return PaidAnswers(read.values, read.raw, read.why, cost=cost)
