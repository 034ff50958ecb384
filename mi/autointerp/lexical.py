"""LexicalScorer: explains a latent by the tokens that it fires on, and predicts by them. No language model.

The honest baseline of every other scorer: how much of a score is just tokens?
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..refusal import Refusal
from .latent_examples import LatentExamples
from .scorer import DETECTION, Answers, Explanation, Question

HEAD = "Tokens: "
PRECISE = 0.5
"""How far from the share of all tokens on which a latent fires to all of them a token has to come to explain it."""
MARKED = 0.5
"""Marks fit an explanation that names at least this share of them."""
TOKENS = 10


class LexicalScorer:
    """Deterministic, and free.

    Args:
        identity: ``{"kind": "lexical"}``, and ``tokens`` for how many an explanation may name (default 10).

    Raises:
        Refusal: other settings.
    """

    name = "lexical"
    concurrency = 1

    def __init__(self, identity: Mapping[str, Any]) -> None:
        tokens = identity.get("tokens", TOKENS)
        if set(identity) - {"kind", "tokens"} or not (type(tokens) is int and tokens > 0):
            raise Refusal(
                f"lexical scorer {dict(identity)}", "kind, and tokens: a number from 1 up", "Correct the recipe."
            )
        self.tokens = tokens

    async def explain(self, latent: LatentExamples) -> Explanation:
        """The tokens that it fires on, those with most firings first.

        Counted over the windows of training texts: a token is named if the share of its occurrences on which the
        latent fires is at least halfway from the share of all tokens to 1. Where there is none, the one with most
        firings is.
        """
        fired: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for example in (*latent.explain, *latent.silent):
            seen.update(example.tokens)
            fired.update(t for t, a in zip(example.tokens, example.activations, strict=True) if a > 0)
        ordered = sorted(fired, key=lambda token: (-fired[token], token))
        least = PRECISE + (1 - PRECISE) * fired.total() / max(1, seen.total())
        precise = [token for token in ordered if fired[token] >= least * seen[token]]
        return Explanation(naming((precise or ordered[:1])[: self.tokens]))

    async def answer(self, question: Question) -> Answers:
        """Detection: is one of the tokens in the window? Fuzzing: are at least half of the marked ones among them?"""
        named = named_in(question.explanation)
        if named is None:
            return Answers((None,) * len(question.examples), why="an explanation that names no tokens")
        if question.kind == DETECTION:
            return Answers(tuple(int(not named.isdisjoint(e.tokens)) for e in question.examples))
        return Answers(tuple(_fits(named, [e.tokens[i] for i in e.marks]) for e in question.examples))


def naming(tokens: Sequence[str]) -> str:
    """The explanation that names these tokens: ``Tokens: [" nurse"]``."""
    return HEAD + json.dumps(list(tokens), ensure_ascii=False)


def named_in(explanation: str) -> frozenset[str] | None:
    """The tokens that :func:`naming` wrote; None in an explanation of another form."""
    if not explanation.startswith(HEAD):
        return None
    try:
        named = json.loads(explanation.removeprefix(HEAD))
    except ValueError:
        return None
    if not (isinstance(named, list) and all(isinstance(token, str) for token in named)):
        return None
    return frozenset(named)


def _fits(named: frozenset[str], marked: Sequence[str]) -> int:
    return int(bool(marked) and sum(token in named for token in marked) >= MARKED * len(marked))
