"""``--subject GUEST --like NAME``: a guest takes the cells registered for a named subject, and nothing known of it."""

import pytest

from ledger.run import read_run

TESTS = """
import numpy as np
import pytest
import mi.claimable

@pytest.mark.claim("demo.wide")
def test_wide(judge, subject, k):
    judge(mi.claimable.mean([1.0, 1.2, 0.8] * 10))

@pytest.mark.claim("demo.narrow")
def test_narrow(judge):
    judge(mi.claimable.mean([1.0, 1.2, 0.8] * 10))
"""
CELLS = [
    {"params": {"k": 1}, "expected": "fail", "reported": {"value": 3.0}},
    {"params": {"k": 2}, "reported": {"value": 4.0, "n": 9}},
]


@pytest.fixture
def big(court):
    court.register(
        wide={
            "subjects": {
                "organism": {"cells": [{"params": {"k": 7}, "expected": "pass"}]},
                "big": {"tier": "gpu", "expected": "fail", "reported": {"value": 1.0}, "cells": CELLS},
                "twin": {"like": "big", "tier": "seeds", "cells": [{"params": {"k": 2}, "expected": "inconclusive"}]},
                "any": {"cells": [{"params": {"k": 5}}]},
            }
        },
        narrow={"subjects": {"organism": {"expected": "pass"}, "any": None}},
    )
    (court.claims / "test_demo.py").write_text(TESTS)
    return court


def run(court, *args):
    result = court.pytester.runpytest_inprocess("claims", *args)
    files = sorted((court.path / ".ledger" / "runs").glob("*.jsonl")) if (court.path / ".ledger").exists() else []
    return result, list(read_run(files[-1]).rows) if files else []


@pytest.mark.parametrize(("like", "tier"), [("big", "gpu"), ("twin", "seeds")])
def test_the_guest_has_the_cells_and_the_tier_and_neither_expectation_nor_reported_number(big, like, tier):
    result, rows = run(big, "--subject", "tiny/one", "--like", like, "-m", tier)
    result.assert_outcomes(passed=2, deselected=1)
    assert [(r["claim"], r["subject"], r["params"]["k"]) for r in rows] == [
        ("demo.wide", "tiny/one", 1),
        ("demo.wide", "tiny/one", 2),
    ]
    assert {(r["tier"], r["expected"], r["reported"], r["family_size"]) for r in rows} == {(tier, None, None, 2)}


def test_without_like_a_guest_still_takes_the_cells_of_any(big):
    _, rows = run(big, "--subject", "tiny/one")
    assert sorted((r["claim"], r["params"].get("k")) for r in rows) == [("demo.narrow", None), ("demo.wide", 5)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--like", "big"), "*--like without --subject*"),
        (("--subject", "tiny/one", "--like", "bog"), "*--like bog: expected a subject that a claim here names*big*"),
        (("--subject", "organism", "--like", "big"), "*--subject organism, which has claims of its own*"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(big, options, said):
    result, rows = run(big, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
    assert rows == []
