"""From a contrast to the judged part of a row."""

import json

import numpy as np
import pytest
from scipy import stats

from ledger.assess import LEVELS, Refused, assess
from ledger.attempts import Attempt
from ledger.verdict import Bound
from mi import claimable

ALPHA_1 = 0.025 * 6 / np.pi**2


@pytest.mark.parametrize(
    ("bound", "shift", "verdict"),
    [
        ({"above": 0.0}, 0.1, "pass"),
        ({"above": 0.0}, 0.0, "inconclusive"),
        ({"above": 0.0}, -0.1, "fail"),
        ({"above": 0.05}, 0.1, "pass"),
        ({"above": 0.09}, 0.1, "inconclusive"),
        ({"above": 0.15}, 0.1, "fail"),
        ({"above": -0.05}, 0.0, "pass"),
        ({"below": 0.0}, -0.1, "pass"),
        ({"below": 0.0}, 0.0, "inconclusive"),
        ({"below": 0.0}, 0.1, "fail"),
        ({"within": 0.05}, 0.0, "pass"),
        ({"within": 0.05}, 0.04, "inconclusive"),
        ({"within": 0.05}, -0.04, "inconclusive"),
        ({"within": 0.05}, 0.1, "fail"),
        ({"within": 0.05}, -0.1, "fail"),
    ],
)
def test_verdicts(claim, gap, bound, shift, verdict):
    """At n=40 and SD .1 the half-width is about .037."""
    found = assess(claim(**bound), gap(shift))
    assert found.verdict == found.fields["verdict"] == verdict
    assert found.estimate == pytest.approx(shift, abs=1e-12)
    assert found.fields["reason"] is None


def test_the_interval_is_that_of_the_first_attempt(claim):
    """A symmetric sample has no skewness, so that Hall's t is Student's."""
    x = np.concatenate([np.linspace(-1, 1, 21)]) + 0.5
    found = assess(claim(design="mean"), claimable.mean(x))
    half = stats.t.isf(ALPHA_1, 20) * x.std(ddof=1) / np.sqrt(21)
    assert (found.lo, found.hi) == pytest.approx((0.5 - half, 0.5 + half))
    assert found.level == pytest.approx(1 - 2 * ALPHA_1)
    assert found.fields["alpha_spent"] == pytest.approx(ALPHA_1)


@pytest.mark.parametrize(("k", "z"), [(1, 2.16), (2, 2.67), (10, 3.61)])
def test_later_attempts_are_judged_at_less(claim, k, z):
    found = assess(
        claim(design="unpaired-summary"), claimable.unpaired_summary(0.5, 0.1, 900, 0.45, 0.1, 900), attempt=Attempt(k)
    )
    se = 0.1 * np.sqrt(2 / 900)
    assert (found.hi - found.lo) / 2 / se == pytest.approx(z, abs=0.02)
    assert found.fields["attempt"] == k


def test_one_look_is_at_full_alpha(claim, gap):
    found = assess(claim(looks="one"), gap(0.1))
    assert found.level == pytest.approx(0.95)
    assert found.lo, found.hi == gap(0.1).limits(0.025)


def test_limits_at_four_levels_are_nested(claim, gap):
    limits = assess(claim(), gap(0.1)).fields["limits"]
    assert list(limits) == [str(level) for level in LEVELS] == ["80", "90", "95", "99"]
    los, his = zip(*limits.values(), strict=True)
    assert list(los) == sorted(los, reverse=True)
    assert list(his) == sorted(his)
    assert tuple(limits["95"]) == gap(0.1).limits(0.025)


def test_a_headline_family_has_a_wider_interval_beside(claim, gap):
    alone = assess(claim(role="headline", family_size=1), gap(0.1))
    assert alone.fields["adjusted"] is None
    assert assess(claim(role="claim", family_size=4), gap(0.1)).fields["adjusted"] is None
    found = assess(claim(role="headline", family_size=4), gap(0.1))
    adjusted = found.fields["adjusted"]
    assert adjusted["lo"] < found.lo == alone.lo
    assert adjusted["hi"] > found.hi == alone.hi
    assert (adjusted["method"], adjusted["m"]) == ("bonferroni", 4)
    assert adjusted["level"] == pytest.approx(1 - 2 * ALPHA_1 / 4)
    assert (adjusted["lo"], adjusted["hi"]) == gap(0.1).limits(found.fields["alpha_spent"] / 4)


def test_one_sided_p_values_of_both_directions(claim, gap):
    for shift in (0.1, -0.1):
        fields = assess(claim(), gap(shift)).fields
        assert fields["p_pass"] + fields["p_fail"] == pytest.approx(1)
        assert (fields["p_pass"] < 0.001) == (shift > 0)


def test_an_inconclusive_row_says_what_would_decide(claim, gap):
    fields = assess(claim(), gap(0.01)).fields
    z, z_next = (stats.norm.isf(ALPHA_1 / k**2) + stats.norm.ppf(0.8) for k in (1, 2))
    se = 0.1 / np.sqrt(39)
    assert fields["mde"] == pytest.approx(z * se)
    assert fields["units_needed"] == np.ceil(40 * (z_next * se / 0.01) ** 2)  # more data is the next attempt
    assert fields["limited_by"] == "units"
    assert assess(claim(), gap(0.1)).fields["units_needed"] is None


