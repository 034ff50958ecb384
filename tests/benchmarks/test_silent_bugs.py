"""The benchmark itself: it must be able to fail, and to tell silent from loud."""

import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import torch

from benchmarks.silent_bugs import __main__ as command
from benchmarks.silent_bugs import registry, scenes, tasks
from benchmarks.silent_bugs.document import PARTS, document
from benchmarks.silent_bugs.left_out import every_id
from benchmarks.silent_bugs.mutant import Mutant
from benchmarks.silent_bugs.number import Number
from benchmarks.silent_bugs.patch import replaced, rewritten, wrapped
from benchmarks.silent_bugs.registry import MUTANTS
from benchmarks.silent_bugs.report import BENIGN_NEEDED, report
from benchmarks.silent_bugs.scene import Check, Fired, Measured, Scene
from benchmarks.silent_bugs.scenes import SCENES
from benchmarks.silent_bugs.table import terminal
from benchmarks.silent_bugs.trial import attempt, clean_run

pytestmark = pytest.mark.usefixtures("environment_put_back")
BUGS = [m for m in MUTANTS if not m.benign]
BENIGN = [m for m in MUTANTS if m.benign]
CATALOGUE = {
    **{"A": (1, 3, 5, 7, 9, 11), "B": range(1, 20, 2), "C": range(1, 20, 2), "D": range(1, 20, 2)},
    **{"E": range(1, 14, 2), "F": range(1, 12, 2), "G": range(2, 17, 2), "H": range(2, 11, 2)},
    **{"I": range(1, 20, 2), "J": range(1, 20, 2), "L": range(2, 11, 2)},
}


# ---- the registry


def test_ids_are_unique_and_scenes_exist():
    assert len({m.id for m in MUTANTS}) == len(MUTANTS)
    assert {m.scene for m in MUTANTS} <= set(SCENES)
    assert {m.part for m in MUTANTS} <= set(PARTS)


def test_every_bug_says_where_it_lived_and_what_ought_to_catch_it():
    for mutant in BUGS:
        assert mutant.source, mutant.id
        assert mutant.what, mutant.id
        assert all(re.fullmatch(r"K(0[1-9]|[12]\d|30)", kind) for kind in mutant.meant), mutant.id
        assert re.fullmatch(r"[A-L]\d\d[a-z]?", mutant.id)


def test_enough_harmless_changes_and_they_are_marked():
    assert len(BENIGN) >= BENIGN_NEEDED
    assert all(m.id.startswith("ok-") and not m.source for m in BENIGN)


def test_every_bug_of_the_catalogue_is_enacted_or_left_out_with_a_reason():
    catalogue = {f"{letter}{n:02}" for letter, numbers in CATALOGUE.items() for n in numbers}
    enacted = {m.id[:3] for m in BUGS}
    assert catalogue <= enacted | every_id()
    assert not enacted & every_id()


# ---- a toy pipeline with one check


@dataclass
class Toy(Scene):
    """The mean of three numbers, which has to lie near 2."""

    values: list = field(default_factory=lambda: [1.0, 2.0, 3.0])

    def measure(self):
        value = sum(self.values) / len(self.values)
        return Measured({"mean": Number(value, 0.0, 10.0, (1.5, 2.5))}, {"mean < 3": "pass" if value < 3 else "fail"})

    @property
    def checks(self):
        return (Check("far from 2", ("K24",), lambda scene: scene.near_two()),)

    def near_two(self):
        value = sum(self.values) / len(self.values)
        return [Fired("far from 2", ("K24",), f"{value}")] if abs(value - 2) > 0.5 else []


def setting(*values):
    return lambda scene: replaced(scene, "values", list(values))


@contextmanager
def warning_of_its_own(scene):
    def measure():
        warnings.warn("something looks odd", UserWarning, stacklevel=1)
        return Toy.measure(scene)

    with replaced(scene, "measure", measure):
        yield


CAUGHT = Mutant("X01", "metrics", "values far too large", "toy", setting(4.0, 5.0, 6.0), ("K24",), "nowhere")
MISSED = Mutant("X02", "metrics", "a value lost", "toy", setting(1.0, 3.0, 2.2), ("K24",), "nowhere")
RAISES = Mutant("X03", "metrics", "no values", "toy", setting(), ("K24",), "nowhere")
WARNS = Mutant("X04", "metrics", "a library warns", "toy", warning_of_its_own, ("K24",), "nowhere")
ABSURD = Mutant("X05", "metrics", "a mean of 20", "toy", setting(20.0), ("K24",), "nowhere")
BY_CHANCE = Mutant("X06", "metrics", "caught by another kind", "toy", setting(4.0), ("K09",), "nowhere")
HARMLESS = Mutant("ok-order", "data", "another order", "toy", setting(3.0, 2.0, 1.0))
ALARMING = [Mutant(f"ok-{k}", "data", "more", "toy", setting(3.0, 3.0, 3.0)) for k in range(2)]


@pytest.fixture
def toy(monkeypatch):
    """The command on toy mutants: returns its exit code."""
    tasks.cleaned.cache_clear()
    monkeypatch.setitem(SCENES, "toy", "toy:toy")
    monkeypatch.setattr(scenes, "prepared", lambda name, seed: Toy(seed))
    monkeypatch.setattr(tasks, "start", lambda: None)

    def run(*mutants, options=()):
        monkeypatch.setattr(registry, "BY_ID", {m.id: m for m in mutants})
        monkeypatch.setattr(command, "MUTANTS", mutants)
        return command.main(["--jobs", "1", "--seeds", "2", *options])

    yield run
    tasks.cleaned.cache_clear()


