"""What makes a verdict inconclusive whatever its interval says."""

import numpy as np
import pytest

from ledger.assess import assess
from ledger.attempts import Attempt
from mi import claimable


def forced(found, short):
    assert found.verdict == "inconclusive"
    assert found.fields["limited_by"] == short
    assert found.fields["reason"]["short"] == short
    assert found.fields["reason"]["fix"]
    assert found.fields["units_needed"] is None
    return short in found.fields["flags"]


@pytest.mark.parametrize("shift", [0.1, -0.1])
def test_settings_chosen_on_tested_units(claim, gap, shift):
    assert assess(claim(), gap(shift, selected_on=["validation-1"])).verdict != "inconclusive"
    found = assess(claim(), gap(shift, selected_on=["prompt-007", "validation-1"]))
    assert forced(found, "selected on test")
    assert found.fields["p_pass"] == assess(claim(), gap(shift)).fields["p_pass"]


@pytest.mark.parametrize(("planned", "too_many"), [(40, False), (50, False), (51, True), (80, True)])
def test_more_than_a_fifth_excluded(claim, gap, planned, too_many):
    """40 of 50 are 20 %, which may be; 11 of 51 may not."""
    found = assess(claim(), gap(0.1, planned=planned))
    assert found.verdict == ("inconclusive" if too_many else "pass")
    assert not too_many or forced(found, "exclusions")


def test_arms_with_different_exclusions(claim):
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 0.1, 18), rng.normal(0, 0.1, 19)
    plans = [(20, 20, True), (18, 19, False), (None, 19, False), (None, 20, True)]
    for plan_a, plan_b, differ in plans:
        found = assess(
            claim(design="unpaired"),
            claimable.unpaired(claimable.Sample(a, planned=plan_a), claimable.Sample(b, planned=plan_b)),
        )
        assert found.verdict == ("inconclusive" if differ else "pass")
        assert not differ or forced(found, "exclusions")


@pytest.mark.parametrize(("gap", "forced_"), [(0.0, True), (0.04, True), (0.06, False)])
def test_a_promised_limit_on_the_difference_in_coverage(claim, gap, forced_):
    """19 and 18 of 20: the shares differ by .05."""
    rng = np.random.default_rng(0)
    arms = [claimable.Sample(rng.normal(m, 0.1, n), planned=20) for m, n in ((1, 19), (0, 18))]
    found = assess(claim(design="unpaired", coverage_gap=gap), claimable.unpaired(*arms))
    assert found.verdict == ("inconclusive" if forced_ else "pass")
    assert not forced_ or forced(found, "exclusions")


TWO = claimable.two_proportions
HEADROOM = [
    # Everybody right, or nobody: the arms could not have differed.
    ({"above": 0.0}, TWO(20, 20, 20, 20), "no headroom"),
    ({"above": 0.0}, TWO(0, 20, 0, 20), "no headroom"),
    ({"below": 0.0}, TWO(0, 20, 0, 20), "no headroom"),
    # 37 of 40 in all: however they are split, the arms differ by .15 at most.
    ({"above": 0.2}, TWO(20, 20, 17, 20), "no headroom"),
    ({"below": -0.2}, TWO(17, 20, 20, 20), "no headroom"),
    # Not decided, and a perfect first arm would not have decided it.
    ({"above": 0.0}, TWO(19, 20, 20, 20), "no headroom"),
    ({"below": 0.0}, TWO(1, 20, 0, 20), "no headroom"),
    ({"above": 0.7}, claimable.proportion(8, 10), "no headroom"),  # ten of ten leave a lower limit of .66
    ({"below": 0.3}, claimable.proportion(2, 10), "no headroom"),
    # Evidence in either direction stays evidence.
    ({"above": 0.0}, TWO(20, 20, 10, 20), "pass"),
    ({"above": 0.0}, TWO(10, 20, 20, 20), "fail"),
    ({"below": 0.0}, TWO(0, 20, 10, 20), "pass"),
    ({"above": 0.6}, claimable.proportion(10, 10), "pass"),
    ({"above": 0.7}, claimable.proportion(1, 10), "fail"),
]


@pytest.mark.parametrize(("about", "contrast", "outcome"), HEADROOM)
def test_headroom_above_and_below(claim, about, contrast, outcome):
    found = assess(claim(design=contrast.design, **about), contrast)
    if outcome == "no headroom":
        assert forced(found, outcome)
    else:
        assert (found.verdict, found.fields["flags"]) == (outcome, [])


@pytest.mark.parametrize(
    ("a", "b", "room"),
    [(0, 0, False), (300, 300, False), (300, 290, False), (2, 9, False), (150, 150, True), (240, 238, True)],
)
def test_headroom_within(claim, a, b, room):
    """Near floor or ceiling everything looks equivalent."""
    found = assess(claim(design="unpaired", within=0.2), TWO(a, 300, b, 300))
    assert found.verdict == ("pass" if room else "inconclusive")
    assert room or forced(found, "no headroom")


def test_scores_have_no_ceiling_to_hit(claim, gap):
    assert assess(claim(), gap(0.1, support=(-2, 3))).verdict == "pass"


def test_a_single_look_that_was_spent(claim, gap):
    spent = Attempt(2, first_run="r1")
    found = assess(claim(looks="one"), gap(0.1), attempt=spent)
    assert forced(found, "look spent")
    assert "r1" in found.fields["reason"]["detail"]
    assert assess(claim(looks="one"), gap(0.1), attempt=Attempt(1, replay=True, first_run="r1")).verdict == "pass"
    assert assess(claim(looks="open"), gap(0.1), attempt=spent).verdict == "pass"


def test_every_flag_is_kept_and_the_first_is_the_reason(claim, gap):
    found = assess(
        claim(looks="one"), gap(0.1, selected_on=["prompt-001"], planned=80), attempt=Attempt(2, first_run="r")
    )
    assert found.fields["flags"] == ["look spent", "selected on test", "exclusions"]
    assert forced(found, "look spent")
