"""What scoring explanations costs beside the scorer itself, against delphi's own pipeline.

    python -m benchmarks.workshop.autointerp_scoring

Ratios within one run. Both ways get the same windows of made-up text, prompts of delphi's, five windows a question, and
as many questions under way at once; the scorer is a script in this process, which takes a while or no time at all. Ours
keeps every answer on disk and counts the missing ones per latent; delphi's keeps its results in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .turns import head, line, over, seconds, tail

LATENTS, FIRING, SILENT, WORDS, SHOWN = 32, 40, 50, 32, 5
AT_ONCE = 16
LATENCIES = {"at once": 0.0, "after 20 ms": 0.02}
IDENTITY = {"kind": "chat", "model": "script"}
EXAMPLES = LATENTS * 2 * (FIRING + SILENT)


def main() -> None:
    import torch

    torch.set_num_threads(1)
    head("scoring explanations", "1 thread")
    latents = _latents()
    records = _records(latents)
    for name, latency in LATENCIES.items():
        arms = {"ours": _ours(latents, latency), "delphi": _delphi(records, latency)}
        for run in arms.values():
            if run() != EXAMPLES:
                raise SystemExit("an arm that did not answer everything")
        taken = seconds(arms)
        for arm, values in taken.items():
            line(f"{arm}, a scorer that answers {name}", [EXAMPLES / s for s in values], "examples/s", digits=0)
        line(f"ours / delphi, a scorer that answers {name}", over(taken["delphi"], taken["ours"]), bar=1)
    tail(
        f"{LATENTS} latents of {FIRING + SILENT} windows of {WORDS} tokens, by detection and fuzzing, {AT_ONCE} at once"
    )


def _latents() -> list[Any]:
    from mi.autointerp.latent_examples import Example, LatentExamples

    rng = np.random.default_rng(0)

    def window(latent: int, i: int) -> Example:
        fires = i < FIRING
        tokens = tuple(f" word{k}" for k in rng.integers(5_000, size=WORDS))
        marks = tuple(sorted(int(k) for k in rng.choice(WORDS, 3, replace=False)))
        activations = tuple(float(fires and k in marks) for k in range(WORDS))
        return Example(f"{latent}:{i}", tokens, activations, fires, 0 if fires else None, marks)

    def latent(n: int) -> LatentExamples:
        windows = [window(n, i) for i in range(FIRING + SILENT)]
        return LatentExamples(n, 0.01, (), (), tuple(windows[k] for k in rng.permutation(len(windows))))

    return [latent(n) for n in range(LATENTS)]


def _answer(messages: list[dict[str, str]]) -> str:
    """Yes and no in turns, one for each window."""
    n = len(re.findall(r"^Example \d+:", messages[-1]["content"], re.MULTILINE))
    return json.dumps([k % 2 for k in range(n)])


def _ours(latents: list[Any], latency: float) -> Callable[[], int]:
    from mi.autointerp.accounting import account
    from mi.autointerp.answers import parse
    from mi.autointerp.asking import ask_all
    from mi.autointerp.chat_settings import ChatSettings
    from mi.autointerp.journal import Journal
    from mi.autointerp.scorer import KINDS, Answers, Question

    class Script:
        name, concurrency, identity = "script", AT_ONCE, IDENTITY
        settings = ChatSettings.of(IDENTITY)

        def sent(self, question: Question) -> Any:
            return self.settings.messages(question)

        async def answer(self, question: Question) -> Answers:
            messages = self.settings.messages(question)
            await asyncio.sleep(latency)
            return parse(_answer(messages), len(question.examples))

    def run() -> int:
        plan = [(latent, kind) for latent in latents for kind in KINDS]
        questions = [
            Question(latent.latent, kind, f"concept {latent.latent}", latent.test[i : i + SHOWN])
            for latent, kind in plan
            for i in range(0, len(latent.test), SHOWN)
        ]
        with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.jsonl") as journal:
            answers = iter(ask_all(Script(), questions, journal, _NoBar()))  # type: ignore[arg-type]
        read = 0
        for latent, _ in plan:
            values = [v for _ in range(0, len(latent.test), SHOWN) for v in next(answers).values]
            told = account([e.activating for e in latent.test], values)
            read += told.n - told.missing
        return read

    return run


def _records(latents: list[Any]) -> list[Any]:
    """The same windows as delphi has them; its fuzzing chooses its own marks in silent ones."""
    import torch

    from mi.autointerp.delphi_engine import load

    engine = load("delphi.latents.latents")

    def record(latent: Any) -> Any:
        firing, silent = [], []
        for e in latent.test:
            about = {"tokens": torch.arange(WORDS), "activations": torch.tensor(e.activations)}
            if e.activating:
                firing.append(engine.ActivatingExample(**about, str_tokens=list(e.tokens)))
            else:
                silent.append(engine.NonActivatingExample(**about, str_tokens=list(e.tokens), distance=-1.0))
        found = engine.LatentRecord(engine.Latent("site", latent.latent), test=firing, not_active=silent)
        found.explanation = f"concept {latent.latent}"
        return found

    return [record(latent) for latent in latents]


def _delphi(records: list[Any], latency: float) -> Callable[[], int]:
    from mi.autointerp.delphi_engine import load, own_dice

    clients, pipeline, scorers = (load(f"delphi.{name}") for name in ("clients.client", "pipeline", "scorers"))

    class Script(clients.Client):  # type: ignore[misc, name-defined]
        async def generate(self, prompt: Any, **_: Any) -> Any:
            await asyncio.sleep(latency)
            return clients.Response(text=_answer(prompt))

    def run() -> int:
        client = Script("script")
        asked = [kind(client, n_examples_shown=SHOWN) for kind in (scorers.DetectionScorer, scorers.FuzzingScorer)]
        pipe = pipeline.Pipeline(lambda: iter(records), pipeline.Pipe(*asked))
        with own_dice(0), contextlib.redirect_stderr(io.StringIO()):
            # Each latent has one question of either kind under way.
            results = asyncio.run(pipe.run(AT_ONCE // 2))
        return sum(e.prediction is not None for pair in results for result in pair for e in result.score)

    return run


class _NoBar:
    def update(self, n: int) -> None:
        pass

    def note(self, text: str) -> None:
        pass


if __name__ == "__main__":
    main()
