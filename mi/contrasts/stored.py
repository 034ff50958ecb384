"""Contrasts rebuilt from what a ledger keeps, so that a verdict can be recomputed without a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..refusal import Refusal
from ..sample import Sample
from . import difference, mean, random_sets, ratio, runs, similarity
from .contrast import Contrast


def rebuild(stored: Mapping[str, Any]) -> Contrast:
    """The contrast that :meth:`Contrast.stored` described.

    Raises:
        Refusal: an unknown design, or arrays that no longer fit it.
    """
    design, options = stored["design"], dict(stored["options"])
    unit = "run" if design == "runs" else None
    # Arms that agree on every unit were told apart by their artifacts when they were judged; these are not kept here.
    arms = [_arm(arm, stored["units"], unit, f"arm {k}") for k, arm in enumerate(stored["arms"])]
    plan: dict[str, Any] = {"planned": arms[0].planned, "selected_on": arms[0].selected_on}
    match design:
        case "mean":
            return mean.mean(arms[0])
        case "median":
            return mean.median(arms[0])
        case "paired":
            return difference.paired(arms[0], arms[1])
        case "unpaired":
            return difference.unpaired(arms[0], arms[1])
        case "unpaired-summary":
            m_a, s_a, n_a, m_b, s_b, n_b = arms[0].values
            return difference.unpaired_summary(m_a, s_a, int(n_a), m_b, s_b, int(n_b), **options)
        case "ratio" | "clustered":
            of_mean = tuple(options["support"]) if "support" in options else design == "clustered"
            return ratio.ratio_of_sums(arms[0].values, arms[1].values, arms[0].units, of_mean=of_mean, **plan)
        case "ratio-difference":
            return ratio.ratio_difference(
                arms[0].values, arms[1].values, arms[2].values, arms[3].values, arms[0].units, **plan
            )
        case "faithfulness":
            return ratio.faithfulness(arms[0], arms[1], chance=options["chance"])
        case "random-sets":
            return random_sets.against_random_sets(arms[0], arms[1:])
        case "one-set":
            return random_sets.against_one_set(arms[0], arms[1], **options)
        case "runs":
            return runs.over_runs(arms[0], arms[1] if len(arms) > 1 else None)
        case "similarity":
            return similarity.from_pairs(arms[0], options["texts"])
    raise Refusal(
        f"design {design!r}", "a design of this version of mi-assay", "Use the version that wrote the ledger."
    )


def _arm(arm: Mapping[str, Any], shared: list[str], unit: str | None, source: str) -> Sample:
    values = arm["values"]
    numbers = [float(c) for c in values] if isinstance(values, str) else values
    about = {k: arm[k] for k in ("support", "planned", "selected_on") if k in arm}
    return Sample(numbers, arm.get("units", shared) or None, unit=unit, sources=[source], **about)
