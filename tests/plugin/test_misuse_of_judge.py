"""A claim that ends without exactly one verdict is an error, whatever pytest would say of the test."""

import pytest


def test_a_claim_that_forgets_to_judge_fails(court):
    court.claim(body="assert UP")
    result = court.run()
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["*ended without a judge call*"])
    assert (court.row()["status"], court.row()["verdict"]) == ("error", None)


def test_a_claim_that_does_not_take_judge_fails_too(court):
    court.register(wins={})
    court.write("@pytest.mark.claim('demo.wins')\ndef test_wins(): pass\n")
    assert court.run().ret == 1
    assert court.row()["reason"]["short"] == "no judge call"


@pytest.mark.parametrize("second", ["judge(UP)", "judge(DOWN)"])
def test_judging_twice_leaves_no_verdict(court, second):
    court.claim(body=f"judge(UP)\n{second}")
    result = court.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*judge was called twice*"])
    assert (court.row()["status"], court.row()["verdict"]) == ("error", None)


def test_a_second_call_cannot_be_hidden(court):
    court.claim(body="judge(UP)\ntry:\n    judge(DOWN)\nexcept Exception:\n    pass")
    assert court.run().ret == 1
    assert court.row()["verdict"] is None


def test_two_bounds_are_one_too_many(court):
    court.claim(body="judge(UP, above=0, below=3)")
    result = court.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*above and below were given; expected exactly one bound*"])
    assert court.row()["status"] == "error"


def test_judge_without_a_claim_says_what_to_do(court):
    court.write("def test_plain(judge): judge(UP)\n")
    result = court.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*test_plain uses judge and makes no claim*pytest.mark.claim*"])
    assert court.files() == []


@pytest.mark.parametrize("name", ["DOWN", "EVEN"])
def test_a_caught_verdict_does_not_turn_the_test_green(court, name):
    """To pin a claim that is known to be false there is ``expected: fail``."""
    court.claim(body=f"try:\n    judge({name})\nexcept BaseException:\n    pass")
    assert court.run().ret == 1
    assert court.row()["verdict"] == {"DOWN": "fail", "EVEN": "inconclusive"}[name]


def test_a_caught_drift_does_not_turn_the_test_green(court):
    court.claim(body="with pytest.raises(AssertionError):\n    judge(DOWN)", expected="pass")
    assert court.run().ret == 1
    assert court.row()["status"] == "drift"
