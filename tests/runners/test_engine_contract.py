"""What every engine owes to whoever builds through it, on all four: in this process, in processes here, on a Ray cluster
of two nodes, and on Modal over a loopback of its wire protocol (with ``-m cloud`` and a token, on Modal itself)."""

# ruff: noqa: F811  # fixtures are arguments

import hashlib
import signal
import threading
import time

import pytest
from contract_beds import ELSEWHERE, WORKERS, bed, kind, only, sessions, tag  # noqa: F401
from modal_loopback import until
from modal_toys import toy

from runners.engines.engine import Price
from runners.errors import BuildFailedError, CapReachedError, InfrastructureError
from runners.money.budget import Budget
from runners.recipe import Resources
from runners.store import Store

# ---- builds ---------------------------------------------------------------------------------------


def test_a_chain_comes_home(bed, tag):
    """Each artifact may be built by another worker than what it is built from."""
    below, beside = toy("write", text=f"{tag} a"), toy("write", text=f"{tag} b")
    top = toy("write", text=f"{tag} c", inputs={"x": below, "y": beside})
    made = bed.conductor().build(top)
    assert made.facts == {"length": 3 * len(f"{tag} a")}
    assert (made.path / "text.txt").read_text() == f"{tag} c{tag} a{tag} b"
    assert made.manifest.runner == bed.kind.name
    assert made.manifest.inputs.keys() == {"x", "y"}


def test_the_same_recipe_has_one_digest_and_one_content_everywhere(bed, tag):
    recipe = toy("write", text="the same everywhere")
    made = bed.conductor().build(recipe)
    assert made.digest == recipe.digest
    expected = hashlib.sha256(b"the same everywhere").hexdigest()
    assert made.manifest.files["text.txt"]["sha256"] == expected


def test_what_is_there_starts_nothing(bed, tag, monkeypatch):
    recipe = toy("write", text=tag)
    bed.conductor().build(recipe)
    again = bed.conductor()
    monkeypatch.setattr(again.engine, "submit", None)
    monkeypatch.setattr(again.engine, "open", None)
    assert again.build(recipe).facts == {"length": len(tag)}
    assert again.todo([recipe]) == []


def test_another_home_finds_what_the_storage_has(bed, tag, monkeypatch, only):
    """A colleague with the same volume, or the same shared folder, builds nothing."""
    only(*ELSEWHERE)
    recipe = toy("write", text=tag)
    bed.conductor().build(recipe)
    other = bed.conductor(store=bed.folder / "other")
    monkeypatch.setattr(other.engine, "submit", None)
    assert (other.build(recipe).path / "text.txt").read_text() == tag


def test_a_builders_error_comes_with_its_traceback(bed, tag):
    conductor = bed.conductor()
    with pytest.raises(BuildFailedError) as caught:
        conductor.build(toy("write", text=tag, inputs={"x": toy("fails", message=f"trouble {tag}")}))
    assert f"ValueError: trouble {tag}" in str(caught.value)
    assert "raise ValueError(message)" in str(caught.value)
    with pytest.raises(BuildFailedError) as refused:
        conductor.build(toy("refuses"))
    assert (refused.value.refused, refused.value.fix) == (True, "Bring more.")
    assert conductor.build(toy("write", text=f"{tag} after"))


def test_what_failed_is_not_tried_again_in_this_session(bed, tag, monkeypatch):
    recipe = toy("fails", message=tag)
    with pytest.raises(BuildFailedError):
        bed.conductor().build(recipe)
    again = bed.conductor()
    monkeypatch.setattr(again.engine, "submit", None)
    with pytest.raises(BuildFailedError, match="not tried again"):
        again.build(recipe)


def test_one_failure_leaves_the_rest(bed, tag):
    bad, good = toy("fails", message=tag), toy("write", text=tag)
    above = toy("write", text=f"{tag} above", inputs={"x": bad})
    errors = bed.conductor().build_what_can_be([above, good])
    assert errors.keys() == {bad.digest, above.digest}
    assert bed.conductor().todo([good]) == []


def test_megabytes_come_home(bed, tag):
    made = bed.conductor().build(toy("big", megabytes=20, tag=tag))
    assert hashlib.sha256((made.path / "data.bin").read_bytes()).hexdigest() == made.facts["sha256"]
    assert made.manifest.bytes == 20 * 2**20


def test_what_builders_say_arrives_while_they_work(bed, tag, only):
    only(*ELSEWHERE)
    with pytest.warns(UserWarning, match="the store's own business"):
        bed.conductor().build(toy("talks", tag=tag))
    assert any("printed" in line for line in bed.said.lines)
    assert "said" in bed.said.lines


