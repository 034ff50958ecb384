"""What a ledger row must hold."""

import json

import pytest

from ledger.assess import assess
from ledger.claim import promise_hash
from ledger.row import ALARMS, JUDGED, REQUIRED, STATUSES, key_of, problem_with, undecided_row, wants_attention


@pytest.fixture(scope="module")
def rows(mixed):
    return [{**j.row, "run": "r1"} for j in mixed]


def test_every_row_that_the_court_writes_is_a_row(rows):
    assert [problem_with(r) for r in rows] == [None] * len(rows)


def test_what_pages_and_gates_need_is_there(claim, gap):
    row = {**undecided_row(claim(), "t", 0), **assess(claim(), gap(0.1)).fields}
    named = "claim subject params verdict expected reported status estimate lo hi n method rule bound limits level kind design"
    assert set(named.split()) <= set(row)
    assert set(REQUIRED) - {"run"} <= set(row)
    assert set(JUDGED) <= set(row)


def test_an_undecided_row_says_what_was_promised(claim):
    about = claim(
        params={"k": 8}, controls=("paper.null",), reported={"value": 1.0}, source={"title": "t"}, expected="fail"
    )
    row = undecided_row(about, "claims/test_x.py::t", 3)
    assert (row["status"], row["verdict"], row["estimate"]) == ("not_run", None, None)
    assert row["registered"] == json.loads(json.dumps(about.promise))
    assert row["registered_hash"] == promise_hash(about.promise)
    assert row["controls"] == [{"id": "paper.null", "required": True}]
    assert (row["nodeid"], row["index"], row["where"]) == ("claims/test_x.py::t", 3, "paper.yaml:7")
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize("key", sorted(REQUIRED))
def test_every_required_field_is_required(rows, key):
    row = {k: v for k, v in rows[0].items() if k != key}
    assert problem_with(row) is not None


@pytest.mark.parametrize("key", sorted(JUDGED))
def test_a_judged_row_has_more(rows, key):
    assert problem_with({k: v for k, v in rows[0].items() if k != key}) == f"{key!r} is missing"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema 2"),
        ({"lo": None}, "a verdict without an interval"),
        ({"verdict": None}, "status decided with verdict None"),
        ({"status": "error"}, "status error with verdict pass"),
        ({"counts": {"a": "<b>", "b": 1}}, "'counts'"),
        ({"reported": {"value": "<b>"}}, "'reported'"),
        ({"reason": {"detail": "d"}}, "reason: 'fix' is missing"),
        ({"controls": [{}]}, "controls: 'id' is missing"),
        ({"controls": ["paper.null"]}, "controls: a str where an object was expected"),
        ({"promise_changed": {"run": "r", "keys": {"n": 3}}}, "'promise_changed'"),
        ({"index": True}, "'index' is bool"),
    ],
)
def test_what_is_not_a_row(rows, changes, words):
    assert words in problem_with({**rows[0], **changes})


@pytest.mark.parametrize("value", [None, [], "row", 3])
def test_what_is_not_even_an_object(value):
    assert "where an object was expected" in problem_with(value)


def test_a_cell_is_known_by_claim_subject_and_parameters():
    row = {"claim": "c", "subject": "s", "params": {"b": 1, "a": "x"}}
    assert key_of(row) == key_of({**row, "params": {"a": "x", "b": 1}, "verdict": "pass"})
    others = ({"claim": "d"}, {"subject": "t"}, {"params": {}}, {"params": {"b": "1", "a": "x"}})
    assert len({key_of(row), *(key_of({**row, **o}) for o in others)}) == 5


@pytest.mark.parametrize("status", STATUSES)
def test_which_rows_want_a_person(status):
    row = {"status": status, "expected": None, "verdict": None}
    assert wants_attention(row) == (status in ALARMS or status == "refused")
    assert wants_attention({**row, "expected": "refused"}) == (status in ALARMS)
    assert wants_attention({**row, "control_problems": ["c"]}) or status == "refused"


@pytest.mark.parametrize(("expected", "alarming"), [(None, True), ("fail", False)])
def test_a_fail_that_nobody_expected_wants_a_person(expected, alarming):
    assert wants_attention({"status": "decided", "verdict": "fail", "expected": expected}) is alarming
    assert not wants_attention({"status": "decided", "verdict": "pass", "expected": expected})
