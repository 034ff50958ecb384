"""Records: everything a page says of a row, and rows that it must refuse."""

from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.report.content import content
from ledger.report.overview import overview
from ledger.report.page import render
from ledger.report.records import check_row, record
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


HUGE = (1e308, -1e308, 1e150, 10**200)
THING = {"x": 1}


def odd_fields():
    """Fields of a row, by path, with values that the page cannot draw."""
    yield from (("artifacts", odd) for odd in ([1], [THING], "text", THING))
    numbers = ("estimate", "bound", "rope", "p_pass", "mde", "units_needed", "attempt", "seconds", "counts.units")
    nested = ("reported.value", "reported.lo", "reported.hi", "reported.n", "adjusted.lo", "adjusted.hi", "extra.x")
    yield from ((key, odd) for key in (*numbers, *nested) for odd in (*HUGE, "text", True))
    shares = ("level", "alpha", "alpha_spent", "adjusted.level")
    yield from ((key, odd) for key in shares for odd in (1e308, 2, -0.5, "text"))
    texts = ("section", "tier", "calibration", "source.title", "source.url", "source.other", "reported.verdict")
    yield from ((key, odd) for key in (*texts, "reported.words") for odd in (THING, ["a"], 7))
    yield from ((key, odd) for key in ("flags", "unconfirmed") for odd in ([7], [THING]))
    yield from (("source", ["a"]), ("counts", [1]), ("replay", "yes"), ("cost.spent_usd", 1e308))


def with_field(row, path, value):
    """A copy of a row of which ``path`` is ``value``."""
    key, _, inner = path.partition(".")
    return {**row, key: {**(row.get(key) or {}), inner: value} if inner else value}


@pytest.fixture(scope="module")
def one_row(judged, claim, gap):
    row = judged(claim("a", reported={"value": 0.1}), gap(0.1)).row
    return with_field(row, "adjusted", {"lo": 0.0, "hi": 0.2, "level": 0.99, "method": "holm", "m": 2})


@pytest.mark.parametrize(("path", "odd"), [*odd_fields()])
def test_a_field_that_cannot_be_drawn_is_named(one_row, path, odd):
    check_row(one_row)
    with pytest.raises(LedgerError, match=rf"^'{path.partition('.')[0]}[^ ]*' is .+ Expected "):
        check_row(with_field(one_row, path, odd))


@pytest.mark.parametrize("odd", [{"lo": -1e308}, {"hi": 1e308}, {"limits": {"95": [0.0, 1e308]}}])
def test_limits_beyond_any_figure_are_refused(one_row, odd):
    with pytest.raises(LedgerError):
        check_row({**one_row, **odd})


def run_content(run, earlier=(), compared=()):
    found = rulings(run.rows)
    return content(run, found, overview(found).subjects, earlier, compared, None, ())


def odd_run_fields():
    yield from ((key, THING) for key in ("time", "mi_assay", "git.commit", "lock.sha256"))
    yield from (("lock", odd) for odd in ([], "text"))
    yield from ((f"{key}.cpu", odd) for key in ("hardware", "lock.versions") for odd in (THING, [1], 1e308))
    yield from (("command", odd) for odd in ([1], [THING], "text"))


@pytest.mark.parametrize(("path", "odd"), [*odd_run_fields()])
def test_a_run_record_that_cannot_be_drawn_is_named(mixed_run, path, odd):
    run = read_run(mixed_run)
    *outer, last = path.split(".")
    at = run.header
    for key in outer:
        at = at.setdefault(key, {})
    at[last] = odd
    named = path.removesuffix(".cpu").replace(".", r"\.")
    with pytest.raises(LedgerError, match=rf"aaaaaa\.jsonl: the run record cannot be drawn: '{named}' is .+ Expected "):
        run_content(run)


@pytest.mark.parametrize(("key", "odd"), [("seconds", 1e308), ("seconds", "1"), ("exitstatus", THING)])
def test_a_seal_that_cannot_be_drawn_is_named(mixed_run, key, odd):
    run = read_run(mixed_run)
    run.seal[key] = odd
    with pytest.raises(LedgerError, match=f"the seal cannot be drawn: '{key}' is .+ Expected "):
        run_content(run)


def test_rows_of_a_compared_run_are_looked_at_too(mixed_run):
    run, other = read_run(mixed_run), read_run(mixed_run)
    other.path = other.path.with_name("older.jsonl")
    other.rows[0]["hi"] = 1e308
    with pytest.raises(LedgerError, match=r"older\.jsonl: paper\.wins on organism .*cannot be drawn: 'hi' is 1e\+308"):
        run_content(run, compared=[other])


RECORDED = sorted((Path(__file__).resolve().parents[3] / "ledger/runs").glob("*.jsonl"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_run_can_be_drawn(path):
    assert len(RECORDED) >= 4
    run = read_run(path)
    earlier = [read_run(p) for p in RECORDED if p.name < path.name]
    assert len(run_content(run, earlier, earlier[-1:])["history"]) > 0 or not earlier
    assert render(run, earlier, earlier[-1:]).startswith(b"<!doctype html>")
