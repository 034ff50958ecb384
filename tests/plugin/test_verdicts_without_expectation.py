"""What a verdict does to its test where nothing was expected."""

import pytest

CASES = [
    # body, category, exit status, letter, verdict
    ("judge(UP)", "passed", 0, ".", "pass"),
    ("judge(DOWN)", "failed", 1, "F", "fail"),
    ("judge(EVEN)", "inconclusive", 0, "?", "inconclusive"),
]


@pytest.mark.parametrize(("body", "category", "status", "letter", "verdict"), CASES)
def test_outcome(court, body, category, status, letter, verdict):
    court.claim(body=body)
    result = court.run()
    assert result.ret == status
    assert result.parseoutcomes() == {category: 1}
    result.stdout.fnmatch_lines([f"claims*test_demo.py {letter} *"])
    row = court.row()
    assert (row["status"], row["verdict"], row["claim"], row["subject"]) == (
        "decided",
        verdict,
        "demo.wins",
        "organism",
    )


def test_the_letters_stand_in_the_order_of_the_tests(court):
    court.register(a={}, b={}, c={}, d={})
    court.write("""
@pytest.mark.claim("demo.a")
def test_a(judge): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(EVEN)
@pytest.mark.claim("demo.c")
def test_c(judge): judge(DOWN)
@pytest.mark.claim("demo.d")
def test_d(judge): raise KeyError("x")
""")
    result = court.run()
    result.stdout.fnmatch_lines(["claims*test_demo.py .?FE *"])
    assert result.parseoutcomes() == {"passed": 1, "inconclusive": 1, "failed": 1, "errors": 1}
    assert "1 inconclusive" in result.outlines[-1]


def test_a_verbose_run_says_the_word(court):
    court.claim(body="judge(EVEN)")
    court.run("-v").stdout.fnmatch_lines(["*::test_wins INCONCLUSIVE*"])


def test_the_interval_stands_in_the_failure(court):
    court.claim(body="judge(DOWN)")
    result = court.run()
    result.stdout.fnmatch_lines(["E *Refuted: demo.wins on organism: fail, -1 [[]*[]] at 96.96%, wanted > 0, n=30"])
    result.stdout.no_fnmatch_line("*judge.py*")  # the traceback shows the claim's line, not the court's


@pytest.mark.parametrize(("rule", "verdict"), [("above", "pass"), ("below", "fail"), ("within", "fail")])
def test_every_rule_decides(court, rule, verdict):
    court.claim(body="judge(UP)", **{rule: 0.5})
    court.run()
    assert court.row()["verdict"] == verdict


def test_an_array_and_a_sample_judge_alike(court):
    court.register(a={}, b={}, c={})
    court.write("""
from mi.claimable import Sample, mean
@pytest.mark.claim("demo.a")
def test_a(judge): judge(np.array(UP))
@pytest.mark.claim("demo.b")
def test_b(judge): judge(Sample(UP))
@pytest.mark.claim("demo.c")
def test_c(judge): judge(mean(UP))
""")
    court.run()
    assert len({(row["data"], row["lo"], row["hi"]) for row in court.rows()}) == 1
    assert [row["verdict"] for row in court.rows()] == ["pass"] * 3


def test_judge_gives_back_what_it_found(court):
    court.claim(body="found = judge(UP)\nassert abs(found.estimate - 1) < 1e-9 < found.lo < found.estimate < found.hi")
    assert court.run().ret == 0
