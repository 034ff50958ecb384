"""A test tells what its builds have cost; the row keeps it, and the session's last lines have the sum."""

import json

import pytest

COST = """
import json
@pytest.fixture
def paid(request):
    cost = {"estimated_usd": 0.6, "spent_usd": 0.42, "builds": {"aa": [0.6, 0.42]}}
    request.node.user_properties.append(("mi_assay.cost", json.dumps(cost)))
@pytest.mark.claim("demo.a")
def test_a(judge, paid): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge, paid): raise KeyError("x")
@pytest.mark.claim("demo.c")
def test_c(judge): judge(UP)
@pytest.fixture
def broken(paid): raise OSError("no artifact")
@pytest.mark.claim("demo.d")
def test_d(judge, broken): pass
"""


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_rows_say_what_their_builds_have_cost(court, options):
    court.register(a={}, b={}, c={}, d={})
    court.write(COST)
    result = court.run(*options)
    spent = {r["claim"]: r["cost"]["spent_usd"] for r in court.rows()}
    assert spent == {"demo.a": 0.42, "demo.b": 0.42, "demo.c": 0.0, "demo.d": 0.42}
    result.stdout.fnmatch_lines(
        ["builds behind these rows: spent $0.42 of an estimated $0.60; see python -m ledger budget"]
    )


def test_where_nothing_was_paid_nothing_is_said(court):
    court.claim()
    assert "estimated $" not in court.run().stdout.str()
    assert court.row()["cost"] == {"estimated_usd": 0.0, "spent_usd": 0.0}


def test_a_property_that_is_no_cost_breaks_nothing(court):
    court.claim(body="judge(UP)")
    path = court.claims / "conftest.py"
    path.write_text(
        "import pytest\n@pytest.fixture(autouse=True)\ndef odd(request):\n"
        "    request.node.user_properties.append(('mi_assay.cost', object()))\n"
    )
    court.run()
    assert (court.row()["verdict"], court.row()["cost"]["spent_usd"]) == ("pass", 0.0)


def test_junit_has_it_too(court):
    court.register(a={}, b={}, c={}, d={})
    court.write(COST)
    court.run("--junitxml=out.xml")
    text = (court.path / "out.xml").read_text()
    assert "mi_assay.cost" in text
    assert json.dumps(0.42) in text
