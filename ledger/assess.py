"""Assessment: one claim, one contrast, one verdict. The whole path from interval to ruling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol

from .attempts import FIRST, Attempt, alpha_of_attempt
from .claim import Claim, promise_hash
from .registry import is_token_unit
from .verdict import Bound, Verdict

LEVELS = (80, 90, 95, 99)
MAX_EXCLUDED = 0.2


class Judgeable(Protocol):
    """What a contrast must know to be judged (``mi.contrasts.contrast.Contrast`` does)."""

    @property
    def design(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def estimate(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def support(self) -> tuple[float, float] | None: ...
    @property
    def quantity(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def sources(self) -> tuple[str, ...]: ...
    @property
    def calibration(self) -> str: ...
    @property
    def limited_by(self) -> str: ...
    @property
    def extra(self) -> Mapping[str, float]: ...
    @property
    def excluded_shares(self) -> tuple[float, ...]: ...
    @property
    def selected_on_test(self) -> int: ...
    @property
    def reach(self) -> tuple[float, float] | None: ...
    @property
    def best_case(self) -> Any: ...
    @property
    def arms(self) -> tuple[Any, ...]: ...
    @property
    def digest(self) -> str: ...
    def limits(self, alpha: float) -> tuple[float, float]: ...
    def p_above(self, bound: float) -> float: ...
    def p_below(self, bound: float) -> float: ...
    def minimum_detectable_effect(self, alpha: float) -> float: ...
    def units_needed(self, distance: float, alpha: float) -> int | None: ...
    def stored(self) -> dict[str, Any]: ...


class Refused(ValueError):
    """The court's own refusals: a registration and a measurement that cannot meet."""

    refused = True

    def __init__(self, given: str, expected: str, fix: str) -> None:
        super().__init__(f"{given}. Expected {expected}. {fix}")
        self.given, self.expected, self.fix = given, expected, fix


@dataclass(frozen=True)
class Assessment:
    """What the court found. ``verdict`` is None where executed and registered parameters differ."""

    claim: Claim
    verdict: Verdict | None
    estimate: float
    lo: float
    hi: float
    level: float
    fields: Mapping[str, Any] = field(repr=False)
    """The judged part of the ledger row, in JSON."""
    stored: Mapping[str, Any] = field(repr=False)
    """Per-unit scores, from which the verdict can be recomputed."""

    @property
    def deviations(self) -> list[dict[str, Any]]:
        return list(self.fields["deviations"])

    def __str__(self) -> str:
        return (
            f"{self.claim.label} on {self.claim.subject}: {self.verdict or 'deviated'}, "
            f"{self.estimate:+.4g} [{self.lo:+.4g}, {self.hi:+.4g}] at {self.level:.2%}, "
            f"wanted {self.claim.bound}, n={self.fields['n']}"
        )


