"""An expectation keeps an honest negative green, and turns any other verdict into drift."""

import pytest

BODY = {"pass": "judge(UP)", "fail": "judge(DOWN)", "inconclusive": "judge(EVEN)"}


@pytest.mark.parametrize("verdict", BODY)
@pytest.mark.parametrize("expected", BODY)
def test_only_the_expected_verdict_passes(court, expected, verdict):
    court.claim(body=BODY[verdict], expected=expected)
    result = court.run()
    as_expected = expected == verdict
    assert result.ret == (0 if as_expected else 1)
    assert result.parseoutcomes() == {"passed" if as_expected else "failed": 1}
    row = court.row()
    assert row["status"] == ("decided" if as_expected else "drift")
    assert row["verdict"] == verdict  # the true word, whatever was expected
    assert row["expected"] == expected


def test_drift_says_what_was_expected_and_why(court):
    court.claim(body="judge(DOWN)", expected={"verdict": "pass", "why": "table 3"})
    result = court.run()
    result.stdout.fnmatch_lines(["E *Drift: drift: expected pass (table 3)", "E *demo.wins on organism: fail, -1 *"])
    result.stdout.fnmatch_lines(["*fail (expected pass)*demo.wins*organism*", "*1 drift*"])


def test_expectation_of_one_cell_overrides_that_of_its_subject(court):
    cells = [{"params": {"k": 1}}, {"params": {"k": 2}, "expected": "fail"}]
    court.register(wins={"subjects": {"organism": {"expected": "pass", "cells": cells}}})
    court.write("@pytest.mark.claim('demo.wins')\ndef test_wins(judge, k): judge(UP if k == 1 else DOWN)\n")
    result = court.run()
    assert result.parseoutcomes() == {"passed": 2}
    assert [row["verdict"] for row in court.rows()] == ["pass", "fail"]


def test_an_expected_refusal_passes(court):
    court.claim(body="judge([1.0])", expected="refused")
    result = court.run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 1}
    row = court.row()
    assert (row["status"], row["verdict"]) == ("refused", None)
    assert "1 units" in row["reason"]["detail"]


def test_a_verdict_where_a_refusal_was_expected_is_drift(court):
    court.claim(body="judge(UP)", expected="refused")
    result = court.run()
    assert result.ret == 1
    assert (court.row()["status"], court.row()["verdict"]) == ("drift", "pass")


def test_another_error_is_not_the_expected_refusal(court):
    court.claim(body="raise ValueError('no file')", expected="refused")
    assert court.run().ret == 1
    assert court.row()["status"] == "error"


def test_an_expected_refusal_in_a_fixture_is_green_too(court):
    court.register(wins={"expected": "refused"})
    court.write("""
from mi.claimable import Sample
@pytest.fixture
def scores(): return Sample([1.0, float("nan")])
@pytest.mark.claim("demo.wins")
def test_wins(judge, scores): judge(scores)
""")
    result = court.run()
    assert result.ret == 0
    assert set(result.parseoutcomes()) <= {"passed", "skipped"}
    assert court.row()["status"] == "refused"
