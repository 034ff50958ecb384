"""Several processes at one store: each artifact is built once, and a killed process leaves nothing that anybody uses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy_builders import toy

from runners.progress import SILENT


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def test_four_processes_build_once(bench):
    code = """
        below = toy("slow", seconds=0.3, name="below")
        print((build(toy("write", text="top", inputs={"x": below}), store).path / "text.txt").read_text())
    """
    found = [finish(p) for p in [bench.python(code) for _ in range(4)]]
    assert found == ["topbelow\n"] * 4
    assert sorted(bench.built) == ["below", "top"]


def test_processes_that_want_different_things_do_not_wait_for_each_other(bench):
    code = 'build(toy("meet", folder={!r}, name={!r}, other={!r}), store)'
    pair = [bench.python(code.format(str(bench.folder), *names)) for names in (("p", "q"), ("q", "p"))]
    for process in pair:
        finish(process)


def test_killed_in_a_build(bench):
    recipe = toy("die", flag=str(bench.folder / "flag"))
    process = bench.python(f"build(toy('die', flag={recipe.params['flag']!r}), store)")
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert [p.name for p in bench.leftovers()] == [recipe.digest]
    assert bench.again().find(recipe) is None
    assert bench.build(recipe).manifest.files.keys() == {"text.txt"}
    assert bench.leftovers() == []


def test_what_killed_builds_leave_is_swept_by_any_other(bench):
    bench.python("build(toy('die'), store)").communicate(timeout=120)
    assert len(bench.leftovers()) == 1
    bench.build(toy("write"))
    assert bench.leftovers() == []


KILLED = """
    import os, signal
    os.fsync = lambda descriptor: None  # what a kill leaves does not depend on it, and a busy disk makes it slow
    from runners.session import Session
    from runners.verification import Damage

    old, new = toy("undecided"), toy("write", text="a", inputs={"x": toy("write", text="b")})

    def child(root, work, k):
        left = [k]
        def hook(event, args):
            if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime") and str(root) in str(args):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        work(root)
        os._exit(0)

    def killed_everywhere(work, ready, recipes):
        k = 0
        while True:
            k += 1
            root = store.root.with_name(f"{work.__name__}{k}")
            ready(root)
            pid = os.fork()
            if pid == 0:
                child(root, work, k)
            done = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            assert done in (0, -signal.SIGKILL), done
            after = Store(root)
            for recipe in recipes:
                after.look(recipe.digest)  # whole or not there: anything else is Damage
                assert build(recipe, Store(root))
                assert Store(root).look(recipe.digest)
            left = [p for name in ("building", "leaving") for p in (after.base / name).glob("*")]
            Store(root).sweep()
            assert not [p for name in ("building", "leaving") for p in (after.base / name).glob("*")]
            if done == 0:
                return k

    def builds(root):
        build(new, Store(root))

    def rebuilds(root):
        build(old, Store(root, session=Session(rebuild="*")))

    def evicts(root):
        assert Store(root).evict(old.digest)

    def built(root):
        pid = os.fork()
        if pid == 0:
            build(old, Store(root))
            os._exit(0)
        os.waitpid(pid, 0)

    for work, ready, recipes in ((builds, lambda r: None, [new]), (rebuilds, built, [old]), (evicts, built, [old])):
        print(work.__name__, killed_everywhere(work, ready, recipes))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a fork")
def test_killed_at_any_touch_of_the_disk(bench):
    """One process for each file operation of a build, a rebuild and an eviction, killed right before it."""
    out = finish(bench.python(KILLED))
    points = {line.split()[0]: int(line.split()[1]) for line in out.splitlines()}
    assert points["builds"] > 30
    assert points["rebuilds"] > 15
    assert points["evicts"] > 5


def test_the_sweep_spares_what_is_being_built(bench):
    process = bench.python('build(toy("slow", seconds=1.5), store)')
    until(lambda: bench.leftovers() and bench.built)
    bench.build(toy("write"))
    assert len(bench.leftovers()) == 1
    finish(process)
    assert bench.again().find(toy("slow", seconds=1.5))


def test_killed_and_resumed(bench):
    flag = str(bench.folder / "flag")
    process = bench.python(f'build(toy("resume", flag={flag!r}), store)')
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    bench.build(toy("write", text="between"))  # whose sweep leaves it alone
    made = bench.build(toy("resume", flag=flag))
    assert bench.built == ["shard 0", "between", "shard 1", "shard 2"]
    assert made.manifest.files.keys() == {"0.txt", "1.txt", "2.txt"}
    assert bench.leftovers() == []


