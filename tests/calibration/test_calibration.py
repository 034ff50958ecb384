"""The calibration benchmark in short: 2,000 claims per scenario, at the bound only.

``make calibration`` runs it in full. Here each estimator has one scenario, and the bars are those for
a short run: wide enough that a method which errs in 2.5 % of claims clears them.
"""

import pytest

from benchmarks.calibration import controls, determinism, families, refusals, sequential
from benchmarks.calibration.bars import SHORT, bars_for, flagged, misses
from benchmarks.calibration.block import SIZE, tally
from benchmarks.calibration.scenarios import BY_NAME
from benchmarks.calibration.tally import Rate, Tally

BARS = bars_for(SHORT)
CLAIMS = {
    "S1 58/60": SHORT,
    "S2 n=58": SHORT,
    "S2 n=18": SHORT,
    "S3 .05/.05": SHORT,
    "S5 .95/.6": SHORT,
    "S6 64 docs, ICC 0.2": SHORT,
    "S7 R=20": SHORT,
    "S8 3 seeds": SHORT,
    "S9 nested": 750,  # ten times as slow, and errs in 1.7 % only
}


@pytest.mark.parametrize("name", CLAIMS)
def test_false_passes_are_rare(name):
    scenario, n = BY_NAME[name], CLAIMS[name]
    bound = sum((tally(scenario, "bound", b, min(SIZE, n - b * SIZE)) for b in range(n // SIZE)), Tally())
    assert bound.n == n
    assert misses(scenario, bound, Tally(), BARS) == []


def test_false_passes_of_a_family():
    raw, adjusted = families.rates([families.reports(b) for b in range(5)], 500)
    assert raw.value > BARS.uncorrected
    assert adjusted.upper <= BARS.family


def test_retrying_on_fresh_data_does_not_make_a_pass():
    looks = sequential.retried("fresh", 0, 300)
    assert looks.naively.value > 0.3
    assert looks.ever.upper <= BARS.sequential
    assert looks.miscounted == 0


def test_adding_data_until_it_passes_does_not_make_a_pass():
    looks = sequential.retried("cumulative", 0, 60)
    assert looks.passed < looks.naive / 2
    assert looks.miscounted == 0


def test_bad_input_is_refused():
    assert refusals.let_through() == []


# The others need more than 500 claims to be told from their bar.
@pytest.mark.parametrize(
    "name", [c.name for c in controls.CONTROLS if c.scenario not in ("S2 n=58", "S6 96 docs, ICC 0.05")]
)
def test_the_sources_own_methods_are_flagged(name):
    control = controls.BY_CONTROL[name]
    rate = Rate(sum(controls.false_passes(control, b) for b in (0, 1)), 2 * SIZE)
    assert flagged(BY_NAME[control.scenario], rate)


def test_the_same_claims_give_the_same_bytes():
    names = ("S1 18/18", "S3 .05/.05", "S5 .95/.6", "S6 96 docs, ICC 0.05", "S7 R=20", "S8 5 seeds")
    assert determinism.differences(names, 25) == []
