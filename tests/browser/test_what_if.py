"""The reference of the playground: what the verdict would be at another bound or level."""

from math import inf, nan, nextafter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from what_if import ADJUSTED, OWN, limits_at, what_if

from ledger.errors import LedgerError
from ledger.report.records import record
from ledger.ruling import rulings
from ledger.run import read_run

RECORDED = sorted(Path("ledger/runs").glob("*.jsonl"))
BOUNDS = st.floats(-10, 10)


def of(rule="above", lo=0.1, hi=0.5, **more):
    """As much of a record as decides."""
    limits = {"80": [lo + 0.1, hi - 0.1], "99": [lo - 0.1, hi + 0.1]}
    about = {"label": "paper.gap", "status": "decided", "verdict": "pass", "rule": rule, "bound": 0.0, "forced": False}
    return {**about, "lo": lo, "hi": hi, "limits": limits, **more}


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: p.stem[:17])
def test_as_registered_it_is_the_recorded_verdict(path):
    judged = [r for k, ruling in enumerate(rulings(read_run(path).rows)) if (r := record(ruling, k)).get("verdict")]
    assert len(judged) > 100
    assert any(r["forced"] for r in judged)
    assert [what_if(r, r["bound"], OWN) for r in judged] == [r["verdict"] for r in judged]


@pytest.mark.parametrize(
    ("rule", "bound", "level", "verdict"),
    [
        ("above", 0.09, OWN, "pass"),
        ("above", 0.1, OWN, "inconclusive"),
        ("above", 0.5, OWN, "inconclusive"),
        ("above", nextafter(0.5, inf), OWN, "fail"),
        ("above", 0.1, "80", "pass"),
        ("above", 0.09, "99", "inconclusive"),
        ("below", 0.51, OWN, "pass"),
        ("below", 0.09, OWN, "fail"),
        ("within", 0.6, OWN, "pass"),
        ("within", 0.5, OWN, "inconclusive"),
        ("within", 0.09, OWN, "fail"),
        ("within", 0.09, "99", "inconclusive"),
    ],
)
def test_the_rule_is_the_claims_own(rule, bound, level, verdict):
    assert what_if(of(rule), bound, level) == verdict


def test_the_family_has_limits_of_its_own():
    row = of(adjusted={"lo": -0.2, "hi": 0.8, "level": 0.99, "method": "bonferroni", "m": 5})
    assert limits_at(row, ADJUSTED) == (-0.2, 0.8)
    assert [what_if(row, 0.0, level) for level in (OWN, ADJUSTED)] == ["pass", "inconclusive"]


@given(BOUNDS, st.sampled_from(["own", "80", "99"]), st.sampled_from(["above", "below"]))
def test_what_forced_it_stays(bound, level, rule):
    assert what_if(of(rule, forced=True), bound, level) == "inconclusive"


@given(BOUNDS, BOUNDS, st.sampled_from(["above", "below", "within"]))
def test_a_harder_bound_never_gives_a_better_verdict(one, other, rule):
    order = ["fail", "inconclusive", "pass"]
    if rule == "within":
        one, other = abs(one) + 0.001, abs(other) + 0.001
    easier, harder = (min(one, other), max(one, other)) if rule == "above" else (max(one, other), min(one, other))
    assert order.index(what_if(of(rule), harder, OWN)) <= order.index(what_if(of(rule), easier, OWN))


@pytest.mark.parametrize(
    ("row", "bound", "level", "words"),
    [
        (of(), nan, OWN, "finite"),
        (of(), inf, OWN, "finite"),
        (of(), -inf, "80", "finite"),
        (of("within"), 0.0, OWN, "above 0"),
        (of("within"), -0.1, OWN, "above 0"),
        (of(), 0.0, "97", "expected one of 80, 99, own"),
        (of(), 0.0, ADJUSTED, "expected one of"),
        (of(lo=0.2, hi=0.2), 0.0, OWN, "lo < hi"),
        (of(hi=inf), 0.0, OWN, "finite limits"),
        (of(verdict=None, status="deviated"), 0.0, OWN, "deviated; expected a row with a verdict"),
    ],
)
def test_what_has_no_verdict_is_refused(row, bound, level, words):
    with pytest.raises(LedgerError, match=words):
        what_if(row, bound, level)