def test_no_number_of_units_decides_a_value_at_the_bound(claim):
    x = np.linspace(-1, 1, 21)
    assert assess(claim(design="mean"), claimable.mean(x)).fields["units_needed"] is None


@pytest.mark.parametrize(("shift", "rope", "negligible"), [(0.05, 0.1, True), (0.05, 0.08, False), (0.2, 0.1, False)])
def test_a_pass_inside_the_rope_is_negligible(claim, gap, shift, rope, negligible):
    found = assess(claim(rope=rope), gap(shift))
    assert found.verdict == "pass"
    assert found.fields["flags"] == (["negligible"] if negligible else [])


def test_only_a_pass_is_negligible(claim, gap):
    assert assess(claim(rope=9), gap(0.0)).fields["flags"] == []
    assert assess(claim(rope=9), gap(-0.1)).fields["flags"] == []


def test_an_assessment_reads_as_a_sentence(claim, gap):
    text = str(assess(claim(params={"k": 8}), gap(0.1)))
    assert text.startswith("paper.gap[k=8] on organism: pass, +0.1 [+0.0")
    assert text.endswith("at 96.96%, wanted > 0, n=40")


def test_fields_are_json_and_complete(claim, gap, mixed):
    fields = assess(claim(), gap(0.1, sources=["sha256:1"])).fields
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    assert {"estimate", "lo", "hi", "level", "limits", "n", "counts", "method", "mde", "data"} <= set(fields)
    assert fields["artifacts"] == ["sha256:1"]
    assert fields["data"] == gap(0.1).digest
    for judged in mixed:
        assert json.loads(json.dumps(judged.row, allow_nan=False)) == judged.row


REFUSED = {
    "method on an artifact": ({"scope": "method"}, 0.1, {}, "about a method, measured on one trained artifact"),
    "bound above the range": ({"above": 1.0}, 0.1, {"support": (-1, 2)}, None),
    "bound out of range": ({"above": 5.0}, 0.1, {"support": (-1, 2)}, "a bound > 5 for a quantity between -3 and 3"),
    "bound at the ceiling": ({"above": 3.0}, 0.1, {"support": (-1, 2)}, "a bound > 3 for"),
    "bound at the floor": ({"below": -3.0}, 0.1, {"support": (-1, 2)}, "a bound < -3 for"),
    "margin as wide as the range": ({"within": 3.0}, 0.1, {"support": (-1, 2)}, "a bound within ±3 for"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_claims_and_measurements_that_cannot_meet(claim, gap, case):
    about, shift, sample, words = REFUSED[case]
    if words is None:
        assert assess(claim(**about), gap(shift, **sample)).verdict == "fail"
        return
    with pytest.raises(Refused, match=words) as caught:
        assess(claim(**about), gap(shift, **sample))
    assert caught.value.refused
    assert caught.value.fix


def test_a_proportion_cannot_be_above_one_or_beyond(claim):
    held = claimable.proportion(30, 40)
    assert assess(claim(design="mean", above=0.5), held).verdict == "pass"
    for bound in (1.0, 75.0, -0.5):
        with pytest.raises(Refused, match="fractions or percentages"):
            assess(claim(design="mean", above=bound), held)


def test_tokens_are_refused_where_no_contrast_has_done_so(claim):
    rng = np.random.default_rng(0)
    tokens = claimable.clustered_mean(rng.normal(size=200), np.repeat(range(25), 8), unit="token")
    with pytest.raises(Refused, match="unit 'token' as the independent unit"):
        assess(claim(design="clustered"), tokens)


def test_a_promise_changed_after_it_was_recorded_is_refused(claim, gap):
    moved = {"changed": {"bound": (0.05, 0.0)}, "changed_in": "r1"}
    with pytest.raises(Refused, match=r"changed after its data were seen in run r1 \(bound: 0.05 became 0.0\)"):
        assess(claim(), gap(0.1), attempt=Attempt(1, changed_recorded=True, **moved))
    found = assess(claim(), gap(0.1), attempt=Attempt(1, **moved))
    assert found.verdict == "pass"
    assert found.fields["promise_changed"] == {"run": "r1", "keys": {"bound": [0.05, 0.0]}}


def test_a_training_run_may_speak_for_its_method(claim):
    runs = claimable.over_runs({s: [0.5 + s / 100] * 3 for s in range(4)})
    assert assess(claim(design="runs", scope="method", above=0.1), runs).verdict == "pass"


def test_the_stated_bound_is_the_one_that_decides(claim, gap):
    found = assess(claim(above=0.0), gap(0.1), bound=Bound("above", 0.0))
    assert found.verdict == "pass"
    assert assess(claim(above=0.0), gap(0.1), bound=Bound("above", 0.3)).verdict is None
