"""Family scene: many comparisons of one study, registered together and read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.assess import assess
from ledger.claim import Claim
from ledger.row import undecided_row
from ledger.ruling import rulings
from ledger.verdict import Bound
from mi.claimable import Contrast, Sample, paired

from ..court import number
from ..number import Number
from ..scene import Check, Fired, Measured, Scene
from .court import N, _scores

COMPARISONS = 20


@dataclass
class Family(Scene):
    """Twenty comparisons without a difference, all of them headlines."""

    contrasts: Sequence[Contrast]
    reported: list[int] = field(default_factory=lambda: list(range(COMPARISONS)))
    """Which of them got into the report."""

    def best(self) -> int:
        return max(self.reported, key=lambda k: float(self.contrasts[k].estimate))

    def measure(self) -> Measured:
        """The largest difference, with as many comparisons in mind as the report has."""
        contrast, m = self.contrasts[self.best()], len(self.reported)
        lo, hi = contrast.limits(0.025 / m)
        naive = "pass" if lo > 0 else "fail" if hi < 0 else "inconclusive"
        numbers = {"largest difference": number(contrast, -1.0, 1.0), "comparisons": Number(float(m), 1.0)}
        return Measured(numbers, {"largest difference > 0": naive})

    @property
    def checks(self) -> Sequence[Check]:
        return (Check("ledger.family", ("K29", "K28"), lambda scene: scene.rulings()),)

    def rulings(self) -> list[Fired]:
        """Members of the family without a row."""
        rows = []
        for k in self.reported:
            claim = _claim(k)
            found = assess(claim, self.contrasts[k])
            rows.append(
                {
                    **undecided_row(claim, claim.id, k),
                    **found.fields,
                    "status": "decided",
                    "verdict": str(found.verdict),
                }
            )
        missing = max(ruling.row["family_missing"] for ruling in rulings(rows))
        return [Fired("ledger.family", ("K29", "K28"), f"{missing} members did not run")] if missing else []


def _claim(k: int) -> Claim:
    about = {"report": "study", "statement": "", "quantity": "score", "unit": "document", "design": "paired"}
    return Claim(
        id=f"study.difference-{k}",
        bound=Bound("above", 0.0),
        subject="tiny",
        family="differences",
        role="headline",
        family_size=COMPARISONS,
        **about,
    )


def null(seed: int) -> Family:
    """Two methods on the same documents, twenty times, without any difference."""
    ids = [f"document {k:03}" for k in range(N)]
    arms = [_scores(1000 * seed + k, N, 0.0) for k in range(COMPARISONS)]
    about = {"quantity": "score", "unit": "document"}
    return Family(seed, [paired(Sample(a, ids, **about), Sample(b, ids, **about)) for a, b in arms])
