"""Document: one text of the generated world, with everything that was decided while writing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Where a role stands: ``text[start:end]``, never including the space before a word."""

    role: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One text and its latent variables.

    Attributes:
        id: unique in one call of :func:`~.generate.documents`, and over calls with other arguments.
        kind: name of the :class:`~.kind.Kind` that wrote it.
        domain: ``"prose"``, ``"code"``, ``"dialogue"`` or ``"sums"``.
        split: ``"train"`` or ``"held-out"``.
        text: starts with one space, so that every word is tokenized as in the middle of a text.
        spans: the role of every filled slot, in order.
        labels: every latent variable, in JSON types.
        nats: ``-ln`` of the probability that the generator writes this text in this split.
        nats_whole: the same if it wrote both splits: what a held-out text costs who cannot know that it is held out.
    """

    id: str
    kind: str
    domain: str
    split: str
    text: str
    spans: tuple[Span, ...]
    labels: Mapping[str, Any]
    nats: float
    nats_whole: float

    def find(self, role: str, which: int = 0) -> Span:
        """The ``which``-th span of ``role`` (-1: the last).

        Raises:
            KeyError: there is no such span; the message lists the roles.
        """
        found = [span for span in self.spans if span.role == role]
        if not -len(found) <= which < len(found):
            roles = ", ".join(sorted({span.role for span in self.spans}))
            raise KeyError(f"{self.kind} document {self.id} has {len(found)} spans of {role!r}; roles: {roles}")
        return found[which]

    def before(self, role: str = "answer", which: int = -1) -> str:
        """The text up to ``role``, without the space in front of it: what a model is given to predict it."""
        start = self.find(role, which).start
        return self.text[: start - (self.text[start - 1] == " ")]

    def answer(self, role: str = "answer", which: int = -1) -> str:
        """What continues :meth:`before`: the word, with its space if it has one."""
        start = len(self.before(role, which))
        return self.text[start : self.find(role, which).end]

    def token_roles(self, offsets: Sequence[tuple[int, int]]) -> list[str | None]:
        """The role of each token, from the tokenizer's character offsets ``[n_tokens]`` of ``(start, end)``.

        A token that overlaps several spans gets the first one; special tokens (empty offsets) get None.
        """
        return [
            next((role for role, start, end in self.spans if start < b and a < end), None) if a < b else None
            for a, b in offsets
        ]

    def token_positions(self, offsets: Sequence[tuple[int, int]], role: str, which: int = 0) -> list[int]:
        """Indices of the tokens that overlap the ``which``-th span of ``role``."""
        _, start, end = self.find(role, which)
        return [k for k, (a, b) in enumerate(offsets) if a < b and start < b and a < end]