def test_an_interrupted_build_of_another_recipe_is_not_resumed(bench):
    flags = [str(bench.folder / name) for name in "ab"]
    bench.python(f'build(toy("resume", flag={flags[0]!r}), store)').communicate(timeout=120)
    Path(flags[1]).touch()
    bench.build(toy("resume", flag=flags[1]))
    assert bench.built == ["shard 0", "shard 0", "shard 1", "shard 2"]


def test_old_interrupted_builds_are_swept(bench):
    flag = str(bench.folder / "flag")
    bench.python(f'build(toy("resume", flag={flag!r}), store)').communicate(timeout=120)
    for path in bench.store.base.rglob("*"):
        os.utime(path, (1, 1))
    bench.build(toy("write"))
    assert bench.leftovers() == []


def test_the_loser_of_a_race_accepts_the_winner(bench, monkeypatch):
    """Where locks do not hold (some network folders), two finish the same; the second one finds the first one's."""
    recipe = toy("write", text="a")
    slow = bench.again()
    real = os.replace

    def late(source, target):
        if Path(target) == slow.home(recipe.digest) and not Path(target).exists():
            Path(target).mkdir(parents=True)
            for path in (Path(source) / "files", Path(source) / "manifest.json"):
                subprocess.run(["cp", "-r", str(path), str(target)], check=True)
        real(source, target)

    monkeypatch.setattr(os, "replace", late)
    from runners.build import build

    assert build(recipe, slow, SILENT).facts == {"length": 1}
    assert bench.leftovers() == []


def test_waiting_is_said(bench, monkeypatch):
    import runners.store
    from runners.build import build

    said = []

    class Said:
        def say(self, text):
            said.append(text)

    monkeypatch.setattr(runners.store, "PATIENCE", 0.2)
    process = bench.python('build(toy("slow", seconds=1.5), store)')
    until(lambda: bench.built)
    build(toy("slow", seconds=1.5), bench.again(), Said())
    finish(process)
    assert any("waiting for slow" in text and "another process" in text for text in said)
    assert bench.built == ["slow"]


def test_what_lies_in_the_workspace_is_not_built_into_an_artifact(bench):
    bench.build(toy("write", text="a"))  # this store has swept
    recipe = toy("write", text="b")
    stray = bench.store.base / "building" / recipe.digest / "files"
    stray.mkdir(parents=True)
    (stray / "stray.txt").touch()
    from runners.build import build

    store = bench.again()
    store._swept = True
    assert build(recipe, store).manifest.files.keys() == {"text.txt", "shards/0.bin"}


@pytest.mark.skipif(sys.platform == "win32", reason="a fork")
def test_a_fork_keeps_its_own_lease(bench):
    code = """
        import os
        first, second = toy("write", text="a"), toy("write", text="b")
        build(first, store)
        pid = os.fork()
        if pid == 0:
            build(second, store)
            os._exit(0)
        os.waitpid(pid, 0)
        print(sorted(store.leases.in_use()) == [first.digest])
        other = Store(store.root)
        print(sorted(other.leases.in_use()) == [first.digest])
        print(store.evict(first.digest), store.evict(second.digest))
    """
    assert finish(bench.python(code)).split() == ["True", "True", "False", "True"]


def test_builds_that_need_a_gpu_take_turns_and_others_do_not_wait(bench, monkeypatch):
    """A model and the server that scores its latents are never on one GPU together, whichever processes build."""
    from threading import Event, Thread

    from runners.gpu import turn
    from runners.recipe import Recipe, Resources
    from runners.store import Store

    needs = Recipe("toy_builders:only_facts", 1, {"value": 1}, resources=Resources(gpu="any"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,0")
    monkeypatch.delenv("MI_ASSAY_DEVICE", raising=False)
    inside, leave, order = Event(), Event(), []

    def first():
        with turn(needs, Store(bench.store.root)):
            inside.set()
            leave.wait(10)
            order.append("first")

    def second():
        with turn(needs, Store(bench.store.root)):
            order.append("second")

    threads = [Thread(target=first)]
    threads[0].start()
    assert inside.wait(10)
    with turn(Recipe("toy_builders:only_facts", 1, {"value": 2}), Store(bench.store.root)):
        order.append("cpu")
    threads.append(Thread(target=second))
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join(10)
    assert order == ["cpu", "first", "second"]
