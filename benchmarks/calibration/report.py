"""Report: what was measured, beside its bar."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .bars import Bars, flagged, misses
from .block import draws
from .controls import BY_CONTROL
from .families import rates
from .plan import SEQUENCES, Plan
from .refusals import TABLE
from .scenarios import BY_NAME
from .sequential import Looks
from .tally import Rate, Tally

Results = dict[tuple[str, ...], list[Any]]


@dataclass(frozen=True)
class Row:
    """One scenario. Rates are shares; ``power`` is None where it was not measured."""

    scenario: str
    method: str
    bound: Tally
    alternative: Tally
    floor: float | None
    known_limit: bool
    missed: list[str]

    @property
    def power(self) -> float | None:
        return self.alternative.passed.value if self.alternative.n else None


@dataclass(frozen=True)
class Line:
    """One measurement that is not a scenario."""

    part: str
    what: str
    measured: str
    bar: str
    cleared: bool


@dataclass
class Report:
    """Everything that the table shows."""

    n: int
    rows: list[Row] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def missed(self) -> list[str]:
        """Every bar that was missed; the benchmark fails if there is one."""
        return [f"{row.scenario}: {why}" for row in self.rows for why in row.missed] + [
            f"{line.part}: {line.what}: {line.measured} (bar: {line.bar})" for line in self.lines if not line.cleared
        ]

    def json(self) -> dict[str, Any]:
        """For a file that other tools read."""
        rows = [
            {
                **asdict(row),
                "power": row.power,
                "false_pass": row.bound.passed.value,
                "false_pass_upper": row.bound.passed.upper,
                "false_fail": row.bound.failed.value,
                "false_fail_upper": row.bound.failed.upper,
            }
            for row in self.rows
        ]
        lines = [asdict(line) for line in self.lines]
        return {
            "n": self.n,
            "seconds": round(self.seconds, 1),
            "scenarios": rows,
            "lines": lines,
            "missed": self.missed,
        }


def report(plan: Plan, results: Results, bars: Bars) -> Report:
    """Measured rates beside their bars, for the parts that the plan asked for."""
    made = Report(plan.n)
    for name in plan.scenarios if "scenarios" in plan.parts else ():
        scenario = BY_NAME[name]
        bound = sum(results["scenarios", name, "bound"], Tally())
        alternative = sum(results.get(("scenarios", name, "alternative"), []), Tally())
        method = scenario.contrast(next(draws(scenario, "bound", 0))).method
        missed = misses(scenario, bound, alternative, bars)
        made.rows.append(Row(name, method, bound, alternative, scenario.floor, scenario.known_limit, missed))
    made.lines += [*_pooled(made.rows, bars), *_family(plan, results, bars), *_sequential(results, bars)]
    made.lines += [*_refusals(results), *_controls(plan, results), *_determinism(plan, results)]
    return made


def percent(rate: Rate) -> str:
    return f"{rate.value:.2%}, at most {rate.upper:.2%}"


def _pooled(rows: list[Row], bars: Bars) -> list[Line]:
    counted = [row.bound.passed.value for row in rows if not row.known_limit]
    if bars.pooled is None or not counted:
        return []
    mean = sum(counted) / len(counted)
    what = f"false passes, mean of {len(counted)} scenarios without the known limits"
    return [Line("pooled", what, f"{mean:.2%}", f"<= {bars.pooled:.1%}", mean <= bars.pooled)]


def _family(plan: Plan, results: Results, bars: Bars) -> list[Line]:
    if ("family",) not in results:
        return []
    raw, adjusted = rates(results["family",], plan.reports)
    what = f"{plan.reports:,} reports of 30 null claims with a false pass"
    return [
        Line("family", f"{what}, Holm", percent(adjusted), f"<= {bars.family:.1%}", adjusted.upper <= bars.family),
        Line("family", f"{what}, uncorrected", f"{raw.value:.1%}", f"> {bars.uncorrected:.0%}", raw.value > bars.uncorrected),
    ]  # fmt: skip


def _sequential(results: Results, bars: Bars) -> list[Line]:
    lines = []
    for data in SEQUENCES:
        if ("sequential", data) not in results:
            continue
        looks = sum(results["sequential", data], Looks())
        ever, naive, bar = looks.ever, looks.naively, bars.sequential
        what = f"{looks.ledgers:,} ledgers, null, up to 20 looks at {data} data"
        lines += [
            Line("sequential", f"{what}, ever passed", percent(ever), f"<= {bar:.1%}", ever.upper <= bar),
            Line("sequential", f"{what}, at full alpha each", f"{naive.value:.1%}", f"> {bar:.1%}", naive.lower > bar),
            Line("sequential", f"{what}, miscounted", str(looks.miscounted), "0", looks.miscounted == 0),
        ]
    return lines


def _refusals(results: Results) -> list[Line]:
    if ("refusals",) not in results:
        return []
    through = results["refusals",][0]
    measured = f"{len(TABLE) - len(through)} of {len(TABLE)}" + (f"; not: {', '.join(through)}" if through else "")
    return [Line("refusals", "bad inputs refused", measured, "all", not through)]


def _controls(plan: Plan, results: Results) -> list[Line]:
    lines = []
    for name in plan.controls:
        if ("controls", name) not in results:
            continue
        scenario = BY_NAME[BY_CONTROL[name].scenario]
        rate = Rate(sum(results["controls", name]), plan.control_claims)
        beyond, bar = flagged(scenario, rate), Bars().of(scenario)
        lines.append(
            Line("controls", name, f"{rate.value:.1%}, at least {rate.lower:.1%}", f"flagged: > {bar:.1%}", beyond)
        )
    return lines


def _determinism(plan: Plan, results: Results) -> list[Line]:
    if ("determinism",) not in results:
        return []
    found = results["determinism",][0]
    what = (
        f"{2 * plan.repeated * len(plan.scenarios):,} claims judged again: other process, rows permuted, arms swapped"
    )
    measured = f"{len(found)} differ" + (f": {'; '.join(found[:5])}" if found else "")
    return [Line("determinism", what, measured, "0", not found)]
