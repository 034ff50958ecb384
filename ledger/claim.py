"""Claim: one promise on one subject at one set of parameters, as it was registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .verdict import Bound

EXAMPLE_SUBJECT = "example-model"
"""The subject of a freshly scaffolded claim: its numbers are invented, so it is no look and opens no gate."""


@dataclass(frozen=True)
class Claim:
    """A cell of a registered claim. Everything in :attr:`promise` is hashed."""

    id: str
    report: str
    statement: str
    quantity: str
    unit: str
    design: str
    bound: Bound
    subject: str
    params: Mapping[str, Any] = field(default_factory=dict)
    scope: str = "artifact"
    family: str = ""
    role: str = "claim"
    family_size: int = 1
    """Cells registered on this subject, run or not: of the headline family, of the report outside
    conjunctions, or of the conjunction."""
    alpha: float = 0.025
    looks: str = "open"
    n: int | None = None
    coverage_gap: float = 0.0
    """By how much the arms may differ in the share of planned units that were scored; beyond it nothing passes."""
    rope: float | None = None
    """Smallest effect of interest: a pass whose whole interval lies within ± this is ``negligible``."""
    measured: Mapping[str, Any] = field(default_factory=dict)
    """Registered measurement parameters; compared with what the samples say was executed."""
    controls: tuple[str, ...] = ()
    supersedes: str | None = None
    replaces: tuple[str, ...] = ()
    """``supersedes``, and what that one superseded in turn."""
    tier: str | None = None
    strict: bool = False
    expected: str | None = None
    expected_why: str | None = None
    expected_because: str | None = None
    """Words that an expected refusal must contain: another refusal is not the expected one."""
    reported: Mapping[str, Any] | None = None
    source: Mapping[str, Any] | None = None
    section: str | None = None
    where: str = ""
    """File and line of the registration."""

    @property
    def label(self) -> str:
        return cell_label(self.id, self.params)

    @property
    def promise(self) -> dict[str, Any]:
        """What was promised, in JSON. Expectations and what a source reported are not part of it."""
        # Left out where it is 0, so that claims registered before there was such a limit keep their hash.
        gap = {"coverage_gap": self.coverage_gap} if self.coverage_gap else {}
        return gap | {
            "statement": self.statement,
            "quantity": self.quantity,
            "unit": self.unit,
            "design": self.design,
            "rule": self.bound.rule,
            "bound": self.bound.value,
            "rope": self.rope,
            "scope": self.scope,
            "alpha": self.alpha,
            "looks": self.looks,
            "n": self.n,
            "family": self.family,
            "role": self.role,
            "controls": list(self.controls),
            "supersedes": self.supersedes,
            "subject": self.subject,
            "params": dict(self.params),
            "measured": dict(self.measured),
        }


def promise_hash(promise: Mapping[str, Any]) -> str:
    """SHA-256 (16 hex digits) of a promise, whatever the order of its keys."""
    text = json.dumps(promise, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cell_label(claim: str, params: Mapping[str, Any]) -> str:
    """``report.claim[k=16, noise=0.45]``."""
    inside = ", ".join(f"{k}={v}" for k, v in params.items())
    return f"{claim}[{inside}]" if inside else claim