def tried(mutant):
    scene = Toy(0)
    return attempt(mutant, scene, clean_run(scene))


def test_a_detected_bug_and_a_quiet_harmless_change_pass(toy, capsys):
    assert toy(CAUGHT, HARMLESS) == 0
    out = capsys.readouterr().out
    assert "K24 far from 2" in out
    assert "flips 2/2" in out
    assert "mean < 3: pass -> fail" in out
    assert "detection: 1 of 1" in out
    assert "false alarms: 0 of 1" in out


def test_an_undetected_bug_exits_with_1(toy, capsys):
    assert toy(CAUGHT, MISSED) == 1
    assert "MISS: X02 survives: a value lost" in capsys.readouterr().out


def test_one_false_alarm_is_allowed_and_counted_two_are_not(toy, capsys):
    assert toy(CAUGHT, HARMLESS, ALARMING[0]) == 0
    assert "false alarms: 1 of 2" in capsys.readouterr().out
    assert toy(CAUGHT, HARMLESS, *ALARMING) == 1
    assert "false alarm on ok-1" in capsys.readouterr().out


def test_an_alarm_on_the_clean_pipeline_is_a_problem():
    made = report([CAUGHT], [tried(CAUGHT)], ["toy (seed 0): far from 2"], 1)
    assert made.problems == ["alarm on a clean pipeline: toy (seed 0): far from 2"]


@pytest.mark.parametrize("loud", [RAISES, WARNS, ABSURD], ids=lambda m: m.what)
def test_a_loud_mutant_is_not_called_silent(loud, toy, capsys):
    trial = tried(loud)
    assert not trial.silent
    assert trial.why_not
    assert toy(CAUGHT, loud) == 0  # reported, and no evidence for anything
    out = capsys.readouterr().out
    assert "dropped as not silent: 1" in out
    assert "detection: 1 of 1" in out


def test_a_harmless_change_that_is_loud_is_a_problem(toy, capsys):
    assert toy(CAUGHT, Mutant("ok-none", "data", "no values", "toy", setting())) == 1
    assert "ok-none is meant to be harmless, and raises ZeroDivisionError" in capsys.readouterr().out


def test_another_kind_of_check_counts_but_not_as_meant():
    made = report([BY_CHANCE], [tried(BY_CHANCE)], [], 1)
    assert made.problems == []
    assert (made.detection.count, made.as_meant.count) == (1, 0)
    assert "no (K09)" in terminal(made)


def test_a_bug_that_survives_on_one_seed_is_a_survivor():
    first, second = tried(CAUGHT), tried(MISSED)
    made = report([CAUGHT], [first, second.__class__(**{**vars(second), "mutant": "X01", "seed": 1})], [], 2)
    assert [r.mutant.id for r in made.survivors] == ["X01"]
    assert "1/2" in terminal(made)


def test_the_page_names_everything(toy, tmp_path):
    toy(CAUGHT, MISSED, RAISES, HARMLESS, options=("--markdown", str(tmp_path / "page.md")))
    page = (tmp_path / "page.md").read_text()
    for words in ("X01", "none: it survives", "ok-order", "quiet", "## Dropped", "ZeroDivisionError", "- A07: "):
        assert words in page


def test_what_a_mutant_replaced_is_back_afterwards():
    scene = Toy(0)
    before = scene.measure()
    tried(CAUGHT)
    with pytest.raises(RuntimeError), replaced(scene, "values", []):
        raise RuntimeError
    assert scene.measure() == before


def test_a_mutant_that_no_longer_fits_costs_the_others_nothing_and_is_a_problem(toy, capsys, tmp_path):
    moved = Mutant("X07", "metrics", "in a function that moved", "toy", lambda scene: replaced(scene, "elsewhere", 1))
    assert toy(CAUGHT, moved, HARMLESS, options=("--markdown", str(tmp_path / "page.md"))) == 1
    out = capsys.readouterr().out
    assert "X07 cannot be enacted: AttributeError: " in out
    assert "detection: 1 of 1" in out
    assert "in a function that moved | cannot be enacted" in (tmp_path / "page.md").read_text()


def test_a_change_that_no_longer_fits_is_an_error():
    with pytest.raises(AttributeError, match="no longer fits"), replaced(Toy, "elsewhere", 1):
        pass
    with pytest.raises(AttributeError, match="no longer fits"), wrapped(Toy, "elsewhere", lambda inner: inner):
        pass
    with pytest.raises(AttributeError, match="no longer fits"), rewritten(Toy, "near_two", ("no such text", "")):
        pass


def test_no_such_mutant_is_said():
    with pytest.raises(SystemExit):
        command.main(["--only", "Z99"])


def test_the_page_can_be_made_from_nothing_but_a_report():
    assert "| X01 |" in document(report([CAUGHT], [tried(CAUGHT)], [], 1))


# ---- the real ones


@pytest.fixture
def as_the_command_does():
    """One thread: on small tensors several only wait for each other."""
    before = torch.get_num_threads()
    tasks.start()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("as_the_command_does")
@pytest.mark.parametrize("name", SCENES)
def test_every_mutant_fits_the_code_that_it_changes(name):
    scene = scenes.prepared(name, 0)
    for mutant in (m for m in MUTANTS if m.scene == name):
        with mutant.enact(scene):
            pass


def test_real_bugs_and_harmless_changes_of_the_court_and_the_store(capsys):
    ids = "J05,J07b,J09,L04,L20,ok-unit-order,ok-touched"
    assert command.main(["--only", ids, "--seeds", "1", "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "detection: 5 of 5" in out
    assert "false alarms: 0 of 2" in out
