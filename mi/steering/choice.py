"""Choice: the coefficient of each arm, from validation prompts; an arm without a fluent one stays undecided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..refusal import Refusal


def choose(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By arm: ``decided``, and ``coefficient`` with its row of the sweep, or ``because``.

    The highest success among fluent coefficients; of equal ones the smallest. Coefficient 0 is no choice: it would be
    the baseline under another name.

    Args:
        rows: :meth:`.condition.Outcome.row` of every arm and coefficient on validation prompts.

    Raises:
        Refusal: rows of another split.
    """
    if wrong := sorted({row["split"] for row in rows} - {"validation"}):
        raise Refusal(
            f"coefficients chosen on {', '.join(wrong)}", "on validation prompts", "Test prompts decide nothing."
        )
    arms: dict[str, dict[str, Any]] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        tried = [row for row in rows if row["arm"] == arm and row["coefficient"] != 0]
        fluent = [row for row in tried if row["fluent"]]
        if not fluent:
            arms[arm] = {"decided": False, "because": f"none of {len(tried)} coefficients leaves the text fluent"}
            continue
        best = min(fluent, key=lambda row: (-row["success"], abs(row["coefficient"])))
        arms[arm] = {"decided": True, "coefficient": best["coefficient"], "validation": dict(best)}
    return arms


def require_chosen_on(arms: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a choice that does not rest on the validation rows as they were recorded.

    Args:
        arms: what :func:`choose` found.
        rows: the whole sweep.

    Raises:
        Refusal: a coefficient whose row is another one's, or is not the best fluent one.
    """
    for arm, found in arms.items():
        if not found["decided"]:
            continue
        fluent = [row for row in rows if (row["split"], row["arm"]) == ("validation", arm) and row["fluent"]]
        if found["validation"] not in fluent or any(r["success"] > found["validation"]["success"] for r in fluent):
            raise Refusal(
                f"{arm} at {found['coefficient']:g}, chosen on a success of {found['validation']['success']:.3g}",
                "the best fluent row of the validation prompts",
                "Test prompts decide nothing.",
            )
