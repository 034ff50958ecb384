"""Records: everything a page says of a row, and rows that it must refuse."""

import pytest

from ledger.errors import LedgerError
from ledger.report.content import content
from ledger.report.overview import overview
from ledger.report.records import record
from ledger.ruling import rulings
from ledger.run import read_run


def records_of(path):
    return {r.row["claim"]: record(r, k) for k, r in enumerate(rulings(read_run(path).rows))}


def test_numbers_are_the_rows_own(mixed_run):
    rows = {r["claim"]: r for r in read_run(mixed_run).rows if r["claim"] != "paper.every"}
    for claim, found in records_of(mixed_run).items():
        if claim in rows:
            for key in ("estimate", "lo", "hi", "level", "n", "bound", "limits", "p_pass", "p_fail", "mde"):
                assert found.get(key) == rows[claim].get(key), (claim, key)


def test_the_promise_holds_only_what_the_row_does_not_say(mixed_run):
    found = records_of(mixed_run)
    assert "promise" not in found["paper.wins"]
    assert found["paper.strays"]["promise"] == {"measured": {"k": 16}}


def test_forced_verdicts_are_marked(mixed_run):
    found = records_of(mixed_run)
    assert found["paper.chosen"]["forced"]
    assert not found["paper.unsure"]["forced"]


@pytest.mark.parametrize(
    "damage",
    [{"lo": 2.0}, {"limits": {"95": [1.0]}}, {"limits": {"95": ["a", "b"]}}, {"limits": {"95": [2.0, 1.0]}}],
)
def test_a_row_that_cannot_be_drawn_is_named_and_refused(mixed_run, damage):
    run = read_run(mixed_run)
    run.rows[0].update(damage)
    found = rulings(run.rows)
    with pytest.raises(LedgerError, match=r"paper\.wins on organism \(row 0\) cannot be drawn: its limits"):
        content(run, found, overview(found).subjects, (), (), None, ())
