"""``--strict-verdicts`` and ``strict: true``: an inconclusive claim fails its test."""

import pytest


@pytest.mark.parametrize("by", ["option", "yaml"])
def test_inconclusive_fails_with_its_reason(court, by):
    court.claim(body="judge(EVEN)", **({"strict": True} if by == "yaml" else {}))
    result = court.run(*(["--strict-verdicts"] if by == "option" else []))
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["[[]INCONCLUSIVE(strict)[]] demo.wins on organism: inconclusive, *"])
    row = court.row()
    assert (row["status"], row["verdict"]) == ("decided", "inconclusive")  # the ledger keeps the verdict


@pytest.mark.parametrize("body", ["judge(UP)", "pytest.skip('later')"])
def test_nothing_else_changes(court, body):
    court.claim(body=body)
    assert court.run("--strict-verdicts").ret == 0


def test_an_expected_inconclusive_stays_green(court):
    court.claim(body="judge(EVEN)", expected="inconclusive")
    assert court.run("--strict-verdicts").ret == 0


def test_x_stops_at_a_strict_inconclusive(court):
    court.register(a={}, b={})
    court.write("""
@pytest.mark.claim("demo.a")
def test_a(judge): judge(EVEN)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(UP)
""")
    assert court.run("--strict-verdicts", "-x").ret == 1
    assert [row["status"] for row in court.rows()] == ["decided", "not_run"]


def test_without_it_x_goes_on(court):
    court.register(a={}, b={})
    court.write("""
@pytest.mark.claim("demo.a")
def test_a(judge): judge(EVEN)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(UP)
""")
    assert court.run("-x").ret == 0
    assert [row["verdict"] for row in court.rows()] == ["inconclusive", "pass"]


@pytest.mark.parametrize(("args", "status"), [([], 0), (["--strict-verdicts"], 1)], ids=str)
def test_a_pass_that_its_family_does_not_bear_is_no_pass_either(court, args, status):
    """Each alone passes (t = 2.38, p = .012); Holm over the two asks for p < .0076 on a first look."""
    court.register(a={"role": "headline"}, b={"role": "headline"})
    court.write("""
@pytest.mark.claim("demo.a")
def test_a(judge): judge([v + 0.442 for v in EVEN])
@pytest.mark.claim("demo.b")
def test_b(judge): judge([v + 0.442 for v in EVEN])
""")
    result = court.run("--verdicts=all", *args)
    assert result.parseoutcomes() == {"passed": 2}
    assert [(row["verdict"], row["family_verdict"]) for row in court.table()] == [("pass", "inconclusive")] * 2
    assert "pass → inconclusive" in result.stdout.str()
    assert result.ret == status
