"""Turns: several ways to do one thing, timed in turns (A B A B A B), so that a machine that slows down slows all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from statistics import median

ROUNDS = 3
LABEL = 58


def seconds(arms: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Wall time of each arm in each round."""
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, run in arms.items():
            begun = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - begun)
    return taken


def over(a: list[float], b: list[float]) -> list[float]:
    """``a / b``, round by round."""
    return [x / y for x, y in zip(a, b, strict=True)]


def head(title: str, threads: str) -> None:
    """Say what is measured, on how many threads, and how busy the machine was before."""
    print(f"{title}\n  {os.cpu_count()} cores, {threads}; load {os.getloadavg()[0]:.1f} before", flush=True)
    print(f"  {'':<{LABEL}}{'median':>10}{'range':>19}")


def line(what: str, values: list[float], unit: str = "", bar: float | None = None, digits: int = 2) -> None:
    """One measured quantity: its median and range over the rounds, and whether the median meets ``bar``."""
    low, high = (f"{value:,.{digits}f}" for value in (min(values), max(values)))
    judged = "" if bar is None else f"  bar: at least {bar:g}, {'met' if median(values) >= bar else 'MISSED'}"
    print(
        f"  {what:<{LABEL}}{median(values):>10,.{digits}f}{low + ' - ' + high:>19} {unit}{judged}".rstrip(), flush=True
    )


def tail(about: str) -> None:
    """On how much, and how busy the machine was afterwards; a load above the benchmark's own says that it was shared."""
    print(f"  on {about}; load {os.getloadavg()[0]:.1f} after\n", flush=True)