def assess(claim: Claim, contrast: Judgeable, *, bound: Bound | None = None, attempt: Attempt = FIRST) -> Assessment:
    """Judge ``contrast`` against what ``claim`` promised.

    ``bound`` is the bound that the test states, if it states one; it must be the registered one.
    ``attempt`` comes from the ledger's history.

    Raises:
        ValueError: with ``refused`` true, where no verdict may be given.
    """
    bound = bound or claim.bound
    _refuse(claim, contrast, bound, attempt)
    alpha = alpha_of_attempt(claim.alpha, attempt.number, claim.looks)
    lo, hi = contrast.limits(alpha)
    p_pass, p_fail = bound.p_values(contrast)
    by_interval = bound.decide(lo, hi)
    flags = forcing_flags(claim.id, claim.promise, contrast, bound, alpha, attempt, by_interval)
    verdict: Verdict | None = Verdict.INCONCLUSIVE if flags else by_interval
    reason = flags[0] if flags else None
    notes = [f["short"] for f in flags]
    if verdict is Verdict.PASS and claim.rope is not None and -claim.rope < lo and hi < claim.rope:
        notes.append("negligible")

    executed = _executed(claim, contrast, bound)
    deviations = list(_deviations(claim.promise, executed))
    if deviations:
        verdict = None
        first = deviations[0]
        reason = {
            "short": "deviated",
            "detail": "; ".join(
                f"{d['key']}: registered {d['registered']!r}, executed {d['executed']!r}" for d in deviations
            ),
            "fix": f"Execute the registered {first['key']}, or register a new claim with supersedes: {claim.id}.",
        }
    units_needed = None
    if verdict is Verdict.INCONCLUSIVE and not flags:
        # More data is the next attempt, which may spend less.
        following = alpha_of_attempt(claim.alpha, attempt.number + 1, claim.looks)
        units_needed = contrast.units_needed(bound.distance(contrast.estimate), following)
    fields = {
        "kind": bound.kind,
        "rule": bound.rule,
        "bound": bound.value,
        "quantity": contrast.quantity or claim.quantity,
        "unit": contrast.unit or claim.unit,
        "design": contrast.design,
        "scope": claim.scope,
        "estimate": contrast.estimate,
        "lo": lo,
        "hi": hi,
        "level": round(1 - 2 * alpha, 12),
        "limits": {str(level): list(contrast.limits((1 - level / 100) / 2)) for level in LEVELS},
        "adjusted": _adjusted_interval(claim, contrast, alpha),
        "p_pass": p_pass,
        "p_fail": p_fail,
        "n": contrast.n,
        "counts": dict(contrast.counts),
        "method": contrast.method,
        "calibration": contrast.calibration,
        "extra": {k: v for k, v in contrast.extra.items() if isfinite(v)},
        "verdict": None if verdict is None else str(verdict),
        "flags": notes,
        "mde": contrast.minimum_detectable_effect(alpha),
        "units_needed": units_needed,
        "limited_by": flags[0]["short"] if flags else contrast.limited_by,
        "attempt": attempt.number,
        "replay": attempt.replay,
        "alpha_spent": alpha,
        "promise_changed": _changed(attempt),
        "seen_before": None
        if attempt.seen_before is None
        else dict(zip(("claim", "run"), attempt.seen_before, strict=True)),
        "executed_hash": promise_hash({**claim.promise, **executed} if deviations else claim.promise),
        "deviations": deviations,
        "artifacts": list(contrast.sources),
        "seed": contrast.params.get("seed"),
        "measured": dict(contrast.params),
        "unconfirmed": sorted(k for k in claim.params if k not in contrast.params),
        "data": contrast.digest,
        "reason": reason,
    }
    return Assessment(claim, verdict, contrast.estimate, lo, hi, 1 - 2 * alpha, fields, contrast.stored())


def _refuse(claim: Claim, contrast: Judgeable, bound: Bound, attempt: Attempt) -> None:
    if claim.scope == "method" and contrast.scope != "method":
        raise Refused(
            f"a claim about a method, measured on one trained artifact (design {contrast.design})",
            "one score per training run, at least 3 runs per arm",
            "Train more seeds and use over_runs(), or register the claim with scope: artifact.",
        )
    if is_token_unit(contrast.unit):
        raise Refused(
            f"unit {contrast.unit!r} as the independent unit",
            "documents, prompts, latents or training runs",
            "Use clustered_mean() or ratio_of_sums() with document ids, and unit: document.",
        )
    if contrast.support is not None:
        lo, hi = contrast.support
        reach = max(abs(lo), abs(hi))
        possible = bound.value < reach if bound.rule == "within" else lo <= bound.value <= hi
        reachable = bound.value < hi if bound.rule == "above" else bound.value > lo if bound.rule == "below" else True
        if not (possible and reachable):
            raise Refused(
                f"a bound {bound} for a quantity between {lo:g} and {hi:g}",
                "a bound that the quantity can clear",
                "Check the scale: fractions or percentages?",
            )
    if attempt.changed and attempt.changed_recorded:
        what = "; ".join(f"{k}: {then!r} became {now!r}" for k, (then, now) in attempt.changed.items())
        raise Refused(
            f"a promise that was changed after its data were seen in run {attempt.changed_in} ({what})",
            "the promise as recorded",
            f"Register the new promise under a new id with supersedes: {claim.id}; the old one stays in the family.",
        )


