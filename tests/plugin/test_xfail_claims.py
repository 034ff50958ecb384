"""``xfail(raises=Refuted, strict=True)``: pytest's own way to pin a claim that is known to be false."""

import pytest

BODY = """
from ledger.judge import Refuted
@pytest.mark.xfail(raises=Refuted, strict={strict})
@pytest.mark.claim("demo.wins")
def test_wins(judge): judge({scores})
"""


@pytest.mark.parametrize(
    ("scores", "category", "status", "verdict"),
    [
        ("DOWN", "xfailed", 0, "fail"),
        ("UP", "failed", 1, "pass"),  # it has become true: somebody must look
        ("EVEN", "inconclusive", 0, "inconclusive"),
    ],
)
def test_strict(court, scores, category, status, verdict):
    court.register(wins={})
    court.write(BODY.format(strict=True, scores=scores))
    result = court.run()
    assert result.ret == status
    assert result.parseoutcomes() == {category: 1}
    assert (court.row()["status"], court.row()["verdict"]) == ("decided", verdict)


def test_not_strict(court):
    court.register(wins={})
    court.write(BODY.format(strict=False, scores="UP"))
    result = court.run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"xpassed": 1}
    assert court.row()["verdict"] == "pass"


def test_a_broken_test_is_not_the_refutation_that_was_foreseen(court):
    court.register(wins={})
    court.write(BODY.format(strict=True, scores="[1 / 0]"))
    assert court.run().ret == 1
    assert court.row()["status"] == "error"


def test_a_plain_xfail_hides_an_error_from_pytest_and_not_from_the_ledger(court):
    court.register(wins={})
    court.write("@pytest.mark.xfail\n@pytest.mark.claim('demo.wins')\ndef test_wins(judge): 1 / 0\n")
    result = court.run()
    assert result.parseoutcomes() == {"xfailed": 1}
    assert court.row()["status"] == "error"
    result.stdout.fnmatch_lines(["*error*demo.wins*"])
