"""Block: some hundred simulated claims of one scenario, put through the public claim API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

import numpy as np

from ledger.assess import Assessment, assess
from ledger.claim import Claim
from ledger.verdict import Verdict
from mi.claimable import Contrast

from .draw import Draw
from .scenario import Scenario
from .tally import Tally

SIZE = 250
"""Claims per block. Changing it changes the random numbers, and so every result."""
SEED = 20261120

Judge = Callable[[Claim, Contrast], Assessment]


def generator(*what: str | int) -> np.random.Generator:
    """The random numbers of one piece of work: they depend on its name only, not on who runs it when."""
    words = [word if isinstance(word, int) else int.from_bytes(word.encode()) for word in what]
    return np.random.default_rng([SEED, *words])


def draws(scenario: Scenario, case: str, block: int, n: int = SIZE) -> Iterator[Draw]:
    """The raw measurements of the block's claims, the same at every call."""
    rng = generator(scenario.name, case, block)
    law = scenario.case(case).law
    return (law(rng) for _ in range(n))


def verdicts(
    scenario: Scenario, case: str, block: int, n: int = SIZE, judge: Judge = assess
) -> Iterator[Assessment | None]:
    """One assessment per claim; None where the API refused the data.

    Raises:
        RuntimeError: a measurement that deviates from its registration; the benchmark is broken.
    """
    claim = scenario.claim(scenario.case(case))
    for draw in draws(scenario, case, block, n):
        try:
            found = judge(claim, scenario.contrast(draw))
        except ValueError as refusal:
            if not getattr(refusal, "refused", False):
                raise
            yield None
            continue
        if found.verdict is None:
            raise RuntimeError(f"{scenario.name}: {found.deviations}")
        yield found


def tally(scenario: Scenario, case: str, block: int, n: int = SIZE, judge: Judge = assess) -> Tally:
    """The block's verdicts, counted."""
    total = passes = fails = refused = degenerate = 0
    for found in verdicts(scenario, case, block, n, judge):
        total += 1
        if found is None:
            refused += 1
            continue
        passes += found.verdict is Verdict.PASS
        fails += found.verdict is Verdict.FAIL
        degenerate += not (isfinite(found.lo) and isfinite(found.hi) and found.lo < found.hi)
    return Tally(total, passes, fails, refused, degenerate)
