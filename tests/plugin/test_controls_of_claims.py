"""A claim with controls stands only as far as they do."""

import pytest

TEST = """
@pytest.mark.claim("demo.wins")
def test_wins(judge): judge(UP)
@pytest.mark.claim("demo.control")
def test_control(judge): {control}
"""


def run(court, control, *args, expected=None, subjects=None):
    about = {"subjects": subjects} if subjects else {}
    court.register(wins={"controls": ["demo.control"], **about}, control={"expected": expected, **about})
    court.write(TEST.format(control=control))
    result = court.run(*args)
    return result, next(row for row in court.table() if row["claim"] == "demo.wins")


def test_a_control_that_passed(court):
    result, row = run(court, "judge(UP)")
    assert result.ret == 0
    assert (row["controls"][0]["verdict"], row["control_problems"]) == ("pass", [])


@pytest.mark.parametrize(
    ("control", "expected", "word"),
    [
        ("judge(DOWN)", "fail", "fail"),  # both tests are green: the verdict still has no support
        ("judge(EVEN)", None, "inconclusive"),
        ("judge(EVEN)", "inconclusive", "inconclusive"),
        ("judge([1.0])", "refused", "refused"),
    ],
)
def test_a_control_that_did_not_hold(court, control, expected, word):
    result, row = run(court, control, expected=expected)
    assert "failed" not in result.parseoutcomes()
    assert result.ret == 1
    assert (row["verdict"], row["control_problems"]) == ("pass", [f"control demo.control is {word}"])
    said = " ".join(result.stdout.str().split())
    assert "pass, unsupported" in said
    assert f"control demo.control is {word}" in said


@pytest.mark.parametrize("control", ["judge(DOWN)", "1 / 0"])
def test_a_control_that_failed_its_own_test(court, control):
    result, row = run(court, control)
    assert result.ret == 1
    assert len(row["control_problems"]) == 1


@pytest.mark.parametrize("args", [["-k", "test_wins"], ["--deselect", "claims/test_demo.py::test_control"]], ids=str)
def test_a_control_that_was_not_selected(court, args):
    """Choosing one test is no failure; the table and the gate still say that support is missing."""
    result, row = run(court, "judge(UP)", *args)
    assert result.ret == 0
    assert row["control_problems"] == ["control demo.control did not run"]
    assert "pass, unsupported" in result.stdout.str()
    status, said = court.ledger("gate", "--allow", "dirty,unexpected")
    assert status == 1
    assert "control demo.control did not run" in said


def test_a_control_that_was_skipped_did_not_run(court):
    result, row = run(court, "pytest.skip('needs a GPU')")
    assert result.ret == 0
    assert row["control_problems"] == ["control demo.control did not run"]


def test_a_control_on_another_subject_supports_nothing(court):
    court.register(
        wins={"controls": ["demo.control"], "subjects": {"organism": {}}},
        control={"subjects": {"gpt2": {}}},
    )
    court.write(TEST.format(control="judge(UP)"))
    court.run()
    row = next(row for row in court.table() if row["claim"] == "demo.wins")
    assert row["control_problems"] == ["control demo.control did not run"]


def test_every_cell_of_a_control_must_hold(court):
    court.register(
        wins={"controls": ["demo.control"]},
        control={"subjects": {"organism": {"cells": [{"params": {"k": 1}}, {"params": {"k": 2}, "expected": "fail"}]}}},
    )
    court.write(
        TEST.replace("test_control(judge)", "test_control(judge, k)").format(control="judge(UP if k == 1 else DOWN)")
    )
    assert court.run().ret == 1
    row = next(row for row in court.table() if row["claim"] == "demo.wins")
    assert row["control_problems"] == ["control demo.control is fail"]


def test_a_verdict_that_is_no_pass_needs_no_support(court):
    court.register(wins={"controls": ["demo.control"], "expected": "fail"}, control={"expected": "fail"})
    court.write(TEST.format(control="judge(DOWN)").replace("judge(UP)", "judge(DOWN)"))
    assert court.run().ret == 0


def test_controls_under_xdist(court):
    result, row = run(court, "judge(DOWN)", "-p", "xdist", "-n", "1", expected="fail")
    assert result.ret == 1
    assert row["control_problems"] == ["control demo.control is fail"]
