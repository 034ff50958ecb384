"""Determinism: the same claims give the same verdicts, bytes and all, however they are presented.

``python -m benchmarks.calibration.determinism`` prints the fingerprints of this process, so that a
fresh interpreter with other hash seeds can be compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from ledger.assess import assess
from mi.claimable import Refusal

from .block import draws, generator, verdicts
from .draw import Draw
from .scenario import Scenario
from .scenarios import BY_NAME, SCENARIOS

ROOT = Path(__file__).parents[2]
CLAIMS = 60
"""Claims per scenario and case that are judged again."""
CASES = ("bound", "alternative")


def fingerprint(scenario: Scenario, n: int = CLAIMS) -> str:
    """SHA-256 over everything that was found of the first claims, limits and p-values included."""
    found = [v.fields if v else None for case in CASES for v in verdicts(scenario, case, 0, n)]
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def in_another_process(names: Iterable[str], n: int = CLAIMS) -> dict[str, str]:
    """Fingerprints from a fresh interpreter, whose hashes are salted differently."""
    salted = {**os.environ, "PYTHONHASHSEED": "20261120"}
    command = [sys.executable, "-m", __spec__.name, str(n), *names]
    done = subprocess.run(command, cwd=ROOT, env=salted, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def moved(scenario: Scenario, n: int = CLAIMS) -> list[str]:
    """Claims whose verdict depends on the order of rows, or on which arm is named first."""
    rng = generator("permutation", scenario.name)
    found = []
    for case in CASES:
        claim, swapped = scenario.claim(scenario.case(case)), scenario.swapped_claim(scenario.case(case))
        for i, draw in enumerate(draws(scenario, case, 0, n)):
            verdict = _verdict(scenario, draw, claim)
            if verdict != _verdict(scenario, draw.permuted(rng), claim):
                found.append(f"{scenario.name}, {case}, claim {i}: rows permuted")
            if scenario.two_arms and verdict != _verdict(scenario, draw.swapped(), swapped):
                found.append(f"{scenario.name}, {case}, claim {i}: arms swapped")
    return found


def _verdict(scenario: Scenario, draw: Draw, claim: object) -> str:
    try:
        return str(assess(claim, scenario.contrast(draw)).verdict)  # type: ignore[arg-type]
    except Refusal:
        return "refused"


def differences(names: Sequence[str] = tuple(BY_NAME), n: int = CLAIMS) -> list[str]:
    """Everything that was not the same twice."""
    other = in_another_process(names, n)
    found = [f"{name}: another process, other bytes" for name in names if other[name] != fingerprint(BY_NAME[name], n)]
    return found + [line for name in names for line in moved(BY_NAME[name], n)]


if __name__ == "__main__":
    size, chosen = int(sys.argv[1]), sys.argv[2:] or [s.name for s in SCENARIOS]
    print(json.dumps({name: fingerprint(BY_NAME[name], size) for name in chosen}))
