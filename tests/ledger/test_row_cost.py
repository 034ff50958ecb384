"""What the builds behind a row have cost: kept and shown, and never a difference."""

import json

import pytest

from ledger.cost import PROPERTY, cost_line, cost_of, no_cost, total_cost
from ledger.diff import changes
from ledger.row import problem_with
from ledger.run import read_run
from ledger.show import show_text
from ledger.verify import verify

PAID = {"estimated_usd": 0.6, "spent_usd": 0.42, "builds": {"aa": [0.4, 0.3], "bb": [0.2, 0.12]}}


def told(value):
    return [("mine", 1), (PROPERTY, value if isinstance(value, str) else json.dumps(value))]


def test_a_test_hands_it_over_as_a_property():
    assert cost_of(told(PAID)) == PAID
    assert cost_of(told({"estimated_usd": 1, "spent_usd": 2})) == {"estimated_usd": 1.0, "spent_usd": 2.0}
    assert cost_of([]) == cost_of([("mine", 1)]) == no_cost()
    assert cost_of(told(no_cost()) + told(PAID)) == PAID


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "[]",
        "3",
        "{}",
        "null",
        '{"estimated_usd": 1}',
        '{"estimated_usd": 1, "spent_usd": NaN}',
        '{"estimated_usd": 1, "spent_usd": -1}',
        '{"estimated_usd": 1, "spent_usd": "1"}',
        '{"estimated_usd": 1, "spent_usd": 1, "builds": [1]}',
        '{"estimated_usd": 1, "spent_usd": 1, "builds": {"a": [1]}}',
        '{"estimated_usd": 1, "spent_usd": 1, "builds": {"a": 1}}',
        "[" * 100_000,
    ],
)
def test_what_somebody_else_calls_so_is_nothing(value):
    assert cost_of(told(value)) == no_cost()


def test_a_build_behind_two_rows_is_paid_once():
    rows = [{"cost": PAID}, {"cost": {**PAID, "builds": {"bb": [0.2, 0.12], "cc": [1.0, 2.0]}}}, {"cost": None}, {}]
    assert total_cost(rows) == pytest.approx((1.6, 2.42))
    bare = {"estimated_usd": 1.0, "spent_usd": 2.0}
    assert total_cost([{"cost": bare}, {"cost": bare}]) == (2.0, 4.0)


def test_the_closing_line_is_for_runs_that_rest_on_something_paid():
    assert cost_line([{"cost": no_cost()}, {"cost": None}]) == ""
    words = "builds behind these rows: spent $0.42 of an estimated $0.60; see python -m ledger budget"
    assert cost_line([{"cost": PAID}, {"cost": PAID}]) == words


@pytest.fixture
def row(mixed):
    return {**mixed[0].row, "run": "r1"}


@pytest.mark.parametrize("cost", [PAID, no_cost(), None, {**PAID, "builds": {}}])
def test_rows_with_a_cost_are_rows(row, cost):
    assert problem_with({**row, "cost": cost}) is None


def test_rows_of_older_runs_have_none(row):
    assert row["cost"] == no_cost()
    assert problem_with({k: v for k, v in row.items() if k != "cost"}) is None


@pytest.mark.parametrize(
    "cost",
    [
        3,
        [PAID],
        {},
        {"estimated_usd": 1},
        {"estimated_usd": 1, "spent_usd": "1"},
        {"estimated_usd": True, "spent_usd": 1},
        {**PAID, "builds": [1]},
        {**PAID, "builds": {"a": [1]}},
        {**PAID, "builds": {"a": [1, "2"]}},
    ],
    ids=str,
)
def test_rows_with_another_cost_are_not(row, cost):
    assert "cost" in problem_with({**row, "cost": cost})


def with_cost(judged, cost):
    return [j._replace(row={**j.row, "cost": cost}) for j in judged]


def test_cost_is_no_difference_and_no_part_of_a_verdict(tmp_path, write_run, mixed):
    """Nor does it move a hash of what was promised or executed; the chain keeps it as it keeps everything."""
    cheap, dear = (
        read_run(write_run(tmp_path, name, with_cost(mixed, cost))) for name, cost in (("r1", no_cost()), ("r2", PAID))
    )
    assert changes(cheap.rows, dear.rows) == []
    assert changes(dear.rows, [{**r, "cost": None} for r in cheap.rows]) == []
    assert verify(dear).problems == verify(cheap).problems == []
    hashes = ("registered_hash", "executed_hash", "data")
    assert [[r.get(h) for h in hashes] for r in cheap.rows] == [[r.get(h) for h in hashes] for r in dear.rows]
    assert {json.dumps(r["cost"]) for r in dear.rows} == {json.dumps(PAID)}


def test_an_edited_cost_breaks_the_chain(tmp_path, write_run, mixed):
    path = write_run(tmp_path, "r1", with_cost(mixed, PAID))
    path.write_bytes(path.read_bytes().replace(b'"spent_usd":0.42', b'"spent_usd":0.01', 1))
    assert verify(read_run(path)).problems


def test_it_is_shown_where_something_was_paid(tmp_path, write_run, mixed):
    paid = read_run(write_run(tmp_path, "r1", with_cost(mixed[:1], PAID)))
    words = "cost           spent $0.42 of an estimated $0.60, shared with all rows that rest on the same builds"
    assert words in show_text(paid, "wins", None)
    for k, cost in enumerate((no_cost(), None)):
        free = read_run(write_run(tmp_path, f"free{k}", with_cost(mixed[:1], cost)))
        assert "cost  " not in show_text(free, "wins", None)
