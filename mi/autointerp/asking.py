"""asking: many questions at once to one scorer, each of them once, with the answers in the order of the questions."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeVar

from ..progress import Bar
from ..refusal import Refusal
from .journal import Journal, digest
from .latent_examples import LatentExamples
from .scorer import FUZZING, Answers, Explanation, Question, Scorer

T = TypeVar("T")
Asked = TypeVar("Asked", Question, LatentExamples)
GRACE = 10.0  # seconds that answers under way have to arrive after an error


def ask_all(scorer: Scorer, questions: Sequence[Question], journal: Journal, bar: Bar) -> list[Answers]:
    """The answers to all questions, in their order; ``bar`` counts examples.

    At most ``scorer.concurrency`` are under way, and as many as long as there are questions. What the journal has is
    not asked; of questions that are the same to the scorer one is asked.

    Raises:
        Refusal: another number of answers than examples, or what the scorer raised. Then nothing more is asked, what
            is under way has some seconds to arrive, and what was answered is in the journal.
    """
    return run(answers_to(scorer, questions, journal, bar))


def explain_all(scorer: Scorer, latents: Sequence[LatentExamples], journal: Journal, bar: Bar) -> list[Explanation]:
    """The explanations of all latents, in their order; ``bar`` counts latents. Otherwise as :func:`ask_all`."""
    return run(explanations_of(scorer, latents, journal, bar))


async def answers_to(scorer: Scorer, questions: Sequence[Question], journal: Journal, bar: Bar) -> list[Answers]:
    """:func:`ask_all`, for callers that are asynchronous."""

    async def one(question: Question) -> dict[str, Any]:
        answers = await scorer.answer(question)
        if len(answers.values) != len(question.examples):
            raise Refusal(
                f"{len(answers.values)} answers of {scorer.name} to {len(question.examples)} examples",
                "one per example, None where there is none",
                "Correct the scorer: answers are matched by their place.",
            )
        return asdict(answers)

    things = [(_key(scorer, q, _seen(q)), q, len(q.examples)) for q in questions]
    records = await _all(scorer, things, one, journal, bar)
    return [Answers(tuple(r["values"]), r["raw"], r["why"]) for r in records]


async def explanations_of(
    scorer: Scorer, latents: Sequence[LatentExamples], journal: Journal, bar: Bar
) -> list[Explanation]:
    """:func:`explain_all`, for callers that are asynchronous."""

    async def one(latent: LatentExamples) -> dict[str, Any]:
        return asdict(await scorer.explain(latent))

    things = [(_key(scorer, latent, _learnt(latent)), latent, 1) for latent in latents]
    records = await _all(scorer, things, one, journal, bar)
    return [Explanation(r["text"], r["raw"], r["why"]) for r in records]


def costs(journal: Journal) -> dict[str, Any]:
    """What the answers in a journal cost, those of earlier attempts included: sums, and the models as servers named them."""
    costs = [record["cost"] for record in journal if record.get("cost")]
    return {
        "asked": len(journal),
        "served_as": sorted({cost["served_as"] for cost in costs}),
        **{name: sum(cost[name] for cost in costs) for name in ("tries", "prompt_tokens", "completion_tokens")},
    }


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, also for a caller inside a running loop, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _all(
    scorer: Scorer,
    things: Sequence[tuple[str, Asked, int]],
    one: Callable[[Asked], Awaitable[dict[str, Any]]],
    journal: Journal,
    bar: Bar,
) -> list[dict[str, Any]]:
    size: Counter[str] = Counter()
    waiting: dict[str, Asked] = {}
    for key, thing, n in things:
        size[key] += n
        if key not in journal:
            waiting.setdefault(key, thing)
    bar.update(sum(n for key, n in size.items() if key not in waiting))
    todo, unread = deque(waiting.items()), 0

    async def work() -> None:
        nonlocal unread
        while todo:
            key, thing = todo.popleft()
            try:
                record = await one(thing)
                journal.put(key, record)
            except BaseException:
                todo.clear()  # after an error nothing more is asked
                raise
            bar.update(size[key])
            if record["why"] is not None:
                unread += 1
                bar.note(f"{unread} answers not read in full")

    tasks = [asyncio.create_task(work()) for _ in range(min(max(1, scorer.concurrency), len(waiting)))]
    try:
        if tasks:
            ended, going = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            if going:  # what is under way is being paid for
                await asyncio.wait(going, timeout=GRACE)
            for task in ended:
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        close = getattr(scorer, "aclose", None)  # connections belong to the loop that made them
        if close is not None:
            await close()
    return [journal[key] for key, *_ in things]


def _key(scorer: Scorer, thing: Question | LatentExamples, seen: Any) -> str:
    sent = getattr(scorer, "sent", None)  # the very messages, of those who send some
    identity = getattr(scorer, "identity", scorer.name)
    return digest(identity, type(thing).__name__, sent(thing) if sent is not None else seen)


def _seen(question: Question) -> Any:
    shown = [[e.tokens, e.marks if question.kind == FUZZING else ()] for e in question.examples]
    return [question.kind, question.explanation, shown]


def _learnt(latent: LatentExamples) -> Any:
    return [[[e.tokens, e.activations] for e in latent.explain], [e.tokens for e in latent.silent]]
