"""Families: the two procedures against statsmodels, and which verdicts they touch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from ledger.family import benjamini_hochberg, conjunctions, demoted, holm, with_adjusted_verdicts

ps = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.025, 0.5, 1.0])), min_size=1, max_size=25)


@given(ps)
def test_holm_is_statsmodels_holm(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)


@given(ps)
def test_benjamini_hochberg_is_statsmodels_fdr_bh(p):
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


@pytest.mark.parametrize("procedure", [holm, benjamini_hochberg])
def test_nothing_to_adjust(procedure):
    assert procedure([]) == []
    assert procedure([0.02]) == [0.02]


def row(p=1e-6, verdict="pass", role="headline", **about):
    fixed = {"claim": "r.c", "report": "r", "family": "f", "subject": "s", "alpha": 0.025, "alpha_spent": 0.025}
    p_pass, p_fail = (p, 1 - p) if verdict != "fail" else (1 - p, p)
    status = "decided" if verdict else "error"
    return {**fixed, "status": status, "role": role, "verdict": verdict, "p_pass": p_pass, "p_fail": p_fail, **about}


def adjusted(*rows):
    return [r["family_verdict"] for r in with_adjusted_verdicts(rows)]


rows = st.builds(
    row,
    st.floats(0, 1),
    st.sampled_from(["pass", "fail", "inconclusive", None]),
    st.sampled_from(["headline", "claim", "conjunction"]),
    report=st.sampled_from("ab"),
    family=st.sampled_from("fg"),
    subject=st.sampled_from("st"),
    family_size=st.integers(1, 9),
)


@given(st.lists(rows, max_size=15))
def test_an_adjusted_verdict_is_never_more_decided(given_rows):
    for before, after in zip(given_rows, adjusted(*given_rows), strict=True):
        assert after in (before["verdict"], "inconclusive")
        assert before["verdict"] is not None or after is None


@given(st.lists(rows, max_size=15), st.randoms())
def test_the_order_of_rows_does_not_matter(given_rows, random):
    tagged = [{**r, "index": i} for i, r in enumerate(given_rows)]
    shuffled = random.sample(tagged, len(tagged))
    back = sorted(with_adjusted_verdicts(shuffled), key=lambda r: r["index"])
    assert back == with_adjusted_verdicts(tagged)


def test_holm_steps_down_through_a_headline_family():
    assert adjusted(row(0.008), row(0.012), row(0.024)) == ["pass"] * 3
    assert adjusted(row(0.008), row(0.013), row(0.024)) == ["pass", "inconclusive", "inconclusive"]


def test_passes_and_fails_are_adjusted_by_the_same_rule():
    assert adjusted(row(0.02, "fail"), row(0.6, "inconclusive")) == ["inconclusive", "inconclusive"]
    assert adjusted(row(0.012, "fail"), row(0.6, "inconclusive")) == ["fail", "inconclusive"]


def test_a_family_of_one_is_left_alone():
    (only,) = with_adjusted_verdicts([row(0.024, family_size=1)])
    assert (only["family_verdict"], only["family_method"]) == ("pass", None)


@pytest.mark.parametrize("role", ["headline", "claim"])
def test_registered_members_that_did_not_run_count(role):
    assert adjusted(row(0.02, role=role, family_size=2)) == ["inconclusive"]
    assert adjusted(row(0.012, role=role, family_size=2)) == ["pass"]
    assert adjusted(row(0.012, role=role, family_size=3)) == ["inconclusive"]


@pytest.mark.parametrize("role", ["headline", "claim"])
@pytest.mark.parametrize("status", ["crashed", "refused", "error", "not_run", "deviated"])
def test_members_without_a_verdict_count_with_p_of_one(role, status):
    lost = row(1e-9, None, role, status=status)
    assert adjusted(row(0.02, role=role), lost) == ["inconclusive", None]
    assert adjusted(row(0.012, role=role), lost) == ["pass", None]


@pytest.mark.parametrize("role", ["headline", "claim"])
def test_a_forced_inconclusive_lends_its_p_to_nobody(role):
    forced = row(1e-9, "inconclusive", role, flags=["selected on test"], limited_by="selected on test")
    assert adjusted(row(0.02, role=role), forced) == ["inconclusive", "inconclusive"]


def test_benjamini_hochberg_steps_up_over_claims():
    assert adjusted(*(row(0.024, role="claim") for _ in range(20))) == ["pass"] * 20
    assert adjusted(row(0.024, role="claim"), row(0.9, "inconclusive", "claim")) == ["inconclusive"] * 2


def test_headline_claims_count_among_the_claims_and_are_judged_by_holm():
    found = with_adjusted_verdicts([row(0.02, role="claim"), row(0.9, "inconclusive", family_size=1)])
    assert [r["family_verdict"] for r in found] == ["inconclusive", "inconclusive"]
    assert [r["family_method"] for r in found] == ["BH, m=2", None]


@pytest.mark.parametrize(
    ("role", "key"),
    [
        ("headline", "subject"),
        ("headline", "family"),
        ("headline", "report"),
        ("claim", "subject"),
        ("claim", "report"),
    ],
)
def test_families_are_separate(role, key):
    apart = [row(0.02, role=role, **{key: value}) for value in "xyz"]
    assert adjusted(*apart) == ["pass"] * 3
    assert adjusted(row(0.02, role=role), row(0.9, "inconclusive", role)) == ["inconclusive"] * 2


def test_rows_that_only_their_family_left_undecided():
    lone, calm = row(0.02, expected=None), row(0.001, expected=None)
    assert [r["p_pass"] for r in demoted([lone, calm, row(0.9, "inconclusive", expected=None)])] == [0.02]
    assert demoted([{**lone, "expected": "pass"}, calm, row(0.9, "inconclusive", expected=None)]) == []


def test_conjunctions_are_not_adjusted():
    assert adjusted(*(row(0.02, role="conjunction", family_size=9) for _ in range(9))) == ["pass"] * 9


def test_a_later_attempt_is_held_to_the_error_it_spent():
    """At attempt 2, p = .003 used 79 % of its .0038, as .0197 would have of .025."""
    second = {"alpha_spent": 0.0037995}
    assert adjusted(row(0.003, **second), row(0.9, "inconclusive")) == ["inconclusive"] * 2
    assert adjusted(row(0.0018, **second), row(0.9, "inconclusive")) == ["pass", "inconclusive"]


def cells(*verdicts, size=None, p=1e-6):
    return [row(p, v, "conjunction", family_size=size or len(verdicts)) for v in verdicts]


@pytest.mark.parametrize(
    ("rows", "verdict", "passed"),
    [
        (cells("pass", "pass", "pass"), "pass", 3),
        (cells("pass", "inconclusive", "pass"), "inconclusive", 2),
        (cells("pass", None, "pass"), "inconclusive", 2),
        (cells("pass", "fail", "pass"), "fail", 2),
        (cells("inconclusive", "fail", None), "fail", 0),
        (cells("pass", "fail", p=0.02), "inconclusive", 1),  # one of two cells at .025 / 2
        (cells("pass", "fail", p=0.012), "fail", 1),
        (cells("pass", "pass", size=3), "inconclusive", 2),
        (cells("pass", "fail", size=3, p=0.012), "inconclusive", 1),
    ],
)
def test_a_claim_for_every_cell(rows, verdict, passed):
    (line,) = conjunctions(rows)
    expected = {"claim": "r.c", "subject": "s", "verdict": verdict, "passed": passed}
    assert line == {**expected, "cells": rows[0]["family_size"]}


def test_conjunctions_are_per_claim_and_subject():
    found = conjunctions([{**r, "claim": c, "subject": s} for r in cells("pass") for c in "ab" for s in "st"])
    assert [(c["claim"], c["subject"]) for c in found] == [("a", "s"), ("a", "t"), ("b", "s"), ("b", "t")]
    assert conjunctions([row()]) == []


def test_the_familywise_error_of_thirty_nulls_is_held():
    rng = np.random.default_rng(0)
    reports, wrong, naive = 2000, 0, 0
    for _ in range(reports):
        p = rng.random(30).tolist()
        naive += min(p) <= 0.025
        wrong += min(holm(p)) <= 0.025
    assert naive / reports > 0.5
    assert wrong / reports < 0.035  # four standard errors above .025
