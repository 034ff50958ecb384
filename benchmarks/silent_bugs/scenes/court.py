"""Court scene: a study's numbers, as its authors would publish them and as the court judges them.

What is mutated is the study; the checks are those that stand between any measurement and its verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ledger.assess import assess
from ledger.claim import Claim
from ledger.row import undecided_row
from ledger.ruling import rulings
from ledger.verdict import Bound
from mi import claimable
from mi.claimable import Contrast, Sample

from ..number import Number
from ..scene import Check, Fired, Measured, Scene

Array = NDArray[np.float64]
N, SETS, RUNS = 60, 24, 5


@dataclass
class Study:
    """What a study measured and how: every field is recorded by the measurement, as builders and fixtures record it."""

    a: Array
    b: Array
    ids_a: list[str]
    ids_b: list[str]
    unit: str = "document"
    planned: int | None = None
    selected_on: Sequence[str] = ()
    executed: dict[str, Any] = field(default_factory=dict)
    scope: str = "artifact"


FLAGS = {"selected on test": ("K13",), "exclusions": ("K28",), "no headroom": ("K23",), "look spent": ("K29",)}
REFUSALS = {
    "do not match": ("K16",),
    "times": ("K21", "K16"),
    "of which": ("K21", "K19"),
    "random set": ("K19",),
    "runs with identical": ("K18", "K21"),
    "identical scores": ("K23", "K21"),
    "independent unit": ("K17",),
    "at least": ("K29",),
}
"""Words of a refusal and the kinds of check that it is; the first that fit."""
REGISTERED = {"layer": 6, "bos": True, "ids": "2f1c", "concept": "nurse"}


@dataclass
class CourtScene(Scene):
    """A study, how it is judged, and the promise it was registered with."""

    study: Study
    contrast: Callable[[Study], Contrast]
    design: str
    scope: str = "artifact"
    unit: str = "document"

    def measure(self) -> Measured:
        """Estimate and 95 % interval by the formula that any paper would use, no questions asked."""
        s = self.study
        d = s.a - s.b.mean(0) if s.b.ndim > 1 else s.a - _matched(s) if len(s.a) == len(s.b) else None
        if d is None:
            estimate, se = s.a.mean() - s.b.mean(), np.hypot(stats.sem(s.a), stats.sem(s.b))
        else:
            estimate, se = d.mean(), stats.sem(d)
        lo, hi = estimate - 1.96 * se, estimate + 1.96 * se
        naive = "pass" if lo > 0 else "fail" if hi < 0 else "inconclusive"
        return Measured({"a - b": Number(float(estimate), -1.0, 1.0, (float(lo), float(hi)))}, {"a - b > 0": naive})

    @property
    def checks(self) -> Sequence[Check]:
        return (
            Check("mi.claimable", (), lambda scene: scene.judgeable()),
            Check("ledger.assess", ("K17",), lambda scene: scene.judge()),
        )

    def judgeable(self) -> list[Fired]:
        """What the contrast refuses, with the kind of check that the refusal is."""
        try:
            self.contrast(self.study)
        except claimable.Refusal as refusal:
            kinds = next((kinds for words, kinds in REFUSALS.items() if words in str(refusal)), ())
            return [Fired(f"mi.claimable refuses: {refusal.given}"[:72], kinds, str(refusal))]
        return []

    def judge(self) -> list[Fired]:
        """What the court holds against the verdict: deviations, forced flags, refusals of its own."""
        try:
            contrast = self.contrast(self.study)
        except claimable.Refusal:
            return []  # the other check has said so
        claim = Claim(
            id="study.difference",
            report="study",
            statement="",
            quantity="score",
            unit=self.unit,
            design=self.design,
            bound=Bound("above", 0.0),
            subject="tiny",
            scope=self.scope,
            measured=REGISTERED,
        )
        found = assess(claim, contrast)
        fired = [Fired(f"ledger flags: {name}", FLAGS.get(name, ()), name) for name in found.fields["flags"]]
        fired += [
            Fired("ledger: deviated", ("K20",), f"{d['key']}: {d['registered']!r} became {d['executed']!r}")
            for d in found.fields["deviations"]
        ]
        return fired

    def unguarded(self) -> AbstractContextManager[Any]:
        return nullcontext()


def claim_row(name: str, verdict: str, controls: tuple[str, ...] = ()) -> dict[str, Any]:
    """The row of the claim ``study.<name>`` that came out so."""
    about = {"report": "study", "statement": "", "quantity": "score", "unit": "example", "design": "paired"}
    claim = Claim(id=f"study.{name}", bound=Bound("above", 0.0), subject="tiny", controls=controls, **about)
    chances = dict.fromkeys(("p_pass", "p_fail"), 1e-9 if verdict == "pass" else 1.0)
    return {**undecided_row(claim, name, 0), "status": "decided", "verdict": verdict, "estimate": 0.0, **chances}


def control_problems(rows: Sequence[dict[str, Any]]) -> list[Fired]:
    """What a table of these rows says of passes that are not supported."""
    problems = [problem for ruling in rulings(rows) for problem in ruling.row["control_problems"]]
    return [Fired("ledger.controls", ("K19",), problem) for problem in problems]


def _matched(s: Study) -> Array:
    """The second arm in the order of the first, where the ids are the same ones."""
    at = {name: k for k, name in enumerate(s.ids_b)}
    return s.b[[at[name] for name in s.ids_a]] if set(at) == set(s.ids_a) else s.b


def _samples(s: Study) -> tuple[Sample, Sample]:
    about = {"unit": s.unit, "planned": s.planned, "selected_on": s.selected_on, "params": {**REGISTERED, **s.executed}}
    return Sample(s.a, s.ids_a, **about), Sample(s.b, s.ids_b, **about)


def _paired(s: Study) -> Contrast:
    if s.scope == "pooled":
        return claimable.unpaired(*_samples(s))
    a, b = _samples(s)
    return claimable.paired(a, b)


def _sets(s: Study) -> Contrast:
    about = {"unit": s.unit, "params": {**REGISTERED, **s.executed}}
    return claimable.against_random_sets(Sample(s.a, s.ids_a, **about), [Sample(b, s.ids_b, **about) for b in s.b])


def _runs(s: Study) -> Contrast:
    about = {"unit": "seed", "params": {**REGISTERED, **s.executed}}
    if s.scope == "pooled":
        return claimable.unpaired(*_samples(s))
    shape = (RUNS, -1)
    arms = [dict(zip([f"seed {k}" for k in range(RUNS)], x.reshape(shape), strict=True)) for x in (s.a, s.b)]
    return claimable.over_runs(arms[0], arms[1], **about)


def _scores(seed: int, n: int, gap: float, tau: float = 0.0, groups: int = 1) -> tuple[Array, Array]:
    rng = np.random.default_rng([seed, n, groups])
    shift = np.repeat(rng.normal(0, tau, (2, groups)), n // groups, axis=1)
    hard = rng.normal(0, 0.08, n)
    a = 0.62 + gap + hard + shift[0] + rng.normal(0, 0.05, n)
    b = 0.62 + hard + shift[1] + rng.normal(0, 0.05, n)
    return np.clip(a, 0, 1), np.clip(b, 0, 1)


def paired(seed: int) -> CourtScene:
    """Two methods on the same documents; a small true difference."""
    a, b = _scores(seed, N, 0.03)
    ids = [f"document {k:03}" for k in range(N)]
    return CourtScene(seed, Study(a, b, ids, list(ids)), _paired, "paired")


def null(seed: int) -> CourtScene:
    """Two methods on the same documents, without any difference."""
    a, b = _scores(seed, N, 0.0)
    ids = [f"document {k:03}" for k in range(N)]
    return CourtScene(seed, Study(a, b, ids, list(ids)), _paired, "paired")


def random_sets(seed: int) -> CourtScene:
    """A circuit against random sets of as many features."""
    rng = np.random.default_rng([seed, 7])
    a, base = _scores(seed, N, 0.05)
    b = np.clip(base[None] + rng.normal(0, 0.05, (SETS, 1)) + rng.normal(0, 0.05, (SETS, N)), 0, 1)
    ids = [f"example {k:03}" for k in range(N)]
    return CourtScene(seed, Study(a, b, ids, list(ids), unit="example"), _sets, "random-sets", unit="example")


def runs(seed: int) -> CourtScene:
    """Two methods over training seeds, many latents each."""
    a, b = _scores(seed, RUNS * 40, 0.04, tau=0.02, groups=RUNS)
    ids = [[f"{arm} latent {k:03}" for k in range(RUNS * 40)] for arm in "ab"]
    return CourtScene(seed, Study(a, b, *ids, unit="latent"), _runs, "runs", "method", unit="seed")
