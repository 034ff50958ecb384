"""A test tells where its artifacts come from; the run keeps it once, and nothing of it in its rows or in JUnit's file."""

import json

import pytest

from ledger.origin import PROPERTY, origins
from ledger.plugin import ORIGINS
from runners.plugin import ORIGINS as HANDED_OVER

A, B = "a" * 64, "b" * 64
TOLD = f"""
import json
def origin(label, *inputs):
    return {{"label": label, "builder": "m:f", "inputs": list(inputs), "bytes": 3}}
A, B = {A!r}, {B!r}

def tell(request, told):
    request.node.user_properties.append(({PROPERTY!r}, json.dumps(told)))

@pytest.fixture
def early(request): tell(request, {{A: origin("table", B[:12]), B: origin("model")}})

@pytest.mark.claim("demo.a")
def test_a(judge, early): judge(UP)

@pytest.mark.claim("demo.b")
def test_b(judge, request):
    tell(request, {{A: origin("another word")}})
    judge([x + 1 for x in UP])

@pytest.mark.claim("demo.c")
def test_c(judge): judge([x + 2 for x in UP])

def test_plain(early): pass
"""


def test_all_three_packages_call_it_the_same():
    assert PROPERTY == ORIGINS == HANDED_OVER


@pytest.fixture
def told(court):
    court.register(a={}, b={}, c={})
    court.write(TOLD)
    return court


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "1"], ["-p", "xdist", "-n", "2"]], ids=len)
def test_the_seal_keeps_each_once(told, options):
    result = told.run(*options, "--junitxml=out.xml")
    assert result.parseoutcomes() == {"passed": 4}
    known = origins(told.last())
    assert set(known) == {A, B}
    assert known[B]["label"] == "model"
    assert "m:f" not in json.dumps(told.rows())
    assert told.ledger("verify")[0] == 0
    text = (told.path / "out.xml").read_text()
    assert "demo.a" in text


def test_junit_has_none_of_it(told):
    told.run("--junitxml=out.xml")
    assert PROPERTY not in (told.path / "out.xml").read_text()


@pytest.mark.parametrize("value", ["object()", "'x'", "'[' * 100000", "3", "None", "b'{}'"])
def test_a_property_that_is_no_origin_breaks_nothing(court, value):
    court.claim(body="judge(UP)")
    (court.claims / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(autouse=True)\ndef odd(request):\n"
        f"    request.node.user_properties.append(({PROPERTY!r}, {value}))\n"
    )
    court.run()
    assert court.row()["verdict"] == "pass"
    assert "artifacts" not in court.last().seal


def test_what_a_killed_session_knew_is_lost_and_its_rows_are_not(told):
    told.write(TOLD + "\nimport os\ndef test_zzz(): os._exit(9)\n")
    told.run_apart()
    run = told.last()
    assert len(run.rows) == 3
    assert origins(run) == {}
