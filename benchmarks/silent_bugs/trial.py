"""Trial: one mutant on one data seed: is it silent, which checks fire, which verdicts flip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from .guards import kinds_of_guard, kinds_of_warning
from .mutant import Mutant
from .number import Number
from .scene import Check, Fired, Measured, Scene
from .watch import Seen, watch


@dataclass(frozen=True)
class Clean:
    """What the unchanged pipeline of a scene gives on one seed."""

    measured: Measured
    said: frozenset[str]
    """Warnings that it gives anyway."""
    alarms: tuple[str, ...]
    """Checks that fire on it; there must be none."""


@dataclass(frozen=True)
class Trial:
    """A mutant on one seed."""

    mutant: str
    seed: int
    silent: bool
    why_not: str = ""
    fits: bool = True
    """False where the code that the mutant changes is no longer there."""
    fired: tuple[Fired, ...] = ()
    flips: tuple[str, ...] = ()
    """``claim: verdict -> verdict``."""
    moved: tuple[str, ...] = ()
    """Numbers that left the interval of the clean run."""
    numbers: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Clean and mutated value of each number that changed."""
    seconds: float = 0.0


def clean_run(scene: Scene) -> Clean:
    """Measure and check the unchanged pipeline.

    Raises:
        RuntimeError: it does not measure cleanly: nothing can be said about mutants of it.
    """
    seen = watch(scene.measure)
    if seen.error:
        raise RuntimeError(f"the clean {type(scene).__name__} (seed {scene.seed}) fails: {seen.error}")
    problem = _problem(seen.value)
    if problem:
        raise RuntimeError(f"the clean {type(scene).__name__} (seed {scene.seed}): {problem}")
    said = seen.ours | seen.foreign
    for check in scene.checks:
        again = watch(lambda check=check: check.run(scene))
        said |= again.foreign
    alarms = tuple(f"{f.check}: {f.said}" for f in _fired(scene, scene.checks, said))
    return Clean(seen.value, said | seen.ours, alarms)


def attempt(mutant: Mutant, scene: Scene, clean: Clean) -> Trial:
    """Enact the mutant, show that it is silent, and run the checks on it."""
    began = time.monotonic()
    fired: list[Fired] = []
    with ExitStack() as enacted:
        try:
            enacted.enter_context(mutant.enact(scene))
        except Exception as exc:
            return Trial(mutant.id, scene.seed, False, f"cannot be enacted: {type(exc).__name__}: {exc}", fits=False)
        seen = watch(scene.measure)
        ours = sorted(seen.ours - clean.said)
        fired += [Fired(f"warning of {w.split(':')[0]}", kinds_of_warning(w), w) for w in ours]
        if seen.where:
            # Our own guard stopped the run. Without it, would anybody have noticed?
            fired.append(Fired(seen.where, kinds_of_guard(seen.where), seen.error or ""))
        if seen.where or (ours and scene.repairs):
            with scene.unguarded():
                seen = watch(scene.measure)
        loud = _loud(seen, clean)
        if not loud:
            fired += _fired(scene, scene.checks, clean.said)
    took = time.monotonic() - began
    if loud:
        return Trial(mutant.id, scene.seed, False, loud, fired=tuple(fired), seconds=took)
    flips, moved, numbers = _effect(clean.measured, seen.value)
    return Trial(
        mutant.id, scene.seed, True, fired=_once(fired), flips=flips, moved=moved, numbers=numbers, seconds=took
    )


def _loud(seen: Seen, clean: Clean) -> str:
    """Why the mutated run is not silent; empty if it is."""
    if seen.error:
        return f"raises {seen.error}"
    new = seen.foreign - clean.said
    if new:
        return f"warns: {sorted(new)[0]}"
    return _problem(seen.value)


def _problem(measured: Measured) -> str:
    for name, number in measured.numbers.items():
        if number.problem:
            return f"{name} {number.problem}"
    return ""


def _fired(scene: Scene, checks: Sequence[Check], known: frozenset[str]) -> list[Fired]:
    fired = []
    for check in checks:
        seen = watch(lambda check=check: check.run(scene))
        if seen.error:
            fired.append(Fired(check.name, check.kinds, seen.error))
        elif isinstance(seen.value, list):
            fired += [f for f in seen.value if isinstance(f, Fired)]
        if seen.ours - known:
            fired.append(Fired(check.name, check.kinds, f"warns: {sorted(seen.ours - known)[0]}"))
    return fired


def _once(fired: Sequence[Fired]) -> tuple[Fired, ...]:
    return tuple({f.check: f for f in reversed(fired)}.values())[::-1]


def _effect(
    clean: Measured, mutated: Measured
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, tuple[float, float]]]:
    flips = tuple(
        f"{claim}: {verdict} -> {mutated.verdicts[claim]}"
        for claim, verdict in clean.verdicts.items()
        if mutated.verdicts.get(claim, verdict) != verdict
    )
    both: dict[str, tuple[Number, Number]] = {
        name: (number, mutated.numbers[name]) for name, number in clean.numbers.items() if name in mutated.numbers
    }
    moved = tuple(name for name, (was, now) in both.items() if was.moved(now))
    changed = {name: (was.value, now.value) for name, (was, now) in both.items() if was.value != now.value}
    return flips, moved, changed