def test_counts_arrive(bed, tag):
    bed.conductor().build(toy("shards", n=3, pause=0.3, tag=tag))
    assert sum(n for label, n, unit in bed.said.bars if (label, unit) == ("shards", "files")) == 3


def test_what_only_this_machine_has_is_built_here(bed, tag):
    below = toy("write", text=tag)
    here = toy("looks", paths=[str(bed.folder)], names=[], inputs={"below": below}, resources=Resources(here=True))
    after = toy("write", text=f"{tag} after", inputs={"x": toy("write", text=tag)})
    conductor = bed.conductor()
    assert conductor.build_what_can_be([here, after]) == {}
    made = conductor.build(here)
    assert made.facts["there"] == [str(bed.folder)]
    assert made.manifest.runner == ("inline" if bed.kind.name in ELSEWHERE else bed.kind.name)
    if bed.kind.name in ELSEWHERE:
        assert conductor.build(below).manifest.runner == bed.kind.name
        assert conductor.engine.storage.manifest(here.digest) is None


# ---- what happens to workers ----------------------------------------------------------------------


def test_a_build_has_its_time(bed, tag, only, monkeypatch):
    only(*WORKERS)
    conductor = bed.conductor()
    monkeypatch.setattr(conductor.purse, "timeout", lambda recipe: 2.0)
    start = time.monotonic()
    with pytest.raises(InfrastructureError, match="limit"):
        conductor.build(toy("sleep", seconds=60, tag=tag))
    assert time.monotonic() - start < 30
    until(lambda: not bed.kind.running())


def test_a_worker_that_dies_is_replaced_and_its_build_goes_on(bed, tag, only):
    only(*WORKERS)
    made = bed.conductor().build(toy("dies_once", pause=2.0, tag=tag))
    assert made.facts == {"found": 1}
    assert made.manifest.files.keys() == {"0.txt", "1.txt"}


def test_a_worker_that_dies_again_is_given_up(bed, tag, only):
    only(*WORKERS)
    conductor = bed.conductor()
    with pytest.raises(InfrastructureError) as caught:
        conductor.build(toy("dies"))
    assert "modal_toys:dies" in str(caught.value)
    with pytest.raises(InfrastructureError):
        conductor.build(toy("dies"))


def test_a_worker_that_is_taken_away_is_replaced(bed, tag, only):
    """Preempted, killed from outside, or lost with its node: the build goes on elsewhere from what was safe."""
    only(*WORKERS)
    conductor = bed.conductor(width=1)
    taken = threading.Event()

    def take():
        until(lambda: len([b for b in bed.said.bars if b[0] == "shards"]) >= 3)
        bed.kind.take_away()
        taken.set()

    threading.Thread(target=take, daemon=True).start()
    # On Ray the task may be on the node that stays: then it is not taken, and has nothing to go on from.
    made = conductor.build(toy("shards", n=12, pause=0.4, tag=tag))
    assert taken.wait(30)
    assert len(made.manifest.files) == 12
    if bed.kind.name != "ray":
        assert made.facts["found"] >= 1


# ---- what happens to us ---------------------------------------------------------------------------


