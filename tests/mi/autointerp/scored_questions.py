"""Questions of made-up windows, and a scorer in this process that is asked nothing over any wire."""

from __future__ import annotations

import asyncio

from mi.autointerp.answers import parse
from mi.autointerp.latent_examples import Example, LatentExamples
from mi.autointerp.scorer import Explanation, Question


def window(name, activating, words=8):
    """Fires on its fourth token, which is marked in any case."""
    tokens = tuple(f" {name}{i}" for i in range(words))
    activations = tuple(float(activating and i == 3) for i in range(words))
    return Example(f"{name}:0", tokens, activations, activating, 0 if activating else None, (3,))


def question(number, truth, kind="detection", explanation=None):
    """One window per item of ``truth``, which its words tell."""
    examples = tuple(window(f"q{number}w{i}{'yes' if t else 'no'}", bool(t)) for i, t in enumerate(truth))
    return Question(number, kind, explanation or f"concept {number}", examples)


def latent(number, n=3):
    """A latent with ``n`` windows of each kind."""
    fires = tuple(window(f"l{number}w{i}v", True) for i in range(n))
    silent = tuple(window(f"l{number}s{i}v", False) for i in range(n))
    return LatentExamples(number, 0.01, fires, silent, (*fires, *silent))


class InProcess:
    """Says what ``script(question)`` says, after ``delay`` seconds."""

    name = "in-process"

    def __init__(self, script, concurrency=4, delay=0.0):
        self.script, self.concurrency, self.delay = script, concurrency, delay
        self.asked = []
        self.peak = self.under_way = 0

    async def answer(self, question):
        self.asked.append(question)
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await asyncio.sleep(self.delay)
            return parse(self.script(question), len(question.examples))
        finally:
            self.under_way -= 1

    async def explain(self, latent):
        self.asked.append(latent)
        await asyncio.sleep(self.delay)
        return Explanation(f"explains {latent.latent}", "raw")


class Count:
    """A bar that remembers."""

    def __init__(self):
        self.n, self.notes = 0, []

    def update(self, n):
        self.n += n

    def note(self, text):
        self.notes.append(text)
