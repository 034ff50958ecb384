"""Claims stand only as far as their controls do."""

import pytest

from ledger.controls import with_controls


def row(claim, verdict="pass", status="decided", subject="s", controls=()):
    listed = [{"id": c, "required": True} for c in controls]
    return {"claim": claim, "subject": subject, "verdict": verdict, "status": status, "controls": listed}


def judged(*rows):
    first = with_controls(rows)[0]
    return [c["verdict"] for c in first["controls"]], first["control_problems"]


def test_a_control_that_passed():
    assert judged(row("a", controls=["c"]), row("c")) == (["pass"], [])


@pytest.mark.parametrize(
    ("control", "state", "problem"),
    [
        (row("c", "fail"), "fail", "control c is fail"),
        (row("c", "inconclusive"), "inconclusive", "control c is inconclusive"),
        (row("c", None, "error"), "error", "control c is error"),
        (row("c", None, "deviated"), "deviated", "control c is deviated"),
        (row("c", subject="other"), "missing", "control c did not run"),
        (row("other"), "missing", "control c did not run"),
    ],
)
def test_a_control_that_did_not(control, state, problem):
    assert judged(row("a", controls=["c"]), control) == ([state], [problem])


def test_every_cell_of_a_control_must_pass():
    assert judged(row("a", controls=["c"]), row("c"), row("c", "fail"), row("c"))[1] == ["control c is fail"]


@pytest.mark.parametrize("verdict", ["fail", "inconclusive", None])
def test_only_a_pass_needs_support(verdict):
    assert judged(row("a", verdict, controls=["c"])) == (["missing"], [])


def test_several_controls_and_rows_left_as_they_were():
    rows = [row("a", controls=["c", "d"]), row("c"), row("d", "fail")]
    assert judged(*rows) == (["pass", "fail"], ["control d is fail"])
    assert rows[0]["controls"] == [{"id": "c", "required": True}, {"id": "d", "required": True}]
    assert with_controls(with_controls(rows)) == with_controls(rows)
