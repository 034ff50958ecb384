"""Cost: what the builds behind a row were estimated at and came to. Provenance, and no part of any verdict.

A test hands it over as a property of its item, :data:`PROPERTY`, since the court does not know who builds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from .home import command

PROPERTY = "mi_assay.cost"
"""``{"estimated_usd", "spent_usd", "builds": {short digest: [estimated, spent]}}`` as JSON; builds may be absent."""


def no_cost() -> dict[str, Any]:
    """The cost of a row for which nothing was paid."""
    return {"estimated_usd": 0.0, "spent_usd": 0.0}


def cost_of(properties: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """The cost among the properties of a test: the last one, since a rerun adds another. Zero where it is no cost."""
    found = [value for name, value in properties if name == PROPERTY]
    try:
        told = json.loads(str(found[-1])) if found else {}
        cost = {name: _usd(told[name]) for name in no_cost()} if told else no_cost()
        builds = {digest: [_usd(usd) for usd in both] for digest, both in told.get("builds", {}).items()}
        if any(len(both) != 2 for both in builds.values()):
            return no_cost()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return no_cost()  # what somebody else calls so costs no verdict
    return cost | ({"builds": builds} if builds else {})


def _usd(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        raise ValueError(value)
    return float(value)


def total_cost(rows: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """USD estimated and spent on all builds behind the rows, each build once; rows that name none are added up."""
    builds: dict[str, tuple[float, float]] = {}
    for k, row in enumerate(rows):
        cost = row.get("cost") or no_cost()
        named = cost.get("builds") or {f"row {k}": (cost["estimated_usd"], cost["spent_usd"])}
        builds.update(named)
    return sum(b[0] for b in builds.values()), sum(b[1] for b in builds.values())


def in_words(estimated: float, spent: float) -> str:
    """``spent $0.42 of an estimated $0.60``; nothing for nothing."""
    return f"spent {dollars(spent)} of an estimated {dollars(estimated)}" if estimated or spent else ""


def cost_line(rows: Iterable[Mapping[str, Any]]) -> str:
    """The closing line of a run; nothing where nothing was paid."""
    words = in_words(*total_cost(rows))
    return f"builds behind these rows: {words}; see {command()} budget" if words else ""


def dollars(usd: float) -> str:
    """``$7.50``; a tenth of a cent is ``$0.0010``, and no nothing."""
    return f"${usd:,.2f}" if usd == 0 or usd >= 0.005 else f"${max(usd, 0.0001):.4f}"
