"""Claims whose numbers come from builds elsewhere: planned first, priced, and not run where something was lost."""

import pytest

import runners.runner

ENGINE = '''
"""An engine of somebody else: it builds here, sends bills, and can lose what it was given."""
import json
from pathlib import Path
from runners.build import build
from runners.engines.engine import Outcome, Price
from runners.store import Store

class Shelf:
    name = "shelf"
    def __init__(self, root): self.store = Store(root)
    def manifest(self, digest):
        found = self.store.peek(digest)
        return found and found.to_text()
    def fetch(self, digest, name, to): to.write_bytes((self.store.folder(digest) / name).read_bytes())

class Theirs:
    name, pause = "theirs", 0.0
    def __init__(self, store, progress, width): self.storage, self.width = Shelf(store.root / "shelf"), width
    def price(self, resources): return Price(0.001, "shelf")
    def open(self, todo): pass
    def submit(self, job, tell):
        with open("submitted", "a") as file: file.write(f"{job.recipe.name}\\n")
        return Work(self, job)
    def close(self): pass

class Work:
    def __init__(self, engine, job): self.engine, self.job = engine, job
    def poll(self):
        if self.job.recipe.params.get("lost"): return Outcome(lost="the machine was lost")
        return Outcome(manifest=build(self.job.recipe, self.engine.storage.store).manifest.to_text())
    def cancel(self): pass
'''
BUILDERS = """
from mi.unit_table import write_units
def numbers(out, *, progress, value, lost=False, below=None):
    write_units(out, "prompt", [f"p{k}" for k in range(30)], {"score": [value * (1 + k % 3) for k in range(30)]}, {"value": value})
"""
CLAIMS = """
from runners.recipe import Recipe, Resources
from fixtures.measured import Measured, read_table

def measured(runner, **params):
    inputs = {name: params.pop(name) for name in ("below",) if name in params}
    label = f"number {params['value']}"
    recipe = Recipe("builders:numbers", 1, params, inputs, Resources(minutes=2), label)
    return Measured(read_table(runner.build(recipe).path))

@pytest.mark.claim("demo.two")
def test_two(judge, runner):
    first, second = measured(runner, value=1), measured(runner, value=2)
    judge(second.sample("score") - first.sample("score"))

@pytest.mark.claim("demo.lost")
def test_lost(judge, runner):
    judge(measured(runner, value=3, lost=True).sample("score"))

@pytest.mark.claim("demo.reads")
def test_reads(judge, runner):
    value = int(read_table(runner.build(Recipe("builders:numbers", 1, {"value": 1})).path).units[0][1:])
    judge(measured(runner, value=4 + value).sample("score"))
"""


@pytest.fixture
def elsewhere(court, monkeypatch):
    """A court with an engine and builders of somebody else."""
    monkeypatch.setattr("runners.runner.ENGINES", dict(runners.runner.ENGINES))  # sessions are in this process
    for name in ("MI_ASSAY_STORE", "MI_ASSAY_DEVICE", "MI_ASSAY_BUDGET"):
        monkeypatch.delenv(name, raising=False)
    court.pytester.makeini(
        "[pytest]\naddopts = -p ledger.plugin -p runners.plugin -p no:mi_assay -p no:mi_assay_runners\npythonpath = .\n"
    )
    court.pytester.makepyfile(their_engine=ENGINE, builders=BUILDERS)
    court.pytester.makeconftest("from runners.runner import register\nregister('theirs', 'their_engine:Theirs')\n")
    court.register(two={"design": "paired"}, lost={}, reads={})
    court.write(CLAIMS)
    return court


def submitted(court):
    path = court.path / "submitted"
    return path.read_text().splitlines() if path.exists() else []


def test_a_plan_says_what_each_claim_needs_and_leaves_no_trace(elsewhere):
    result = elsewhere.run("--runner=theirs", "--plan")
    assert result.ret == 0
    text = result.stdout.str()
    # Both numbers of the first claim, although neither is there: 2 minutes each, at a tenth of a cent a second.
    result.stdout.fnmatch_lines(
        [
            "*     2.0     0.12  shelf*number 1 (*)",
            "*     2.0     0.12  shelf*number 2 (*)",
            "*  2      4.0     0.24*demo.two",
            "*  1      2.0     0.12*demo.lost",
            "*    1+      2.0     0.12*demo.reads",
            "*at least: the test reads a result before it asks for more",
            "3 builds for 3 tests: $0.36 expected, * at worst, in about * minutes with 4 at a time",
        ]
    )
    assert "passed" not in text
    assert submitted(elsewhere) == []
    assert not (elsewhere.path / ".ledger").exists()


def test_what_was_lost_is_not_run_and_the_rest_is_judged(elsewhere):
    result = elsewhere.run("--runner=theirs", "-rs")
    rows = {row["claim"]: row for row in elsewhere.rows()}
    assert result.ret == 1  # nothing was refuted, but this is no success
    assert rows["demo.two"]["verdict"] == "pass"
    assert (rows["demo.lost"]["status"], rows["demo.lost"]["verdict"]) == ("not_run", None)
    assert "the machine was lost" in rows["demo.lost"]["reason"]["detail"]
    assert rows["demo.lost"]["reason"]["fix"] == "Run it again."
    assert submitted(elsewhere).count("number 3") == 2  # tried again once, and not by every test
    assert submitted(elsewhere).count("number 1") == 1
    assert rows["demo.two"]["cost"]["estimated_usd"] == pytest.approx(0.24)
    assert rows["demo.two"]["cost"]["spent_usd"] > 0


