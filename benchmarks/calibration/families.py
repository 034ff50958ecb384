"""Families: reports of thirty null claims, with and without the family's correction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ledger.assess import assess
from ledger.family import with_adjusted_verdicts
from ledger.row import undecided_row

from . import laws
from .block import generator
from .scenarios import BY_NAME
from .tally import Rate

CLAIMS = 30
SIZE = 100
"""Reports per block."""
SCENARIO = BY_NAME["S1 58/60"]
"""Every claim of a family is this one at its bound: its raw error is 2.5 % to the digit."""

Adjust = Callable[[Iterable[dict[str, Any]]], list[dict[str, Any]]]


def reports(block: int, n: int = SIZE, adjust: Adjust = with_adjusted_verdicts) -> tuple[int, int]:
    """How many of ``n`` reports have a false pass: in the rows as judged, and after adjustment."""
    rng = generator("family", block)
    law = laws.two_arms_of_latents(58, 60, 0.0)
    one = SCENARIO.claim(SCENARIO.at_bound)
    claims = [
        replace(one, id=f"calibration.c{i}", family="calibration", role="headline", family_size=CLAIMS)
        for i in range(CLAIMS)
    ]
    raw = adjusted = 0
    for _ in range(n):
        rows = []
        for index, claim in enumerate(claims):
            found = assess(claim, SCENARIO.contrast(law(rng)))
            rows.append({**undecided_row(claim, claim.id, index), **found.fields, "status": "decided"})
        raw += any(row["verdict"] == "pass" for row in rows)
        adjusted += any(row["family_verdict"] == "pass" for row in adjust(rows))
    return raw, adjusted


def rates(blocks: Iterable[tuple[int, int]], n: int) -> tuple[Rate, Rate]:
    """Raw and adjusted rates of reports with a false pass, out of ``n`` reports."""
    raw, adjusted = zip(*blocks, strict=True)
    return Rate(sum(raw), n), Rate(sum(adjusted), n)
