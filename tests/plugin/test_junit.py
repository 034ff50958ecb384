"""JUnit: what CI readers see. An inconclusive claim is ``<skipped>`` with its reason, never a bare test case."""

import json
import re
from xml.etree import ElementTree

import pytest

SIX = """
@pytest.mark.claim("demo.a")
def test_a(judge): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(DOWN)
@pytest.mark.claim("demo.c")
def test_c(judge): judge(EVEN)
@pytest.mark.claim("demo.d")
def test_d(judge): raise KeyError("x")
@pytest.fixture
def broken(): raise OSError("no artifact")
@pytest.mark.claim("demo.e")
def test_e(judge, broken): judge(UP)
@pytest.mark.claim("demo.f")
def test_f(judge): pytest.skip("needs a GPU")
def test_plain(): pass
"""


@pytest.fixture(params=[[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def suite(court, request):
    court.register(a={}, b={}, c={}, d={}, e={}, f={})
    court.write(SIX)
    court.run("--junitxml=out.xml", *request.param)
    return ElementTree.parse(court.path / "out.xml").getroot().find("testsuite")


def case(suite, name):
    (found,) = (c for c in suite.iter("testcase") if c.get("name") == name)
    return found


def test_the_counts_are_right(suite):
    counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": 7, "failures": 2, "errors": 1, "skipped": 2}  # an error in the call is a failure there
    assert len(list(suite.iter("testcase"))) == 7

    skipped = case(suite, "test_c").find("skipped")
    assert "demo.c on organism: inconclusive" in skipped.get("message")
    assert "needs a GPU" in case(suite, "test_f").find("skipped").get("message")

    assert "demo.b on organism: fail" in case(suite, "test_b").find("failure").get("message")
    assert case(suite, "test_d").find("failure") is not None
    assert case(suite, "test_e").find("error") is not None
    assert len(case(suite, "test_a").findall("*")) == 1  # its properties, nothing else

    words = {"a": "pass", "b": "fail", "c": "inconclusive", "d": None, "e": None, "f": None}
    status = {"d": "error", "e": "error", "f": "not_run"}
    for name, verdict in words.items():
        (row,) = (p for p in case(suite, f"test_{name}").iter("property") if p.get("name") == "claim")
        row = json.loads(row.get("value"))
        assert (row["claim"], row["subject"], row["verdict"]) == (f"demo.{name}", "organism", verdict)
        assert row["status"] == status.get(name, "decided")
        if verdict:
            assert row["lo"] < row["estimate"] < row["hi"]
    assert list(case(suite, "test_plain").iter("property")) == []


def test_strict_is_a_failure_with_its_reason(court):
    court.claim(body="judge(EVEN)")
    court.run("--junitxml=out.xml", "--strict-verdicts")
    suite = ElementTree.parse(court.path / "out.xml").getroot().find("testsuite")
    assert suite.get("failures") == "1"
    assert "INCONCLUSIVE(strict)" in case(suite, "test_wins").find("failure").get("message")


def test_properties_of_the_user_stay(court):
    court.register(wins={})
    court.write("""
@pytest.mark.claim("demo.wins")
def test_wins(judge, record_property):
    record_property("mine", 1)
    judge(UP)
""")
    court.run("--junitxml=out.xml")
    suite = ElementTree.parse(court.path / "out.xml").getroot().find("testsuite")
    assert sorted(p.get("name") for p in case(suite, "test_wins").iter("property")) == ["claim", "mine"]


def test_messages_say_the_rule_in_words_and_the_interval(suite):
    """A reader of the XML alone knows what was wanted, what was found, and of an inconclusive claim what would decide it."""
    failed = case(suite, "test_b").find("failure").get("message")
    assert "demo.b on organism: fail, -1 [-1.069, -0.931] at 96.96%, wanted > 0, n=30" in failed
    skipped = case(suite, "test_c").find("skipped").get("message")
    assert re.search(
        r"demo\.c on organism: inconclusive, \S+ \[-\S+, \+\S+\] at 96\.96%, wanted > 0, n=30; .*would decide|detectable",
        skipped,
    )
    row = json.loads(next(p.get("value") for p in case(suite, "test_b").iter("property")))
    assert (row["rule"], row["bound"]) == ("above", 0.0)


def test_one_property_with_the_row_and_no_test_without_one(suite):
    for found in suite.iter("testcase"):
        names = [p.get("name") for p in found.iter("property")]
        assert names == ([] if found.get("name") == "test_plain" else ["claim"])
        ends = [child.tag for child in found if child.tag in ("failure", "error", "skipped")]
        assert len(ends) <= 1
        if names and not ends:  # a bare test case is a pass to every reader
            (value,) = (p.get("value") for p in found.iter("property"))
            assert json.loads(value)["verdict"] == "pass"


def test_drift_says_what_was_expected(court):
    court.register(a={"expected": "pass", "above": 0.5}, z={"expected": "fail"})
    court.write("""
@pytest.mark.claim("demo.a")
def test_a(judge): judge(DOWN)
@pytest.mark.claim("demo.z")
def test_z(judge): judge(DOWN)
""")
    court.run("--junitxml=out.xml")
    suite = ElementTree.parse(court.path / "out.xml").getroot().find("testsuite")
    message = case(suite, "test_a").find("failure").get("message")
    assert "drift: expected pass" in message
    assert "wanted > 0.5" in message
    assert case(suite, "test_z").find("failure") is None
