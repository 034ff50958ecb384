"""Scenario: one kind of claim, with data exactly at its bound and at one alternative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.claim import Claim
from ledger.verdict import Bound, Rule
from mi.claimable import Contrast

from .draw import Draw, Law


@dataclass(frozen=True)
class Case:
    """A bound, and the law of the data that are judged against it."""

    bound: float
    law: Law


@dataclass(frozen=True)
class Scenario:
    """A row of the table."""

    name: str
    what: str
    design: str
    contrast: Callable[[Draw], Contrast]
    """The measurement as a user writes it, in terms of ``mi.claimable``."""
    at_bound: Case
    """Truth and bound are equal: every pass is a false pass, every fail a false fail."""
    alternative: Case
    """Truth on the passing side; the share of passes is the power."""
    rule: Rule = "above"
    scope: str = "artifact"
    floor: float | None = None
    """Least power, so that a suite which never decides cannot do well."""
    known_limit: bool = False
    """Documented to be anticonservative: judged by a wider bar and kept out of the pooled rate."""
    two_arms: bool = False
    """A difference, whose arms can be swapped together with the direction of the claim."""
    milliseconds: float = 1.0
    """About what one claim costs; only the time left depends on it."""

    def case(self, name: str) -> Case:
        return {"bound": self.at_bound, "alternative": self.alternative}[name]

    def claim(self, case: Case) -> Claim:
        """The claim as it would be registered: one look, so that the full alpha is spent."""
        return self._claim(Bound(self.rule, case.bound))

    def swapped_claim(self, case: Case) -> Claim:
        """The same claim told from the other arm: the difference is ``below`` minus the bound."""
        return self._claim(Bound("below" if self.rule == "above" else "above", -case.bound))

    def _claim(self, bound: Bound) -> Claim:
        return Claim(
            id="calibration." + self.name.replace(" ", "-").replace("/", "-"),
            report="calibration",
            statement=self.what,
            quantity="score",
            unit="unit",
            design=self.design,
            bound=bound,
            subject="simulated",
            scope=self.scope,
            looks="one",
        )
