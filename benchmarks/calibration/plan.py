"""Plan: which pieces of work a benchmark of N claims per scenario needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import block, controls, determinism, families, refusals, sequential
from .scenarios import BY_NAME
from .tasks import Task

PARTS = ("scenarios", "family", "sequential", "refusals", "controls", "determinism")
SEQUENCES = ("fresh", "cumulative")


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    n: int = 10_000
    """Claims per scenario exactly at the bound."""
    power_claims: int = 2_500
    """Claims per scenario at the alternative: power to one percentage point, at a quarter of the time."""
    scenarios: tuple[str, ...] = tuple(BY_NAME)
    parts: tuple[str, ...] = PARTS
    reports: int = 4_000
    ledgers: int = 10_000
    control_claims: int = 4_000
    controls: tuple[str, ...] = tuple(controls.BY_CONTROL)
    repeated: int = determinism.CLAIMS
    """Claims per scenario and case that are judged again."""


def select(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Scenarios by their first words ("S6", "S6 96"), and parts by name.

    Parts that look at scenarios look at those named, or at all if none is.

    Raises:
        ValueError: a word that names neither.
    """
    scenarios: list[str] = []
    parts: list[str] = []
    for word in words:
        named = [name for name in BY_NAME if f"{name} ".startswith(f"{word} ")]
        if not named and word not in PARTS:
            known = [*dict.fromkeys(name.split()[0] for name in BY_NAME), *PARTS]
            raise ValueError(f"--scenarios {word!r}: expected some of {', '.join(known)}")
        scenarios += named
        parts += [word] if word in PARTS else []
    parts += ["scenarios"] if scenarios else []
    return tuple(dict.fromkeys(scenarios)) or tuple(BY_NAME), tuple(dict.fromkeys(parts))


def tasks(plan: Plan) -> Iterator[Task]:
    """Every piece of work, the long ones first."""
    if "determinism" in plan.parts:
        names = list(plan.scenarios)
        yield Task(("determinism",), determinism.differences, (names, plan.repeated), 0.5 * len(names) + 5)
    if "sequential" in plan.parts:
        for data in SEQUENCES:
            yield from _cut(("sequential", data), sequential.retried, (data,), plan.ledgers, sequential.SIZE, 0.03)
    if "controls" in plan.parts:
        for name in plan.controls:
            if controls.BY_CONTROL[name].scenario in plan.scenarios:
                yield from _cut(("controls", name), _control, (name,), plan.control_claims, block.SIZE, 0.001)
    if "scenarios" in plan.parts:
        for name in plan.scenarios:
            for case, n in (("bound", plan.n), ("alternative", plan.power_claims)):
                cost = BY_NAME[name].milliseconds / 1000
                yield from _cut(("scenarios", name, case), _tally, (name, case), n, block.SIZE, cost)
    if "family" in plan.parts:
        yield from _cut(("family",), families.reports, (), plan.reports, families.SIZE, 0.03)
    if "refusals" in plan.parts:
        yield Task(("refusals",), refusals.let_through, (), 1.0)


def _cut(
    key: tuple[str, ...], work: Callable[..., Any], arguments: tuple[str, ...], n: int, size: int, seconds: float
) -> Iterator[Task]:
    for index, start in enumerate(range(0, n, size)):
        here = min(size, n - start)
        yield Task(key, work, (*arguments, index, here), here * seconds)


# Scenarios hold functions that cannot travel to another process: their names do.
def _tally(name: str, case: str, index: int, n: int) -> Any:
    return block.tally(BY_NAME[name], case, index, n)


def _control(name: str, index: int, n: int) -> int:
    return controls.false_passes(controls.BY_CONTROL[name], index, n)
