"""The benchmark itself: it must be able to fail, and its simulated truths must be true."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration import block, families, refusals, sequential
from benchmarks.calibration.__main__ import main
from benchmarks.calibration.bad_input import BadInput, claim_on
from benchmarks.calibration.bars import SHORT, Bars, bars_for, misses
from benchmarks.calibration.plan import Plan, select, tasks
from benchmarks.calibration.report import report
from benchmarks.calibration.scenarios import BY_NAME, SCENARIOS
from benchmarks.calibration.sequential import Looks
from benchmarks.calibration.table import table
from benchmarks.calibration.tally import Rate, Tally
from benchmarks.calibration.tasks import results
from ledger.assess import assess
from ledger.attempts import FIRST
from ledger.verdict import Verdict
from mi import claimable

GOOD = np.random.default_rng(0).normal(size=40)


def test_an_anticonservative_method_misses_the_bar():
    pooled = replace(
        BY_NAME["S8 3 seeds"],
        design="unpaired",
        scope="artifact",
        contrast=lambda draw: claimable.unpaired(*(arm.ravel() for arm in draw.arms)),
    )
    found = misses(pooled, block.tally(pooled, "bound", 0), Tally(), bars_for(SHORT))
    assert found == ["false pass > 5.0%"]


@pytest.mark.parametrize("name", [s.name for s in SCENARIOS if s.floor])
def test_a_judge_that_never_decides_misses_the_power_floors(name):
    def undecided(claim, contrast):
        return replace(assess(claim, contrast), verdict=Verdict.INCONCLUSIVE)

    scenario = BY_NAME[name]
    bound, alternative = (block.tally(scenario, case, 0, 20, undecided) for case in ("bound", "alternative"))
    assert misses(scenario, bound, alternative, Bars()) != []
    assert misses(scenario, Tally(10_000), alternative, Bars()) == [f"power < {scenario.floor:.0%}"]


def test_a_verdict_without_an_interval_is_seen():
    def certain(claim, contrast):
        return replace(assess(claim, contrast), lo=0.0, hi=0.0)

    scenario = BY_NAME["S1 18/18"]
    assert misses(scenario, Tally(10_000), block.tally(scenario, "bound", 0, 10, certain), Bars()) == [
        "10 verdicts without an interval"
    ]


def test_a_family_without_correction_is_seen():
    raw, uncorrected = families.reports(
        0, 20, adjust=lambda rows: [{**r, "family_verdict": r["verdict"]} for r in rows]
    )
    assert uncorrected == raw > 0


def test_a_ledger_that_does_not_count_is_seen(monkeypatch):
    monkeypatch.setattr(sequential.History, "attempt", lambda self, claim, digest: FIRST)
    looks = sequential.retried("fresh", 0, 60)
    assert looks.miscounted > 0
    assert looks.ever.lower > Bars().sequential


def test_what_is_judged_or_breaks_is_not_refused():
    good = BadInput("good", lambda: claim_on(claimable.mean(GOOD)))
    broken = BadInput("broken", lambda: claimable.mean())
    assert refusals.let_through([good, broken]) == ["good", "broken"]


PLAN = Plan(scenarios=("S4 p=.9",), controls=("S4 p=.9: percentile bootstrap",))
FINE = {
    ("scenarios", "S4 p=.9", "bound"): [Tally(10_000, 250, 250)],
    ("scenarios", "S4 p=.9", "alternative"): [Tally(2_500, 2_000)],
    ("family",): [(2_100, 100)],
    ("sequential", "fresh"): [Looks(10_000, 250, 4_000)],
    ("sequential", "cumulative"): [Looks(10_000, 250, 1_200)],
    ("refusals",): [[]],
    ("controls", "S4 p=.9: percentile bootstrap"): [740],
    ("determinism",): [[]],
}


def test_nominal_results_clear_every_bar():
    made = report(PLAN, FINE, Bars())
    assert made.missed == []
    assert "0 bars missed" in table(made)
    assert "MISS" not in table(made)


@pytest.mark.parametrize(
    ("key", "result", "word"),
    [
        (("scenarios", "S4 p=.9", "bound"), Tally(10_000, 304, 250), "false pass"),
        (("scenarios", "S4 p=.9", "bound"), Tally(10_000, 250, 420), "false fail"),
        (("scenarios", "S4 p=.9", "bound"), Tally(10_000, 251, 0), "pooled"),
        (("family",), (2_100, 150), "Holm"),
        (("family",), (1_700, 100), "uncorrected"),
        (("sequential", "fresh"), Looks(10_000, 310, 4_000), "ever passed"),
        (("sequential", "cumulative"), Looks(10_000, 250, 300), "full alpha"),
        (("sequential", "fresh"), Looks(10_000, 250, 4_000, 1), "miscounted"),
        (("refusals",), ["NaN score"], "NaN score"),
        (("controls", "S4 p=.9: percentile bootstrap"), 100, "bootstrap"),
        (("determinism",), ["S4 p=.9: another process, other bytes"], "other bytes"),
    ],
)
def test_every_bar_can_be_missed(key, result, word):
    missed = report(PLAN, {**FINE, key: [result]}, Bars()).missed
    assert missed
    assert any(word in why for why in missed)


def test_the_bar_is_303_of_ten_thousand():
    assert Rate(303, 10_000).upper <= Bars().false_pass < Rate(304, 10_000).upper


def test_jobs_do_not_change_results():
    plan = Plan(300, 260, ("S4 p=.9",), ("scenarios", "refusals"))
    assert results(list(tasks(plan)), 1) == results(list(tasks(plan)), 2)


def test_scenarios_are_chosen_by_name():
    assert select(["S8", "family"]) == (("S8 3 seeds", "S8 5 seeds"), ("family", "scenarios"))
    with pytest.raises(SystemExit):
        main(["--scenarios", "S10"])
    with pytest.raises(SystemExit):
        main(["--n", "100"])


@pytest.mark.parametrize("name", [s.name for s in SCENARIOS])
def test_the_truth_is_at_the_bound(name):
    scenario = BY_NAME[name]
    claims = [scenario.contrast(draw) for draw in block.draws(scenario, "bound", 0, 120)]
    estimates = np.array([c.estimate for c in claims])
    error = estimates.std(ddof=1) / np.sqrt(len(estimates))
    assert abs(estimates.mean() - scenario.at_bound.bound) < 4 * error
    better = [scenario.contrast(draw).estimate for draw in block.draws(scenario, "alternative", 0, 120)]
    gap = np.mean(better) - scenario.alternative.bound
    assert gap > 0 if scenario.rule == "above" else gap < 0
