"""What the conductor does when the journal, the engine or a worker behaves badly; the engine here is made up."""

import json

import pytest
from toy_builders import toy

from runners.build import build
from runners.conductor import Conductor
from runners.engines.engine import Outcome, Price
from runners.errors import ApprovalNeededError, CapReachedError, InfrastructureError, RunnersError
from runners.money.budget import Budget
from runners.money.spending import Journal
from runners.recipe import Recipe, Resources
from runners.store import Store

PRICE = 0.001


class Shelf:
    name = "shelf"

    def __init__(self, root):
        self.store = Store(root)

    def manifest(self, digest):
        found = self.store.peek(digest)
        return found and found.to_text()

    def fetch(self, digest, name, to):
        to.write_bytes((self.store.folder(digest) / name).read_bytes())


class Work:
    """A build that takes some looks, and then ends as it was told to."""

    def __init__(self, engine, job):
        self.engine, self.job, self.looks, self.cancelled = engine, job, 0, 0

    def poll(self):
        self.looks += 1
        end = self.engine.ends.get(self.job.recipe.digest)
        if self.looks < self.engine.takes:
            return None
        return end or Outcome(manifest=build(self.job.recipe, self.engine.storage.store).manifest.to_text())

    def cancel(self):
        self.cancelled += 1
        if self.engine.deaf:
            raise RunnersError("nobody hears")


class Made:
    name, pause, width = "made", 0.0, 3

    def __init__(self, root):
        self.storage = Shelf(root)
        self.ends, self.takes, self.deaf, self.work, self.closed = {}, 1, False, [], 0

    def price(self, resources):
        return Price(PRICE, "shelf")

    def open(self, todo):
        pass

    def submit(self, job, tell):
        self.work.append(Work(self, job))
        return self.work[-1]

    def close(self):
        self.closed += 1


@pytest.fixture
def engine(bench):
    return Made(bench.folder / "shelf")


@pytest.fixture
def journal(bench):
    return Journal(bench.folder / "spending.jsonl")


@pytest.fixture
def conductor(bench, engine, journal):
    return Conductor(engine, bench.store, budget=Budget(journal, "session"))


def numbers(n, minutes=1.0):
    return [Recipe("toy_builders:only_facts", 1, {"value": k}, resources=Resources(minutes=minutes)) for k in range(n)]


def test_a_journal_that_cannot_be_written_keeps_no_build_alive(conductor, engine, journal, monkeypatch):
    engine.takes = 10**9

    def full(*_, **__):
        raise RunnersError("the disk is full")

    monkeypatch.setattr(journal, "end", full)
    monkeypatch.setattr(conductor.purse, "watch", lambda: full() if len(engine.work) == 3 else None)
    with pytest.raises(RunnersError, match="disk is full"):
        conductor.build_all(numbers(3))
    assert [work.cancelled for work in engine.work] == [1, 1, 1]
    conductor.close()
    assert engine.closed == 1
    assert all(conductor._store.try_lock(recipe) for recipe in numbers(3))


def test_a_lost_build_is_ended_before_it_is_tried_again(conductor, engine, journal):
    (recipe,) = numbers(1)
    engine.ends[recipe.digest] = Outcome(lost="silence")
    with pytest.raises(InfrastructureError, match="2 times: silence"):
        conductor.build(recipe)
    assert [work.cancelled for work in engine.work] == [1, 1]
    assert [entry.how for entry in journal.entries()] == ["lost", "lost"]


def test_a_build_that_nobody_can_end_is_not_tried_again_and_stays_open(conductor, engine, journal):
    (recipe,) = numbers(1)
    engine.ends[recipe.digest], engine.deaf = Outcome(lost="silence"), True
    with pytest.raises(InfrastructureError):
        conductor.build(recipe)
    (entry,) = journal.entries()
    assert entry.open
    assert journal.total() == pytest.approx(entry.worst_usd)


def test_what_nobody_can_end_goes_on_counting(bench, engine, journal):
    estimate = 60 * PRICE
    conductor = Conductor(engine, bench.store, budget=Budget(journal, "session", cap=1.5 * estimate))
    first, second = numbers(2)
    engine.ends[first.digest], engine.deaf = Outcome(lost="silence"), True
    with pytest.raises(InfrastructureError):
        conductor.build(first)
    with pytest.raises(CapReachedError, match="does not fit under the cap"):
        conductor.build(second)


def test_what_does_not_fit_is_not_started_and_what_runs_is_finished(bench, engine, journal):
    estimate = 60 * PRICE
    conductor = Conductor(engine, bench.store, budget=Budget(journal, "session", cap=2.5 * estimate))
    engine.takes = 3
    recipes = numbers(3)
    with pytest.raises(CapReachedError, match="does not fit under the cap"):
        conductor.build_all(recipes)
    assert [work.cancelled for work in engine.work] == [0, 0]
    assert [entry.how for entry in journal.entries()] == ["built", "built"]
    with pytest.raises(CapReachedError):
        conductor.build(recipes[2])
    assert len(engine.work) == 2


def test_nothing_runs_elsewhere_while_something_is_built_here(conductor, engine, bench):
    """A build in this process is not interrupted to look at what costs money."""
    elsewhere, here = numbers(1)[0], toy("slow", seconds=0.3)
    here = Recipe(here.build, 1, here.params, resources=Resources(here=True, minutes=1))
    engine.takes = 4
    for order in ([here, elsewhere], [elsewhere, here]):
        assert conductor.build_what_can_be(order) == {}
    assert [entry.how for entry in conductor.purse._budget.journal.entries()] == ["built"]
    assert conductor.purse._budget.journal.entries()[0].seconds < 0.25


def test_one_refusal_is_not_the_next_ones(conductor, engine):
    long, short = numbers(1, minutes=100)[0], toy("write", text="short")
    short = Recipe(short.build, 1, short.params, resources=Resources(minutes=1))
    with pytest.raises(ApprovalNeededError):
        conductor.build(long)
    assert conductor.build(short).facts == {"length": 5}
    assert [work.job.recipe for work in engine.work] == [short]


def test_an_answer_that_is_no_manifest_loses_its_own_build_only(conductor, engine):
    bad, good = numbers(2)
    other = json.dumps({"nothing": "of the sort"})
    engine.ends[bad.digest] = Outcome(manifest=other)
    errors = conductor.build_what_can_be([bad, good])
    assert errors.keys() == {bad.digest}
    assert "no manifest of it" in str(errors[bad.digest])


def test_a_place_that_is_taken_costs_nothing(conductor, engine, journal, monkeypatch):
    submit, taken = engine.submit, [True, True]
    monkeypatch.setattr(engine, "submit", lambda job, tell: None if taken and taken.pop() else submit(job, tell))
    conductor.build(numbers(1)[0])
    assert [(entry.how, entry.usd == 0) for entry in journal.entries()] == [
        *[("cancelled", True)] * 2,
        ("built", False),
    ]
