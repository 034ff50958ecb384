"""Reruns: a retried claim would be judged until it passes. Ordinary tests may be retried."""

import pytest

ALTERNATES = """
seen = []
@pytest.mark.claim("demo.wins")
def test_wins(judge):
    seen.append(1)
    judge(DOWN if len(seen) == 1 else UP)
tried = []
def test_plain():
    tried.append(1)
    assert len(tried) == 3
"""


@pytest.fixture
def alternates(court):
    court.register(wins={})
    court.write(ALTERNATES)
    return court


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "1", "-p", "no:warnings"]], ids=["alone", "xdist"])
def test_a_claim_runs_once_and_an_ordinary_test_may_rerun(alternates, args):
    result = alternates.run("-p", "rerunfailures", "--reruns", "2", *args)
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 1, "rerun": 2}
    assert (alternates.row()["status"], alternates.row()["verdict"]) == ("decided", "fail")


def test_a_mark_on_the_claim_does_not_help(court):
    court.register(wins={})
    court.write(ALTERNATES.replace("@pytest.mark.claim", "@pytest.mark.flaky(reruns=3)\n@pytest.mark.claim"))
    result = court.run("-p", "rerunfailures", "-k", "wins")
    assert result.parseoutcomes() == {"failed": 1, "deselected": 1}


@pytest.mark.parametrize("args", [["--force-reruns", "2"], ["--reruns", "2", "--rerun-except", "Nothing"]], ids=str)
def test_the_first_verdict_is_the_one_that_counts(alternates, args):
    alternates.run("-p", "rerunfailures", *args)
    assert (alternates.row()["status"], alternates.row()["verdict"]) == ("decided", "fail")


def test_an_inconclusive_claim_is_not_retried_either(court):
    court.register(wins={})
    court.write(ALTERNATES.replace("DOWN", "EVEN"))
    result = court.run("-p", "rerunfailures", "--reruns", "2", "-k", "wins")
    assert result.parseoutcomes() == {"inconclusive": 1, "deselected": 1}
