"""Bad input: something that a court must refuse, and how it finds its way there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.assess import Assessment, assess
from ledger.attempts import FIRST, Attempt
from ledger.claim import Claim
from ledger.verdict import Bound
from mi.claimable import Contrast


@dataclass(frozen=True)
class BadInput:
    """``judge`` goes the whole public way to a verdict, and must not arrive."""

    name: str
    judge: Callable[[], Any]


ABOVE_ZERO = Bound("above", 0.0)


def claim_on(contrast: Contrast, bound: Bound = ABOVE_ZERO, attempt: Attempt = FIRST, **about: Any) -> Assessment:
    """Assess a claim that fits the contrast in all that ``about`` does not say otherwise."""
    promise = {"quantity": "score", "unit": "unit", "subject": "simulated", "scope": contrast.scope, **about}
    claim = Claim(
        id="calibration.refused", report="calibration", statement="", design=contrast.design, bound=bound, **promise
    )
    return assess(claim, contrast, attempt=attempt)
