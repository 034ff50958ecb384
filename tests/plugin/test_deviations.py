"""Executed and registered differ: the row is ``deviated`` and can never pass."""

import pytest

SAMPLE = "from mi.claimable import Sample\njudge(Sample(UP, params={params}))"


@pytest.mark.parametrize("expected", [None, "pass", "fail", "inconclusive", "refused"])
@pytest.mark.parametrize("call", ["judge(UP, above=0.5)", "judge(UP, below=9)", "judge(UP, within=9)"])
def test_another_bound_in_the_test_than_in_the_yaml(court, call, expected):
    court.claim(body=call, expected=expected)
    result = court.run()
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    row = court.row()
    assert (row["status"], row["verdict"]) == ("deviated", None)
    assert row["executed_hash"] != row["registered_hash"]
    assert {d["key"] for d in row["deviations"]} <= {"rule", "bound"}


def test_the_registered_bound_may_be_stated(court):
    court.claim(body="judge(UP, above=0)")
    assert court.run().ret == 0
    row = court.row()
    assert row["deviations"] == []
    assert row["executed_hash"] == row["registered_hash"]


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"ctx": 1024}, "decided"),
        ({"ctx": 1024, "more": 1}, "decided"),
        ({"ctx": 128}, "deviated"),
        ({}, "deviated"),
        ({"ctx": "1024"}, "deviated"),
    ],
)
def test_what_was_measured_is_compared_with_what_was_registered(court, params, status):
    court.claim(body=SAMPLE.format(params=params), measured={"ctx": 1024})
    result = court.run()
    assert court.row()["status"] == status
    assert result.ret == (0 if status == "decided" else 1)


def test_the_message_names_the_key_and_both_values(court):
    court.claim(body=SAMPLE.format(params={"ctx": 128}), measured={"ctx": 1024})
    result = court.run()
    said = " ".join(result.stdout.str().split())
    assert "measured.ctx: registered 1024, executed 128" in said
    assert "supersedes: demo.wins" in said


def test_the_planned_number_of_units_is_part_of_the_promise(court):
    court.claim(body="judge(UP)", n=31)
    assert court.run().ret == 1
    assert [d["key"] for d in court.row()["deviations"]] == ["n"]


def test_another_subject_or_cell_than_the_registered_one(court):
    cells = [{"params": {"k": 16}}]
    court.register(wins={"subjects": {"organism": {"cells": cells}}})
    court.write("""
from mi.claimable import Sample
@pytest.mark.claim("demo.wins")
def test_wins(judge): judge(Sample(UP, params={"k": 32, "subject": "gpt2"}))
""")
    assert court.run().ret == 1
    assert {d["key"] for d in court.row()["deviations"]} == {"params.k", "subject"}


def test_two_arms_measured_differently_deviate(court):
    court.claim(
        body="from mi.claimable import Sample\nids = range(30)\n"
        "judge(Sample(UP, ids, params={'ctx': 64}) - Sample(EVEN, ids, params={'ctx': 32}))",
        design="paired",
        measured={"ctx": 64},
    )
    assert court.run().ret == 1
    assert court.row()["status"] == "deviated"


def test_a_swallowed_deviation_does_not_pass_either(court):
    court.claim(body="try:\n    judge(UP, above=0.5)\nexcept AssertionError:\n    pass")
    assert court.run().ret == 1
    assert court.row()["status"] == "deviated"
