"""The scenarios: sixteen rows, from latent scores to faithfulness.

Alternatives and power floors are fixed here, before any run. S1, S7, S8 and S9 take the effects of the
sources (+.053 on detection scores, +.15 for a circuit) and a faithfulness of .97; S2 and S3 take round
effects whose power their floors were set for; S4 to S6 have no floor, and take effects that a study of
their size could hope to see.
"""

from __future__ import annotations

from . import laws, measurements
from .scenario import Case, Scenario


def _latents(n_a: int, n_b: int, floor: float | None) -> Scenario:
    return Scenario(
        f"S1 {n_a}/{n_b}",
        "mean difference of latent scores; alternative +.053",
        "unpaired",
        measurements.unpaired,
        Case(0.0, laws.two_arms_of_latents(n_a, n_b, 0.0)),
        Case(0.0, laws.two_arms_of_latents(n_a, n_b, 0.053)),
        floor=floor,
        two_arms=True,
    )


def _ceiling(n: int, floor: float | None, known_limit: bool) -> Scenario:
    return Scenario(
        f"S2 n={n}",
        "mean near the ceiling, Beta(.93, sd .09); alternative mean .96, same concentration",
        "mean",
        measurements.mean,
        Case(0.93, laws.near_ceiling(n, 0.93)),
        Case(0.93, laws.near_ceiling(n, 0.96)),
        floor=floor,
        known_limit=known_limit,
    )


def _discordant(
    name: str, what: str, null: tuple[float, float], alternative: tuple[float, float], floor: float
) -> Scenario:
    return Scenario(
        f"S3 {name}",
        what,
        "paired",
        measurements.paired,
        Case(null[0] - null[1], laws.paired_outcomes(*null)),
        Case(0.0, laws.paired_outcomes(*alternative)),
        floor=floor,
        two_arms=True,
        milliseconds=1.5,
    )


def _two_proportions(p_a: float, p_b: float) -> Scenario:
    law = laws.independent_outcomes(16, p_a, p_b)
    return Scenario(
        f"S5 {p_a:g}/{p_b:g}".replace("0.", "."),
        "two proportions, 16 per arm; alternative .35 above the bound",
        "unpaired",
        measurements.unpaired,
        Case(p_a - p_b, law),
        Case(p_a - p_b - 0.35, law),
        two_arms=True,
    )


def _documents(n: int, icc: float, gap: float) -> Scenario:
    law = laws.documents(n, icc)
    return Scenario(
        f"S6 {n} docs, ICC {icc:g}",
        f"FVU (1 - VE) below a bound, per-document sums; alternative {gap:g} below",
        "ratio",
        measurements.fvu,
        Case(0.2, law),
        Case(0.2 + gap, law),
        rule="below",
        milliseconds=2.0,
    )


def _seeds(runs: int, floor: float | None) -> Scenario:
    return Scenario(
        f"S8 {runs} seeds",
        "method difference over training runs, tau .02, paired by seed; alternative +.053",
        "runs",
        measurements.runs,
        Case(0.0, laws.training_runs(runs, 0.0)),
        Case(0.0, laws.training_runs(runs, 0.053)),
        scope="method",
        floor=floor,
        two_arms=True,
    )


def _circuit(name: str, only_circuit: float, floor: float) -> Scenario:
    return Scenario(
        f"S9 {name}",
        "faithfulness above .9 of the ceiling; alternative .97",
        "faithfulness",
        measurements.faithfulness,
        Case(0.9, laws.faithful(0.9, only_circuit)),
        Case(0.9, laws.faithful(0.97, only_circuit)),
        floor=floor,
        milliseconds=10.0,
    )


SCENARIOS = (
    _latents(58, 60, 0.78),
    _latents(18, 18, None),
    _ceiling(58, 0.55, known_limit=False),
    _ceiling(18, None, known_limit=True),
    _discordant(".05/.05", "paired outcomes; alternative .09/.02 against 0", (0.05, 0.05), (0.09, 0.02), 0.80),
    _discordant(
        ".078/.006", "paired, one-sided discordance; alternative .034/.006", (0.078, 0.006), (0.034, 0.006), 0.30
    ),
    Scenario(
        "S4 p=.9",
        "one proportion, 16 outcomes; alternative: bound .6",
        "mean",
        measurements.outcomes,
        Case(0.9, laws.independent_outcomes(16, 0.9)),
        Case(0.6, laws.independent_outcomes(16, 0.9)),
    ),
    _two_proportions(0.9, 0.9),
    _two_proportions(0.95, 0.6),
    _documents(96, 0.05, 0.0125),
    _documents(64, 0.2, 0.03),
    Scenario(
        "S7 R=20",
        "circuit against 20 random sets, tau .085; alternative +.15",
        "random-sets",
        measurements.random_sets,
        Case(0.0, laws.circuit_and_random_sets(0.0)),
        Case(0.0, laws.circuit_and_random_sets(0.15)),
        floor=0.95,
        milliseconds=3.0,
    ),
    _seeds(3, None),
    _seeds(5, 0.70),
    _circuit("nested", 0.0, 0.90),
    _circuit("3 % flips", 0.03, 0.75),
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
