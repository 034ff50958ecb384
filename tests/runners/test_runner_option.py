"""The plugin: ``runner`` in tests, its options, and what a session says and remembers."""

import os
import pty
import re
import subprocess
import sys

import pytest
from toy_builders import toy

PARALLEL = """
@pytest.mark.parametrize("k", range(8))
def test_it(runner, k):
    made = runner.build(toy("write", text="top", inputs={"x": toy("slow", seconds=0.2, name="below")}))
    assert (made.path / "text.txt").read_text() == "topbelow"
"""


def test_built_in_the_first_session_and_found_in_the_second(project):
    project.write(
        """
        def test_one(runner):
            made = runner.build(toy("write", text="a"))
            assert made.path.is_dir()
            assert runner.build(toy("write", text="a")) is made
            assert runner.build_all([toy("write", text="b"), toy("write", text="a")])[1] is made
            assert runner.name == "inline"
        """
    )
    for _ in range(2):
        project.run_apart().assert_outcomes(passed=1)
        assert project.built == ["a", "b"]
    assert (project.pytester.path / ".store" / "v1" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(("workers", "runner"), [("4", "inline"), ("2", "local")])
def test_four_workers_build_once(project, workers, runner):
    project.write(PARALLEL)
    result = project.run_apart("-p", "xdist", "-n", workers, f"--runner={runner}")
    result.assert_outcomes(passed=8)
    assert sorted(project.built) == ["below", "top"]


def test_where_the_store_is(project, monkeypatch):
    project.write("def test_one(runner): runner.build(toy('write'))\n")
    project.run("--store", "chosen/folder").assert_outcomes(passed=1)
    assert (project.pytester.path / "chosen" / "folder" / "v1").is_dir()
    project.run_apart("--store", "chosen/folder", "-p", "xdist", "-n", "1").assert_outcomes(passed=1)
    assert project.built == ["hello"]
    monkeypatch.setenv("MI_ASSAY_STORE", str(project.pytester.path / "named"))
    project.run().assert_outcomes(passed=1)
    assert (project.pytester.path / "named" / "v1").is_dir()
    assert not (project.pytester.path / ".store").exists()


def test_the_cap_as_an_option(project):
    project.write("def test_one(runner): assert runner.store.cap == 5 * 10**9\n")
    project.run("--store-cap=5GB").assert_outcomes(passed=1)
    result = project.run("--store-cap=plenty")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: size 'plenty': expected a number with a unit, such as 20GB or 500MB."])


def test_no_such_runner(project):
    project.write("def test_one(runner): pass\n")
    result = project.run("--runner=locl")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: no runner 'locl': expected one of inline, local, modal, ray. Did you mean local?"]
    )


def test_a_runner_of_somebody_else(project):
    project.pytester.makepyfile(
        their_runner="from runners.engines.inline import InlineEngine\nclass Theirs(InlineEngine):\n    name = 'theirs'\n"
    )
    project.pytester.makeconftest("from runners.runner import register\nregister('theirs', 'their_runner:Theirs')\n")
    project.write("def test_one(runner): assert runner.name == 'theirs' and runner.build(toy('write'))\n")
    project.run("--runner=theirs", "-p", "no:cacheprovider").assert_outcomes(passed=1)


# ---- --offline ------------------------------------------------------------------------------------


