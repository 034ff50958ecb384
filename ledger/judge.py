"""``judge``: the fixture that a claim calls once, and the ways in which its test can end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .assess import Assessment, assess
from .attempts import Attempt
from .claim import Claim
from .deciding import what_would_decide
from .errors import LedgerError
from .home import sibling
from .verdict import Bound, Verdict


class Refuted(AssertionError):
    """The interval lies wholly on the wrong side of the bound."""


class Drift(AssertionError):
    """Another verdict than the expected one."""


class Deviated(AssertionError):
    """Executed and registered parameters differ; such a measurement can never pass."""


class Inconclusive(pytest.skip.Exception):  # type: ignore[name-defined,misc]
    """The interval straddles the bound. A skip for pytest, so that JUnit and IDEs read it rightly."""


class JudgeError(LedgerError):
    """``judge`` was used in a way that leaves no verdict."""


class Judge:
    """Judges the claim of one test: ``judge(ours - theirs, above=0.02)``.

    The bound may be left out; the registered one is used then. If it is stated it must be the
    registered one, or the row is ``deviated``.
    """

    def __init__(self, claim: Claim, attempt: Callable[[Claim, str], Attempt]) -> None:
        self.claim = claim
        self.calls = 0
        self.assessment: Assessment | None = None
        self._attempt = attempt

    def __call__(
        self,
        contrast: Any,
        *,
        above: float | None = None,
        below: float | None = None,
        within: float | None = None,
    ) -> Assessment:
        """Judge a contrast, a sample or an array of unit scores.

        Returns the assessment where the test shall go on as passed.

        Raises:
            Refuted, Drift, Deviated, Inconclusive: how a verdict ends the test.
            JudgeError: a second call, or more than one bound.
            ValueError: input that must not be judged (``refused``).
        """
        __tracebackhide__ = True
        self.calls += 1
        if self.calls > 1:
            raise JudgeError(
                f"{self.claim.label}: judge was called twice. Expected one verdict per test; "
                "parametrise the test (cells in the YAML) to judge several."
            )
        bound = _stated_bound(above, below, within)
        if not hasattr(contrast, "limits"):
            contrast = sibling("mi.claimable").mean(contrast)
        attempt = self._attempt(self.claim, contrast.digest)
        self.assessment = found = assess(self.claim, contrast, bound=bound, attempt=attempt)
        _end(found)
        return found


def _stated_bound(above: float | None, below: float | None, within: float | None) -> Bound | None:
    stated = [(rule, v) for rule, v in (("above", above), ("below", below), ("within", within)) if v is not None]
    if len(stated) > 1:
        raise JudgeError(f"{' and '.join(r for r, _ in stated)} were given; expected exactly one bound")
    return Bound(stated[0][0], float(stated[0][1])) if stated else None  # type: ignore[arg-type]


def _end(found: Assessment) -> None:
    __tracebackhide__ = True
    claim, verdict = found.claim, found.verdict
    if verdict is None:
        raise Deviated(f"{found}\n{found.fields['reason']['detail']}\n{found.fields['reason']['fix']}")
    if claim.expected is not None:
        if verdict != claim.expected:
            why = f" ({claim.expected_why})" if claim.expected_why else ""
            raise Drift(f"drift: expected {claim.expected}{why}\n{found}")
        return
    if verdict is Verdict.FAIL:
        raise Refuted(str(found))
    if verdict is Verdict.INCONCLUSIVE:
        raise Inconclusive(f"{found}; {what_would_decide(found.fields)}")