def forcing_flags(
    claim_id: str,
    promise: Mapping[str, Any],
    contrast: Judgeable,
    bound: Bound,
    alpha: float,
    attempt: Attempt,
    verdict: Verdict,
) -> list[dict[str, str]]:
    """What makes a verdict inconclusive whatever its interval says, in the order of weight."""
    found = []

    def flag(short: str, detail: str, fix: str) -> None:
        found.append({"short": short, "detail": detail, "fix": fix})

    if promise["looks"] == "one" and attempt.number > 1:
        flag(
            "look spent",
            f"the claim registered one look, spent in run {attempt.first_run} on other data",
            f"Register looks: open under a new id with supersedes: {claim_id}; its looks count on.",
        )
    overlap = contrast.selected_on_test
    if overlap:
        flag(
            "selected on test",
            f"{overlap} of the tested units also served to choose a setting",
            "Choose settings on validation units and judge on others.",
        )
    shares = contrast.excluded_shares
    gap = promise.get("coverage_gap", 0.0)
    if shares and (max(shares) > MAX_EXCLUDED or max(shares) - min(shares) > gap + 1e-12):
        alike = f"shares that differ by at most {gap:g}" if gap else "the same share in each arm"
        flag(
            "exclusions",
            "share of planned units without a score: " + ", ".join(f"{s:.0%}" for s in shares),
            f"Score the planned units: at most {MAX_EXCLUDED:.0%} may be missing, {alike}.",
        )
    room = _headroom_problem(contrast, bound, alpha, verdict)
    if room:
        flag("no headroom", room, "Use a control that is neither at its floor nor at its ceiling, or more units.")
    return found


def _headroom_problem(contrast: Judgeable, bound: Bound, alpha: float, verdict: Verdict) -> str | None:
    """Outcomes so near floor or ceiling that the design, not the evidence, gave the verdict.

    Symmetric in the arms where it overrules a verdict: with so many successes in all, no split of them
    between the arms could have cleared the bound, or broken the margin. An inconclusive verdict is also
    told apart from mere lack of data: a perfect first arm would not have passed either.
    """
    if contrast.reach is not None:
        lo, hi = contrast.reach
        stuck = {"above": hi <= bound.value, "below": lo >= bound.value, "within": max(-lo, hi) < bound.value}[
            bound.rule
        ]
        if stuck:
            return f"with so many successes in all, the arms can only differ by {lo:+.3f} to {hi:+.3f}"
    if contrast.best_case is None or bound.rule == "within" or verdict is not Verdict.INCONCLUSIVE:
        return None
    lo, hi = contrast.best_case(bound.rule == "above").limits(alpha)
    if bound.decide(lo, hi) is Verdict.PASS:
        return None
    return f"had every unit of the first arm come out right for the claim, the interval would be [{lo:+.3f}, {hi:+.3f}]"


def _executed(claim: Claim, contrast: Judgeable, bound: Bound) -> dict[str, Any]:
    """The promised keys as they were really executed; what a measurement leaves open is taken as promised."""
    params = contrast.params
    executed: dict[str, Any] = {
        "design": contrast.design,
        "rule": bound.rule,
        "bound": bound.value,
        "quantity": contrast.quantity or claim.quantity,
        "unit": contrast.unit or claim.unit,
        "measured": {k: params.get(k) for k in claim.measured},
        "params": {k: params.get(k, v) for k, v in claim.params.items()},
        "subject": params.get("subject", claim.subject),
    }
    if claim.n is not None:
        executed["n"] = contrast.n
    return executed


def _deviations(
    registered: Mapping[str, Any], executed: Mapping[str, Any], prefix: str = ""
) -> Iterator[dict[str, Any]]:
    for key, value in executed.items():
        if isinstance(value, dict) and not prefix:
            yield from _deviations(registered[key], value, f"{key}.")
        elif value != registered[key]:
            yield {"key": prefix + key, "registered": registered[key], "executed": value}


def _adjusted_interval(claim: Claim, contrast: Judgeable, alpha: float) -> dict[str, Any] | None:
    """The simultaneous interval over a headline family (Bonferroni, the interval that goes with Holm)."""
    if claim.role != "headline" or claim.family_size < 2:
        return None
    lo, hi = contrast.limits(alpha / claim.family_size)
    return {
        "lo": lo,
        "hi": hi,
        "level": round(1 - 2 * alpha / claim.family_size, 12),
        "method": "bonferroni",
        "m": claim.family_size,
    }


def _changed(attempt: Attempt) -> dict[str, Any] | None:
    if not attempt.changed:
        return None
    return {"run": attempt.changed_in, "keys": {k: list(v) for k, v in attempt.changed.items()}}
