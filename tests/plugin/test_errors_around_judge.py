"""A broken test is not a refuted claim: errors before and after the verdict, in fixtures, and skips."""

import pytest


@pytest.mark.parametrize(
    ("body", "looked"), [("1 / 0\njudge(UP)", False), ("judge(UP)\n1 / 0", True)], ids=["before", "after"]
)
def test_an_exception_leaves_no_verdict(court, body, looked):
    court.claim(body=body)
    result = court.run()
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["E *ZeroDivisionError*", "*error*demo.wins*organism*"])
    row = court.row()
    assert (row["status"], row["verdict"]) == ("error", None)
    assert (row["estimate"] is not None) == looked  # a look is a look, and the next one is the second
    assert row["reason"]["short"] == "ZeroDivisionError"
    assert row["reason"]["detail"] == "ZeroDivisionError: division by zero"


def test_an_assertion_after_the_verdict_is_an_error(court):
    court.claim(body="judge(UP)\nassert 1 == 2")
    assert court.run().ret == 1
    assert (court.row()["status"], court.row()["verdict"]) == ("error", None)


@pytest.mark.parametrize("message", ["", "line one\nline two", "x" * 5000])
def test_any_message_makes_a_row(court, message):
    court.claim(body=f"raise RuntimeError({message!r})")
    court.run()
    detail = court.row()["reason"]["detail"]
    assert detail.startswith("RuntimeError")
    assert message.split("\n")[0][:1900] in detail
    assert "line two" not in detail
    assert len(detail) <= 2000


@pytest.mark.parametrize("scope", ["function", "session"])
def test_a_fixture_that_breaks_leaves_a_row_for_each_of_its_claims(court, scope):
    court.register(a={}, b={})
    court.write(f"""
@pytest.fixture(scope={scope!r})
def scores(): raise OSError("no such artifact")
@pytest.mark.claim("demo.a")
def test_a(judge, scores): judge(scores)
@pytest.mark.claim("demo.b")
def test_b(judge, scores): judge(scores)
""")
    result = court.run()
    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 2}
    assert [(r["status"], r["reason"]["detail"]) for r in court.rows()] == [("error", "OSError: no such artifact")] * 2


def test_a_fixture_that_breaks_afterwards_does_not_unsay_the_verdict(court):
    court.register(wins={})
    court.write("""
@pytest.fixture
def scores():
    yield UP
    raise OSError("cannot clean up")
@pytest.mark.claim("demo.wins")
def test_wins(judge, scores): judge(scores)
""")
    result = court.run()
    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    assert (court.row()["status"], court.row()["verdict"]) == ("decided", "pass")


@pytest.mark.parametrize("how", ["pytest.skip('needs a GPU')", "pytest.importorskip('no_such_module_here')"])
def test_a_skip_is_not_run(court, how):
    court.claim(body=f"{how}\njudge(UP)")
    result = court.run()
    assert result.ret == 0
    assert result.parseoutcomes() == {"skipped": 1}
    assert (court.row()["status"], court.row()["verdict"]) == ("not_run", None)
    result.stdout.fnmatch_lines(["*not run*demo.wins*"])


def test_skip_marks_are_not_run(court):
    court.register(a={}, b={})
    court.write("""
@pytest.mark.skip(reason="later")
@pytest.mark.claim("demo.a")
def test_a(judge): judge(UP)
@pytest.mark.skipif(True, reason="no network")
@pytest.mark.claim("demo.b")
def test_b(judge): judge(UP)
""")
    assert court.run().ret == 0
    assert [(r["status"], r["reason"]["detail"]) for r in court.rows()] == [
        ("not_run", "later"),
        ("not_run", "no network"),
    ]


def test_a_skip_after_the_verdict_leaves_no_verdict(court):
    court.claim(body="judge(UP)\npytest.skip('on second thought')")
    court.run()
    assert (court.row()["status"], court.row()["verdict"]) == ("not_run", None)
