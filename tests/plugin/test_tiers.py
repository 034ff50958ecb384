"""``tier: smoke`` in the YAML is a pytest mark: ``-m smoke`` finds it."""

import pytest

TWO = """
@pytest.mark.claim("demo.a")
def test_a(judge, subject): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(UP)
def test_plain(): pass
"""


@pytest.fixture
def tiers(court):
    court.register(
        a={"subjects": {"organism": {"tier": "smoke"}, "gemma-2-2b": {"tier": "gpu"}}},
        b={"tier": "smoke"},
    )
    court.write(TWO)
    return court


@pytest.mark.parametrize(
    ("expression", "cells"),
    [
        ("smoke", {("demo.a", "organism"), ("demo.b", "organism")}),
        ("gpu", {("demo.a", "gemma-2-2b")}),
        ("not gpu", {("demo.a", "organism"), ("demo.b", "organism")}),
    ],
)
def test_m_selects_by_tier(tiers, expression, cells):
    assert tiers.run("-m", expression).ret == 0
    assert {(row["claim"], row["subject"]) for row in tiers.rows()} == cells


@pytest.mark.parametrize("args", [[], ["--strict-markers"], ["-W", "error"]], ids=str)
def test_a_project_that_does_not_declare_the_tiers(tiers, args):
    tiers.pytester.makeini("[pytest]\naddopts = -p ledger.plugin\n")
    result = tiers.run(*args)
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 4}
