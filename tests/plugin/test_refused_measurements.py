"""Input that must not be judged: an error that is called refused, with what to do."""

import pytest

CASES = {
    "too few units": "judge([1.0, 2.0, 3.0])",
    "no spread": "judge([2.0] * 30)",
    "not finite": "judge([*UP, float('nan')])",
    "matrix": "judge(np.ones((4, 4)))",
    "repeated ids": "from mi.claimable import Sample\njudge(Sample(UP, units=['same'] * 30))",
    "tokens as units": "from mi.claimable import Sample\njudge(Sample(UP, unit='token'))",
    "other designs' units": "from mi.claimable import Sample\nSample([])",
}


@pytest.mark.parametrize("body", CASES.values(), ids=CASES)
def test_a_refusal_fails_the_test_as_an_error(court, body):
    court.claim(body=body)
    result = court.run()
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 1}
    row = court.row()
    assert (row["status"], row["verdict"], row["estimate"]) == ("refused", None, None)
    assert set(row["reason"]) == {"short", "detail", "fix"}
    result.stdout.fnmatch_lines(["*refused*demo.wins*organism*"])


def test_a_bound_that_the_quantity_cannot_reach_is_refused(court):
    court.claim(body="judge([1.0, 0.0] * 20)", above=50.0)
    court.run()
    assert court.row()["status"] == "refused"
    assert "percentages" in court.row()["reason"]["fix"]


def test_a_method_claim_needs_training_runs(court):
    runs = "{k: [v + k for v in UP] for k in range(4)}"
    court.register(a={"scope": "method", "design": "runs"}, b={"scope": "method", "design": "runs"})
    court.write(f"""
from mi.claimable import over_runs
@pytest.mark.claim("demo.a")
def test_a(judge): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(over_runs({runs}))
""")
    court.run()
    assert [row["status"] for row in court.rows()] == ["refused", "decided"]


def test_a_refusal_that_the_test_survives_leaves_no_trace(court):
    court.claim(
        body="from mi.claimable import Refusal, Sample\nwith pytest.raises(Refusal):\n    Sample([])\njudge(UP)"
    )
    assert court.run().ret == 0
    assert court.row()["verdict"] == "pass"


def test_another_refusal_than_the_expected_one_is_no_success(court):
    """A broken fixture must not hide behind a claim that was expected to be refused."""
    court.claim(
        body="judge([float('nan')] * 12)",
        subjects={"organism": {"expected": {"verdict": "refused", "why": "w", "because": "1 random set"}}},
    )
    result = court.run()
    assert result.ret == 1
    assert (court.row()["status"], court.row()["refused_as_expected"]) == ("refused", False)