def test_judging_again_builds_nothing_and_costs_nothing(elsewhere):
    elsewhere.run("--runner=theirs", "-k", "two")
    before = submitted(elsewhere)
    result = elsewhere.run("--runner=theirs", "-k", "two")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*1 passed*"])
    assert submitted(elsewhere) == before
    assert "to be built" not in result.stdout.str()


def test_the_cap_is_no_verdict(elsewhere):
    result = elsewhere.run("--runner=theirs", "--budget=0.2")
    rows = {row["claim"]: row for row in elsewhere.rows()}
    assert result.ret == 1
    assert {row["status"] for row in rows.values()} == {"not_run"}
    assert "does not fit under the cap of $0.20" in rows["demo.two"]["reason"]["detail"]
    assert "--budget" in rows["demo.two"]["reason"]["fix"]


def test_the_gate_stops_before_anything_is_started(elsewhere):
    elsewhere.write(CLAIMS.replace("minutes=2", "minutes=50"))
    result = elsewhere.run("--runner=theirs")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: this run is expected to cost $* and to take * minutes*Add --approve=*"])
    assert submitted(elsewhere) == []


ODD = """
import os
from pathlib import Path

@pytest.mark.skip("too expensive")
@pytest.mark.claim("demo.lost")
def test_lost(judge, runner):
    judge(measured(runner, value=5).sample("score"))

@pytest.fixture
def verdict(judge):
    return lambda sample: judge(sample)

@pytest.fixture
def late(runner):
    found = measured(runner, value=6)
    if Path("broken").exists():
        raise OSError("no more")
    Path("broken").touch()
    return found

@pytest.mark.claim("demo.reads")
def test_reads(verdict, late):
    verdict(late.sample("score"))
"""


def test_what_would_not_run_is_not_built(elsewhere):
    elsewhere.write(CLAIMS.partition("@pytest.mark.claim")[0] + ODD)
    result = elsewhere.run("--runner=theirs", "-k", "lost")
    result.assert_outcomes(skipped=1)
    assert submitted(elsewhere) == []


def test_no_imagined_number_is_a_look(elsewhere):
    """``judge`` through a fixture; in the real run the test breaks before it has a number."""
    elsewhere.write(CLAIMS.partition("@pytest.mark.claim")[0] + ODD)
    elsewhere.run("--runner=theirs", "-k", "reads")
    (row,) = elsewhere.rows()
    assert (row["status"], row.get("estimate"), row.get("attempt")) == ("error", None, None)


def test_offline_means_that_nothing_is_started(elsewhere):
    elsewhere.run("--runner=theirs", "-k", "two")
    before = submitted(elsewhere)
    elsewhere.run("--runner=theirs", "-k", "two", "--offline").assert_outcomes(passed=1)
    elsewhere.run("--runner=theirs", "-k", "lost", "--offline").assert_outcomes(skipped=1)
    assert submitted(elsewhere) == before


def test_a_plan_of_nothing_and_a_plan_beside_a_broken_file(elsewhere):
    assert elsewhere.run("--runner=theirs", "--plan", "-k", "nobody").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    elsewhere.write("import nothing_of_the_sort\n", "test_broken.py")
    elsewhere.run("--runner=theirs", "--plan", "--continue-on-collection-errors")
    assert submitted(elsewhere) == []


def test_a_lost_run_is_sealed_as_no_success(elsewhere):
    elsewhere.run("--runner=theirs", "-k", "lost")
    assert elsewhere.last().seal["exitstatus"] == 1


def test_a_table_that_does_not_come_home_is_not_run(elsewhere):
    (elsewhere.path / "their_engine.py").write_text(
        ENGINE.replace(
            "def fetch(self, digest, name, to): ",
            "def fetch(self, digest, name, to): raise OSError('gone')\n    def x(self, digest, name, to): ",
        )
    )
    result = elsewhere.run("--runner=theirs", "-k", "two")
    (row,) = elsewhere.rows()
    assert (row["status"], result.ret) == ("not_run", 1)
    assert "could not be fetched" in row["reason"]["detail"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--approve=inf", "ERROR: --approve=inf: expected a number from 0 up, such as 7.50."),
        ("--containers=0", "ERROR: --containers=0: expected a number from 1 up, such as 4."),
        ("--budget=-1", "ERROR: --budget=-1.0: expected a number from 0 up, such as 30."),
    ],
)
def test_numbers_that_mean_nothing(elsewhere, option, said):
    result = elsewhere.run("--runner=theirs", option)
    assert result.ret == 4
    result.stderr.fnmatch_lines([said])


def test_it_builds_several_at_a_time_by_itself(elsewhere):
    result = elsewhere.run("--runner=theirs", "-p", "xdist", "-n", "2")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --runner=theirs with -n: *"])
