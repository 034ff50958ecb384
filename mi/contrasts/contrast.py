"""Contrast: what a claim is about. An estimate that knows its interval, its p-values and its data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any

from ..interval import Interval
from ..pivot import Pivot, t_quantile
from ..refusal import Refusal
from ..sample import Sample

MIN_UNITS = 10
MIN_CLUSTERS = 20
MIN_SETS = 20
MIN_RUNS = 3


@dataclass(frozen=True, eq=False)
class Contrast:
    """An estimate with everything needed to judge it and to recompute it.

    Built by the functions in this package, never by hand. ``design`` names the function, and
    ``design``, ``arms`` and ``options`` together rebuild it (:func:`mi.contrasts.stored.rebuild`).
    """

    design: str
    arms: tuple[Sample, ...]
    pivot: Pivot
    estimate: float
    method: str
    n: int
    """Independent units that carry the estimate."""
    counts: Mapping[str, int]
    """How ``n`` comes about, e.g. ``{"a": 58, "b": 60}`` or ``{"examples": 180, "sets": 100}``."""
    support: tuple[float, float] | None = None
    """Lowest and highest value the estimate could take."""
    options: Mapping[str, Any] = field(default_factory=dict)
    scope: str = "artifact"
    """``method`` only where the unit is a training run."""
    calibration: str = "calibrated"
    limited_by: str = "units"
    """What more of would narrow the interval most."""
    extra: Mapping[str, float] = field(default_factory=dict)
    """Companion statistics, e.g. an exact McNemar p."""
    excluded: tuple[float, ...] = ()
    """Share of planned units without a score, where the arms themselves cannot tell."""
    reach: tuple[float, float] | None = None
    """Two arms of outcomes: the least and the largest difference that this many successes overall allow."""
    best_case: Callable[[bool], Pivot] | None = None
    """The pivot had the first arm come out as high (True) or as low (False) as it can."""

    def __post_init__(self) -> None:
        for sample in self.arms:
            if sample.dependent and self.design not in ("ratio", "ratio-difference", "clustered"):
                raise Refusal(
                    f"unit={sample.unit!r} as the independent unit",
                    "documents, prompts, latents or training runs: tokens of one document are not independent",
                    "Use clustered_mean(values, document_ids), or ratio_of_sums(errors, variances, document_ids) for an FVU.",
                )
        if not (isfinite(self.estimate) and isfinite(self.pivot.se)):
            raise Refusal(f"an undefined {self.method} interval", "a finite estimate and error", "Check the data.")

    def __repr__(self) -> str:
        i = self.interval()
        return f"<{self.design} {i.estimate:+.4g} [{i.lo:+.4g}, {i.hi:+.4g}] n={self.n} ({self.method})>"

    def __sub__(self, other: Contrast) -> Contrast:
        """Difference of two differences over the same units, e.g. an effect under two conditions."""
        if not isinstance(other, Contrast):
            return NotImplemented
        from .difference import paired

        return paired(self.differences, other.differences)

    @property
    def differences(self) -> Sample:
        """One difference per unit (paired designs only)."""
        if self.design != "paired":
            raise Refusal(
                f"differences of a contrast with design {self.design!r}",
                "a paired contrast",
                "Only paired samples have one difference per unit.",
            )
        a, b = self.arms
        return Sample(
            a.values - b.values,
            a.units,
            quantity=self.quantity,
            unit=self.unit,
            support=self.support,
            sources=self.sources,
            params=self.params,
            planned=max((s.planned for s in self.arms if s.planned), default=None),
            selected_on=sorted({u for s in self.arms for u in s.selected_on}),
        )

    # ---- what it is about -------------------------------------------------------------------
    @property
    def quantity(self) -> str | None:
        return self.arms[0].quantity

    @property
    def unit(self) -> str | None:
        return self.arms[0].unit

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s for arm in self.arms for s in arm.sources))

    @property
    def params(self) -> dict[str, Any]:
        """How it was measured: one value where the arms agree, a list over the arms where not; numeric options too."""
        merged: dict[str, Any] = {}
        for key in dict.fromkeys(k for arm in self.arms for k in arm.params):
            seen: list[Any] = []
            for arm in self.arms:
                if key in arm.params and arm.params[key] not in seen:
                    seen.append(arm.params[key])
            merged[key] = seen[0] if len(seen) == 1 else seen
        return {**merged, **{k: v for k, v in self.options.items() if isinstance(v, int | float)}}

    @property
    def excluded_shares(self) -> tuple[float, ...]:
        """Per arm the share of planned units without a score (0 without a plan); empty if no arm had one."""
        if self.excluded or not any(s.planned for s in self.arms):
            return self.excluded
        return tuple(s.excluded / s.planned if s.planned else 0.0 for s in self.arms)

    @property
    def selected_on_test(self) -> int:
        """Tested units on which a setting had also been selected."""
        return sum(len(set(s.units) & set(s.selected_on)) for s in self.arms)

    # ---- how sure we are --------------------------------------------------------------------
    def limits(self, alpha: float) -> tuple[float, float]:
        """Lower and upper limit, each wrong with probability ``alpha``.

        Raises:
            Refusal: an undefined or zero-width interval, which would pass any bound on one side.
        """
        lo, hi = self.pivot.limits(alpha)
        if not (isfinite(lo) and isfinite(hi)):
            raise Refusal(
                f"{self.method} limits [{lo:g}, {hi:g}] at one-sided error {alpha:.3g}",
                "finite limits",
                "There is too little data for this level: add units.",
            )
        if not lo < hi:
            raise Refusal(
                f"a zero-width interval at {lo:g}", "spread between the units", "Identical scores prove nothing."
            )
        if self.support is not None:
            lo, hi = max(lo, self.support[0]), min(hi, self.support[1])
        return lo, hi

    def interval(self, level: float = 0.95) -> Interval:
        """The two-sided interval at ``level`` (0.95: each side errs with probability .025)."""
        if not 0 < level < 1:
            raise Refusal(
                f"level={level:g}", "a level between 0 and 1, e.g. 0.95", "Pass a fraction, not a percentage."
            )
        lo, hi = self.limits((1 - level) / 2)
        return Interval(self.estimate, lo, hi, level, self.n, self.method)

    def p_above(self, bound: float) -> float:
        """One-sided p-value against "not above ``bound``"."""
        return self.pivot.p_above(bound)

    def p_below(self, bound: float) -> float:
        """One-sided p-value against "not below ``bound``"."""
        return self.pivot.p_below(bound)

    # ---- what would decide it ---------------------------------------------------------------
    def minimum_detectable_effect(self, alpha: float, power: float = 0.8) -> float:
        """Distance from the bound that this much data decides with probability ``power``.

        Normal approximation, ``(z_alpha + z_power) * se`` (Cohen 1988, ch. 2).
        """
        return _z(alpha, power) * self.pivot.se

    def units_needed(self, distance: float, alpha: float, power: float = 0.8) -> int | None:
        """Units that decide a true ``distance`` from the bound; None if no number would.

        The error is taken to shrink with the square root of the number of units, everything else
        (clusters, sets, runs) growing with them.
        """
        if distance <= 0:
            return None
        needed = self.n * (self.minimum_detectable_effect(alpha, power) / distance) ** 2
        return ceil(needed) if isfinite(needed) and needed < 1e9 else None

    # ---- what it was computed from ----------------------------------------------------------
    def stored(self) -> dict[str, Any]:
        """JSON that rebuilds the contrast: design, options and the per-unit scores of every arm."""
        shared = self.arms[0].units
        arms = []
        for sample in self.arms:
            arm: dict[str, Any] = {"values": _compact(sample)}
            if sample.units != shared:
                arm["units"] = list(sample.units)
            for name in ("support", "planned", "selected_on"):
                value = getattr(sample, name)
                if value not in (None, ()):
                    arm[name] = list(value) if isinstance(value, tuple) else value
            arms.append(arm)
        return {"design": self.design, "options": dict(self.options), "units": list(shared), "arms": arms}

    @property
    def digest(self) -> str:
        """SHA-256 of :meth:`stored`: two looks at the same data have the same digest."""
        text = json.dumps(self.stored(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _z(alpha: float, power: float) -> float:
    return t_quantile(alpha, inf) - t_quantile(power, inf) if 0 < alpha < 1 else inf


def _compact(sample: Sample) -> str | list[float]:
    """Outcomes as a string of 0 and 1, anything else as numbers that survive JSON exactly."""
    if sample.binary:
        return "".join("1" if v else "0" for v in sample.ordered)
    return [float(v) for v in sample.ordered]


def require_units(n: int, least: int, what: str) -> None:
    """Refuse fewer than ``least`` independent ``what``."""
    if n < least:
        raise Refusal(f"{n} {what}", f"at least {least}", f"Fewer {what} cannot support an interval: measure more.")


def require_spread(se: float, what: str, scale: float = 1.0) -> None:
    """Refuse scores without any spread (beyond rounding at ``scale``): no width, no evidence."""
    if not se > 1e-12 * scale:
        raise Refusal(f"{what} that are all equal", "spread between the units", "Identical scores prove nothing.")
