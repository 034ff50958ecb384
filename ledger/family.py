"""Families: what a verdict is worth when many claims are judged together.

Holm (1979) for headline claims, Benjamini-Hochberg (1995) for all other claims of a report, nothing
for conjunctions: a claim that must hold for every cell is already the hardest reading. Computed when
rows are read, because a family is only complete then; registered members that did not run count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

Row = Mapping[str, Any]
SIDE = 0.025
"""One-sided error of a headline family; Benjamini-Hochberg's q is twice that, half for each direction."""


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given."""
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, running = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        running = max(running, (len(p) - rank) * p[i])
        adjusted[i] = min(1.0, running)
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjusted p-values, in the order given."""
    order = sorted(range(len(p)), key=p.__getitem__, reverse=True)
    adjusted, running = [0.0] * len(p), 1.0
    for back, i in enumerate(order):
        running = min(running, p[i] * len(p) / (len(p) - back))
        adjusted[i] = running
    return adjusted


def with_adjusted_verdicts(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows with ``family_verdict``, ``family_method`` and ``family_missing`` (members without a row) added.

    The adjusted verdict is never more decided than the raw one. Passes and fails are adjusted by the
    same rule, each on its own one-sided p.
    """
    return adjust([dict(row) for row in rows])


def adjust(out: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, in place."""
    for row in out:
        row["family_verdict"], row["family_method"], row["family_missing"] = row.get("verdict"), None, 0
    _apply(out, "headline", ("report", "family", "subject"), "holm")
    _apply(out, "claim", ("report", "subject"), "bh")
    return out


def demoted(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows without an expectation that are decided on their own and inconclusive in their family."""
    return [
        r
        for r in with_adjusted_verdicts(rows)
        if r["expected"] is None and r["status"] == "decided" and r["family_verdict"] != r["verdict"]
    ]


def _apply(rows: list[dict[str, Any]], role: str, keys: tuple[str, ...], method: str) -> None:
    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(row.get(k)) for k in keys)

    members = sorted(
        (r for r in rows if r.get("role") in ((role,) if method == "holm" else ("claim", "headline"))), key=key
    )
    for _, group in groupby(members, key=key):
        family = list(group)
        size = max([len(family), *(int(r.get("family_size") or 1) for r in family if r["role"] == role)])
        if size < 2:
            continue
        missing = size - sum(r.get("verdict") is not None or r["status"] == "refused" for r in family)
        for direction, word in (("p_pass", "pass"), ("p_fail", "fail")):
            # A member without a verdict of its own (not run, refused, forced inconclusive) counts with p = 1.
            p = [_spent(r, direction) for r in family] + [1.0] * (size - len(family))
            adjusted = holm(p) if method == "holm" else benjamini_hochberg(p)
            for row, value in zip(family, adjusted, strict=False):
                if row["role"] != role:
                    continue
                row["family_method"] = f"{'Holm' if method == 'holm' else 'BH'}, m={size}"
                row["family_missing"] = missing
                if row.get("verdict") == word and value > SIDE:
                    row["family_verdict"] = "inconclusive"


def _spent(row: Row, direction: str) -> float:
    """The p-value on the scale of a first look at full error: later attempts may spend less."""
    p = row.get(direction)
    forced = row.get("limited_by") in row.get("flags", ())
    if p is None or row.get("verdict") is None or forced:
        return 1.0
    return min(1.0, float(p) * float(row.get("alpha") or SIDE) / float(row.get("alpha_spent") or SIDE))


def conjunctions(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One line per "for every" claim and subject: pass if every registered cell passed, fail if one failed for sure.

    A fail of one cell refutes the conjunction only at ``alpha / m`` (Bonferroni over its cells).
    """
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.get("role") == "conjunction":
            found.setdefault((str(row["claim"]), str(row["subject"])), []).append(row)
    lines = []
    for (claim, subject), cells in found.items():
        verdicts = [c.get("verdict") for c in cells]
        size = max([len(cells), *(int(c.get("family_size") or 1) for c in cells)])
        failed = any(v == "fail" and _spent(c, "p_fail") * size <= SIDE for v, c in zip(verdicts, cells, strict=True))
        verdict = "pass" if verdicts.count("pass") == size else "fail" if failed else "inconclusive"
        lines.append(
            {
                "claim": claim,
                "subject": subject,
                "verdict": verdict,
                "passed": verdicts.count("pass"),
                "cells": size,
            }
        )
    return lines
