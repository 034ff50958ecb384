"""Report: trials summed up per mutant, and the two scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from .mutant import Mutant
from .scene import Fired
from .trial import Trial
from .wilson import Rate

BENIGN_NEEDED, ALARMS_ALLOWED = 20, 1


@dataclass(frozen=True)
class Row:
    """One mutant over its data seeds. The mutant is the unit: its seeds are no further evidence."""

    mutant: Mutant
    trials: tuple[Trial, ...]

    @property
    def silent(self) -> bool:
        """Silent on every seed; a bug that is loud on one is dropped."""
        return all(t.silent for t in self.trials)

    @property
    def fits(self) -> bool:
        """It could be enacted on every seed."""
        return all(t.fits for t in self.trials)

    @property
    def detected(self) -> bool:
        """Some check fired on every seed."""
        return all(t.fired for t in self.trials)

    @property
    def alarmed(self) -> bool:
        """Some check fired on some seed."""
        return any(t.fired for t in self.trials)

    @cached_property
    def fired(self) -> tuple[Fired, ...]:
        """Checks that fired on at least one seed, those that were meant first."""
        by_name = {f.check: f for t in self.trials for f in t.fired}
        return tuple(sorted(by_name.values(), key=lambda f: not self._meant(f)))

    @property
    def meant_fired(self) -> bool:
        """A check of the kind that was meant fired on every seed."""
        return all(any(self._meant(f) for f in t.fired) for t in self.trials)

    @property
    def flipped(self) -> int:
        """Seeds on which the verdict of a claim flipped."""
        return sum(bool(t.flips) for t in self.trials)

    @property
    def severity(self) -> str:
        """``flips``, ``moves`` (a number leaves its clean interval), ``shifts`` (inside it) or ``none`` measured here."""
        if self.flipped:
            return "flips"
        if any(t.moved for t in self.trials):
            return "moves"
        return "shifts" if any(t.numbers for t in self.trials) else "none"

    def _meant(self, fired: Fired) -> bool:
        return any(kind in self.mutant.meant for kind in fired.kinds)


@dataclass
class Report:
    """All rows, and what the clean pipelines said."""

    rows: list[Row]
    clean_alarms: list[str]
    seeds: int
    seconds: float = 0.0

    @property
    def bugs(self) -> list[Row]:
        return [r for r in self.rows if not r.mutant.benign and r.silent]

    @property
    def benign(self) -> list[Row]:
        return [r for r in self.rows if r.mutant.benign and r.silent]

    @property
    def dropped(self) -> list[Row]:
        return [r for r in self.rows if not r.silent]

    @property
    def survivors(self) -> list[Row]:
        return [r for r in self.bugs if not r.detected]

    @property
    def alarms(self) -> list[Row]:
        return [r for r in self.benign if r.alarmed]

    @property
    def detection(self) -> Rate:
        return Rate(len(self.bugs) - len(self.survivors), len(self.bugs))

    @property
    def as_meant(self) -> Rate:
        return Rate(sum(r.meant_fired for r in self.bugs), len(self.bugs))

    @property
    def false_alarms(self) -> Rate:
        return Rate(len(self.alarms), len(self.benign))

    @property
    def problems(self) -> list[str]:
        """Why the benchmark is missed; empty if it is cleared."""
        found = [f"{r.mutant.id} survives: {r.mutant.what}" for r in self.survivors]
        if len(self.alarms) > ALARMS_ALLOWED:
            found += [f"false alarm on {r.mutant.id}: {r.fired[0].check}: {r.fired[0].said}" for r in self.alarms]
        found += [f"alarm on a clean pipeline: {alarm}" for alarm in self.clean_alarms]
        found += [f"{r.mutant.id} {_loud(r)}" for r in self.dropped if not r.fits]
        found += [
            f"{r.mutant.id} is meant to be harmless, and {_loud(r)}" for r in self.dropped if r.mutant.benign and r.fits
        ]
        return found

    def json(self) -> dict[str, Any]:
        return {
            "detection": self.detection._asdict(),
            "false_alarms": self.false_alarms._asdict(),
            "clean_alarms": self.clean_alarms,
            "rows": [
                {"mutant": r.mutant.id, "what": r.mutant.what, "trials": [asdict(t) for t in r.trials]}
                for r in self.rows
            ],
        }


def report(mutants: Sequence[Mutant], trials: Sequence[Trial], clean_alarms: Sequence[str], seeds: int) -> Report:
    """Rows in the order of ``mutants``."""
    by = {m.id: tuple(sorted((t for t in trials if t.mutant == m.id), key=lambda t: t.seed)) for m in mutants}
    return Report([Row(m, by[m.id]) for m in mutants if by[m.id]], sorted(set(clean_alarms)), seeds)


def _loud(row: Row) -> str:
    return next(t.why_not for t in row.trials if not t.silent)
