"""Sequential claims: a true null, retried on new data until it passes, with the ledger counting.

Each ledger is a folder of real run files. A block keeps its ledgers side by side as claims of one
report, because that is how a session writes them: one run file per round of retries.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ledger.assess import assess
from ledger.claim import Claim
from ledger.folders import LOCAL, run_files
from ledger.history import History
from ledger.row import SCHEMA_VERSION, undecided_row
from ledger.run import RunWriter
from ledger.verdict import Bound
from mi import claimable

from . import laws
from .block import generator
from .tally import Rate

RETRIES = 20
SIZE = 250
"""Ledgers per block."""
BATCH = 30
"""Latents per look; their mean is exactly at the bound."""
TRUTH, SPREAD = 0.75, 0.10
MEMORY = Path("/dev/shm")  # where there is one, a hundred thousand small files need no disk


@dataclass(frozen=True)
class Looks:
    """Ledgers in which a true null passed at least once."""

    ledgers: int = 0
    passed: int = 0
    """As judged, each look at what the ledger said it may spend."""
    naive: int = 0
    """Had every look been judged at the full alpha."""
    miscounted: int = 0
    """Looks that the ledger gave another number than their own."""

    def __add__(self, other: Looks) -> Looks:
        return Looks(
            self.ledgers + other.ledgers,
            self.passed + other.passed,
            self.naive + other.naive,
            self.miscounted + other.miscounted,
        )

    @property
    def ever(self) -> Rate:
        return Rate(self.passed, self.ledgers)

    @property
    def naively(self) -> Rate:
        return Rate(self.naive, self.ledgers)


def retried(data: str, block: int, n: int = SIZE, retries: int = RETRIES, looks: str = "open") -> Looks:
    """``n`` ledgers, retried on ``fresh`` or on ``cumulative`` data.

    A ledger is left at its first pass: nobody retries a claim that has passed.
    """
    rng = generator("sequential", data, block)
    one = Claim(
        id="calibration.null",
        report="calibration",
        statement="a mean latent score above what it is",
        quantity="score",
        unit="latent",
        design="mean",
        bound=Bound("above", TRUTH),
        subject="simulated",
        looks=looks,
    )
    open_ledgers = {i: replace(one, id=f"calibration.null{i}") for i in range(n)}
    seen: dict[int, NDArray[np.float64]] = {i: np.empty(0) for i in open_ledgers}
    naive: set[int] = set()
    miscounted = 0
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        root = Path(folder)
        for look in range(1, retries + 1):
            history = History(run_files(root))
            header = {"run": f"{look:03}", "schema": SCHEMA_VERSION, "git": {}}
            writer = RunWriter(root / LOCAL / f"{look:03}.jsonl", header)
            for i, claim in list(open_ledgers.items()):
                batch = laws.beta_scores(rng, TRUTH, laws.concentration(TRUTH, SPREAD), BATCH)
                seen[i] = np.append(seen[i], batch) if data == "cumulative" else batch
                contrast = claimable.mean(seen[i])
                attempt = history.attempt(claim, contrast.digest)
                found = assess(claim, contrast, attempt=attempt)
                row = {**undecided_row(claim, claim.id, i), **found.fields, "run": f"{look:03}", "status": "decided"}
                writer.append(row)
                miscounted += attempt.number != look
                if row["p_pass"] <= claim.alpha:
                    naive.add(i)
                if row["verdict"] == "pass":
                    del open_ledgers[i]
            writer.seal({"exitstatus": 0})
            writer.close()
    return Looks(n, n - len(open_ledgers), len(naive), miscounted)