def test_offline_does_not_run_what_is_not_there(project):
    project.write(
        """
        import os
        @pytest.mark.parametrize("text", ["a", "b c"])
        def test_one(runner, text):
            runner.build(toy("write", text=text, label="my text"))
        def test_environment(): assert os.environ["HF_HUB_OFFLINE"] == "1"
        """
    )
    result = project.run("--offline", "--runner=local", "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    assert project.built == []
    text = " ".join(result.stdout.str().split())
    found = re.search(
        r"my text \(\w{12}\) is not built, and --offline builds nothing: (pytest '[^']*b c.' .*?local)", text
    )
    done = project.pytester.run("sh", "-c", f"{sys.executable} -m {found[1]}")
    done.assert_outcomes(passed=1)
    assert project.built == ["b c"]
    result = project.run("--offline")
    result.assert_outcomes(passed=2, skipped=1)
    assert project.built == ["b c"]


def test_offline_and_rebuild_contradict_each_other(project):
    project.write("def test_one(runner): pass\n")
    result = project.run("--offline", "--rebuild")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --rebuild builds, and --offline builds nothing: choose one of them."])


# ---- --rebuild ------------------------------------------------------------------------------------


def test_rebuild_all_once_in_all_workers(project):
    parallel = ("-p", "xdist", "-n", "2")
    project.write(PARALLEL)
    project.run_apart(*parallel).assert_outcomes(passed=8)
    project.run_apart(*parallel, "--rebuild").assert_outcomes(passed=8)
    assert sorted(project.built) == ["below", "below", "top", "top"]
    project.run().assert_outcomes(passed=8)
    assert len(project.built) == 4


def test_rebuild_what_matches(project):
    project.write(
        """
        def test_one(runner):
            below = toy("write", text="below", label="the texts")
            runner.build(toy("strict", text="top", inputs={"below": below}, label="the coder"))
        """
    )
    project.run()
    assert project.built == ["below", "top"]
    below = toy("write", text="below")
    for glob, more in (
        ("the c*", ["top"]),
        ("the*", ["below", "top"]),
        ("toy_builders:write", ["below"]),
        ("strict", ["top"]),
        (below.digest[:6], ["below"]),
        ("nothing", []),
    ):
        (project.bench.folder / "log").write_text("")
        project.run(f"--rebuild={glob}").assert_outcomes(passed=1)
        assert project.built == more, glob


def test_a_failed_rebuild_keeps_what_was_there(project):
    project.write(
        """
        import os
        def test_one(runner):
            made = runner.build(toy("resume_or_stop", how="error"))
        """
    )
    store = project.store
    from runners.build import build

    (project.pytester.path / ".store").mkdir()
    os.makedirs(store.base / "building" / toy("resume_or_stop", how="error").digest / "files")
    work = store.base / "building" / toy("resume_or_stop", how="error").digest
    (work / "resumable").touch()
    (work / "files" / "0.txt").write_text("0")
    made = build(toy("resume_or_stop", how="error"), store)
    project.run("--rebuild").assert_outcomes(failed=1)
    assert project.store.look(made.digest, thorough=True).manifest == made.manifest
    project.run().assert_outcomes(passed=1)


def test_a_rebuild_that_differs_is_said(project):
    project.write("def test_one(runner): runner.build(toy('undecided', label='dice'))\n")
    project.run_apart()
    result = project.run_apart("--rebuild")
    result.stderr.fnmatch_lines(["*dice (*has another content than before: its builder is not deterministic*"])


def test_rebuild_does_not_swallow_a_path(project):
    project.write("def test_one(runner): pass\n")
    result = project.run("--rebuild", "test_it.py")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --rebuild took 'test_it.py' for its pattern. Write --rebuild='?' test_it.py*"])


# ---- errors ---------------------------------------------------------------------------------------

FAILING = """
    @pytest.fixture(scope="session")
    def coder(runner): return lambda k: runner.build(toy("strict", text=f"t{k}", inputs={"below": toy("fails")}))
    @pytest.mark.parametrize("k", range(20))
    def test_it(coder, k): coder(k)
"""


@pytest.mark.parametrize("options", [(), ("-p", "xdist", "-n", "2"), ("--runner=local",)])
def test_a_failing_build_is_tried_once_and_readable(project, options):
    project.write(FAILING)
    result = project.run_apart(*options)
    result.assert_outcomes(failed=20)
    assert project.built == ["fails"]
    text = result.stdout.str()
    assert text.count("raise ValueError(message)") == 1
    assert text.count("was not tried again") == 19
    assert "runners/build.py" not in text
    assert "runners/plugin.py" not in text
    assert "E       raise ValueError(message)" in text


def test_a_typing_error_in_a_recipe(project):
    project.write("def test_one(runner): runner.build(toy('strict', txet='a', text='b'))\n")
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*'txet' is not one of its keywords (did you mean 'text'[?]). It takes below, tail, text."]
    )


def test_an_interrupt_ends_the_workers(project):
    project.write("def test_one(runner): runner.build(toy('children', seconds=60))\n")
    from test_local_pool import alive, until

    pids = project.bench.folder / "pids"
    process = project.pytester.popen([sys.executable, "-m", "pytest", "--runner=local"], stdin=subprocess.DEVNULL)
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    process.send_signal(2)
    process.communicate(timeout=30)
    assert process.returncode == 2
    until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


# ---- progress -------------------------------------------------------------------------------------

STEPS = """
    def test_one(runner):
        print("captured words")
        runner.build(toy("steps", total=40, pause=0.01, label="stepper"))
    def test_two(): pass
"""


@pytest.mark.parametrize("options", [("-q",), ("-s",), ("--capture=sys", "--runner=local")])
def test_progress_is_seen_whatever_is_captured(project, options):
    project.write(STEPS)
    result = project.run_apart(*options)
    result.assert_outcomes(passed=2)
    result.stderr.fnmatch_lines(["building stepper (*)", "  stepping: 0 of 40 steps"])
    assert ("captured words" in result.stdout.str()) == ("-s" in options)


def test_progress_of_xdist_workers(project):
    project.write(STEPS)
    result = project.run_apart("-p", "xdist", "-n", "2")
    result.assert_outcomes(passed=2)
    assert re.search(r"^\[gw[01]\] building stepper \(\w{12}\)$", result.stderr.str(), re.M)
    assert re.search(r"^\[gw[01]\]   stepping: 0 of 40 steps$", result.stderr.str(), re.M)
    assert "stepp" not in result.stdout.str()


def test_quiet_twice_is_silent(project):
    project.write(STEPS)
    assert "stepp" not in project.run_apart("-qq").stderr.str()


def test_a_live_bar_in_a_terminal(project):
    project.write(STEPS)
    master, slave = pty.openpty()
    process = project.pytester.popen([sys.executable, "-m", "pytest"], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(timeout=30) == 0
    text = shown.decode()
    assert re.search(r"\rstepping: +\d+%\|.*steps/s", text)
    assert re.search(r"test_it\.py \r\nbuilding stepper", text)
    assert "captured words" not in text
    assert "2 passed" in text


# ---- cost -----------------------------------------------------------------------------------------


def test_sessions_that_build_nothing(project):
    project.write(
        """
        import sys
        def test_one():
            loaded = {m.partition(".")[0] for m in sys.modules}
            assert not loaded & {"filelock", "tqdm", "torch", "numpy"}
            assert [m for m in sys.modules if m.startswith("runners.")] == ["runners.plugin"]
        """
    )
    project.pytester.makepyfile(
        test_it=(project.pytester.path / "test_it.py").read_text().replace("from toy_builders import toy\n", "")
    )
    project.run_apart("-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert not (project.pytester.path / ".store").exists()
