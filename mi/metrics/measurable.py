"""Measurable: whether a measurement may be judged at all. Light: fixtures ask it without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..refusal import Refusal
from ..unit_table import UnitTable


def measurable(reasons: Sequence[str]) -> dict[str, Any]:
    """Facts that say so: ``measurable`` is true when there is no reason against it."""
    return {"measurable": not reasons, "not_measurable_because": list(reasons)}


def require_measurable(table: UnitTable | Mapping[str, Any]) -> None:
    """Pass a measurement on, or refuse it with the reasons that its builder found.

    Raises:
        Refusal: the facts say it is not measurable, or do not say.
    """
    facts = table.facts if isinstance(table, UnitTable) else table
    if facts.get("measurable") is True:
        return
    reasons = "; ".join(facts.get("not_measurable_because", ["its facts do not say whether it can be measured"]))
    raise Refusal(
        f"a measurement that means nothing: {reasons}",
        "one that its own checks let pass",
        "Check hook point, scale, checkpoint and texts before any claim.",
    )