def test_an_interruption_leaves_nothing_running(bed, tag, only, monkeypatch):
    only(*WORKERS)
    conductor = bed.conductor()

    def interrupted():
        if bed.kind.running():
            raise KeyboardInterrupt

    monkeypatch.setattr(conductor.purse, "watch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        conductor.build(toy("sleep", seconds=600, tag=tag))
    conductor.close()
    until(lambda: not bed.kind.running())


def test_the_cap_ends_what_is_running(bed, tag, monkeypatch, only):
    only(*WORKERS)
    budget = Budget(bed.journal, bed.session.id, cap=3.0)
    conductor = bed.conductor(budget=budget)
    monkeypatch.setattr(conductor.engine, "price", lambda resources: Price(1.0, "here"))
    cheap = Resources(minutes=1 / 60)
    with pytest.raises(CapReachedError, match=r"the cap of \$3\.00 is reached"):
        conductor.build(toy("sleep", seconds=60, tag=tag, resources=cheap))
    (entry,) = bed.journal.entries()
    assert (entry.how, entry.recipe) == ("cap", toy("sleep", seconds=60, tag=tag).digest)
    assert 3.0 < entry.usd < 30.0
    with pytest.raises(CapReachedError):  # and nothing else is started
        conductor.build(toy("write", text=tag, resources=cheap))
    assert len(bed.journal.entries()) == 1


def test_a_file_that_is_missing_is_reported(bed, tag, only, monkeypatch):
    only(*ELSEWHERE)
    conductor = bed.conductor()
    made = conductor.build(toy("write", text=tag))

    def gone(digest, name, to):
        raise FileNotFoundError("no such file")

    monkeypatch.setattr(conductor.engine.storage, "fetch", gone)
    with pytest.raises(InfrastructureError, match="could not be fetched"):
        _ = made.path
    monkeypatch.undo()
    assert (bed.conductor().build(toy("write", text=tag)).path / "text.txt").read_text() == tag


def test_a_file_that_arrives_torn_is_not_kept(bed, tag, only, monkeypatch):
    only(*ELSEWHERE)
    conductor = bed.conductor()
    made = conductor.build(toy("write", text=tag))
    monkeypatch.setattr(conductor.engine.storage, "fetch", lambda digest, name, to: to.write_text("torn"))
    with pytest.raises(InfrastructureError, match="could not be fetched"):
        _ = made.path
    assert Store(bed.folder / "store").peek(made.digest) is None


def test_faults_of_the_connection_pass(bed, tag, only):
    only("modal")
    if bed.kind.server is None:
        pytest.skip("nobody can ask Modal itself for faults")
    for rpc in ("FunctionMap", "FunctionGetOutputs", "VolumeGetFile2", "AppHeartbeat"):
        bed.kind.server.control(do="fault", rpc=rpc, times=2, status="UNAVAILABLE")
    assert (bed.conductor().build(toy("write", text=tag)).path / "text.txt").read_text() == tag


# ---- whole sessions -------------------------------------------------------------------------------


LONG = """
    def test_one(runner): runner.build(toy("sleep", seconds=600, tag={tag!r}))
"""


def test_ctrl_c_ends_everything_and_says_so(sessions, tag):
    sessions.write(LONG.format(tag=tag))
    process = sessions.start()
    until(sessions.begun)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 2, text
    assert "KeyboardInterrupt" in text
    until(lambda: not sessions.kind.running(), seconds=20)
    assert all(not entry.open for entry in sessions.journal.entries())


def test_a_killed_session_leaves_nothing_running(sessions, tag):
    sessions.write(LONG.format(tag=tag))
    process = sessions.start()
    until(sessions.begun)
    time.sleep(1.0)
    process.kill()
    process.communicate(timeout=60)
    until(lambda: not sessions.kind.running(), seconds=40)
    if sessions.kind.name == "modal":  # nobody wrote an end: it counts at its worst
        (entry,) = sessions.journal.entries()
        assert entry.open
        assert sessions.journal.total() == pytest.approx(entry.worst_usd)


def test_somebody_has_to_agree_to_what_takes_long(sessions, tag):
    sessions.write(
        f"""
        def test_one(runner): assert runner.build(toy("write", text={tag!r}, resources=Resources(minutes=100)))
        """
    )
    code, text = sessions.run("-rs")
    flat = " ".join(text.split())
    assert "to take 100 minutes" in flat
    assert "--approve=" in flat
    if sessions.kind.name in ELSEWHERE:
        assert code == 4
    else:  # it is found out when the test asks
        assert (code, "1 skipped" in text) == (0, True)
    amount = flat.partition("--approve=")[2].split(",")[0]
    code, text = sessions.run(f"--approve={amount}")
    assert (code, "1 passed" in text) == (0, True), text


def test_two_sessions_at_once_build_everything_once(sessions, tag):
    sessions.write(
        f"""
        def test_one(runner):
            below = toy("sleep", seconds=3, tag={tag!r})
            assert runner.build(toy("write", text={tag!r}, inputs={{}})) and runner.build(below)
        """
    )
    first, second = sessions.start(), sessions.start()
    texts = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], texts
    assert sum(text.count("building sleep") for text in texts) == 1, texts
    code, text = sessions.run()
    assert (code, "building" in text) == (0, False), text


def test_a_build_that_is_lost_is_no_verdict_and_no_success(sessions, tag, only):
    only(*WORKERS)
    sessions.write(
        f"""
        def test_lost(runner): runner.build(toy("dies"))
        def test_there(runner): assert runner.build(toy("write", text={tag!r}))
        """
    )
    code, text = sessions.run("-rs")
    assert code == 1, text
    assert "1 passed, 1 skipped" in text, text
    assert "was not built" in text


def test_a_broken_builder_breaks_its_own_test_only(sessions, tag):
    sessions.write(
        f"""
        def test_bad(runner): runner.build(toy("fails", message={tag!r}))
        def test_good(runner): assert runner.build(toy("write", text={tag!r}))
        """
    )
    code, text = sessions.run()
    assert code == 1, text
    assert "1 failed, 1 passed" in text, text
    assert f"ValueError: {tag}" in text
