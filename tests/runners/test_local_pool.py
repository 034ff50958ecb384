"""The local runner: processes that work side by side, die alone, and leave with their parent."""

import os
import signal
import time
from pathlib import Path

import pytest
from toy_builders import toy

from runners.conductor import Conductor
from runners.engines import pool
from runners.engines.local import LocalEngine
from runners.engines.pool import Slot
from runners.errors import (
    BuilderError,
    BuildFailedError,
    InfrastructureError,
    NoGPUError,
    StoreFullError,
    StoreWarning,
)
from runners.recipe import Recipe, Resources

CPU = Slot(None, 1)


class Said:
    def __init__(self):
        self.lines = []

    def __call__(self, label, total, unit):
        from runners.progress import SILENT

        self.lines.append((label, total, unit))
        return SILENT(label, total, unit)

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def local(bench):
    said = Said()
    runner = Conductor(LocalEngine(bench.store, places=[CPU, CPU]), bench.store, said)
    runner.said = said.lines
    yield runner
    runner.close()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_a_graph_is_built_once_and_side_by_side(local, bench):
    meet = {"folder": str(bench.folder)}
    p, q = toy("meet", name="p", other="q", **meet), toy("meet", name="q", other="p", **meet)
    tops = [toy("only_facts", value=1), p, q, p]
    made = local.build_all(tops)
    assert [m.digest for m in made] == [r.digest for r in tops]
    assert made[1].facts == {"met": True}
    assert made[1].manifest.runner == "local"
    below = toy("write", text="a")
    top = toy("write", text="c", inputs={"x": below, "y": toy("write", text="b", inputs={"x": below})})
    assert (local.build(top).path / "text.txt").read_text() == "caba"
    assert bench.built == ["a", "b", "c"]


def test_workers_stay_and_have_their_share_of_threads(local):
    made = local.build_all([toy("environment", name="OMP_NUM_THREADS", version=v) for v in range(1, 7)])
    assert {m.facts["value"] for m in made} == {"1"}
    assert os.getpid() not in {m.facts["pid"] for m in made}
    assert len({m.facts["pid"] for m in made}) <= 2


def test_what_is_there_starts_no_process(local, bench):
    bench.build(toy("write"))
    local.build(toy("write"))
    assert not local.engine._idle


def test_a_builder_that_raises_shows_its_own_traceback(local, bench):
    with pytest.raises(BuildFailedError) as caught:
        local.build(toy("write", inputs={"x": toy("fails", message="remote trouble")}))
    assert "ValueError: remote trouble" in str(caught.value)
    assert "raise ValueError(message)" in str(caught.value)
    assert "toy_builders.py" in str(caught.value)
    with pytest.raises(BuildFailedError, match="not tried again"):
        local.build(toy("fails", message="remote trouble"))
    assert bench.built == ["fails"]
    assert local.build(toy("write", text="after"))


def test_errors_keep_their_kind(local):
    with pytest.raises(BuilderError, match="txet"):
        local.build(toy("strict", txet="a"))
    with pytest.raises(StoreFullError):
        local.build(toy("disk_full"))
    with pytest.raises(BuildFailedError) as caught:
        local.build(toy("refuses"))
    assert (caught.value.refused, caught.value.fix) == (True, "Bring more.")


def test_after_a_failure_what_runs_is_finished(local, bench):
    with pytest.raises(BuildFailedError):
        local.build_all([toy("slow", seconds=2.5), toy("fails"), toy("write", text="never")])
    assert bench.store.find(toy("slow", seconds=2.5))
    assert "never" not in bench.built
    assert any("finishing what is running" in str(line) for line in local.said)


def test_a_dead_worker_is_replaced_once(local, bench):
    made = local.build(toy("die", flag=str(bench.folder / "flag"), label="fragile"))
    assert (made.path / "text.txt").read_text() == "alive"
    assert made.manifest.files.keys() == {"text.txt"}
    assert any("fragile" in str(line) and "SIGKILL" in str(line) for line in local.said)


def test_a_worker_that_dies_twice_is_not_tried_again(local, bench):
    with pytest.raises(InfrastructureError) as caught:
        local.build(toy("die", label="fragile"))
    assert "fragile (" in str(caught.value)
    assert "toy_builders:die, 2 times: its worker process was killed by SIGKILL" in str(caught.value)
    assert "last words" in str(caught.value)
    with pytest.raises(InfrastructureError, match="2 times"):
        local.build(toy("die", label="fragile"))
    assert bench.built == ["die", "die"]
    assert local.build(toy("write"))


def test_a_worker_that_dies_of_boredom_is_replaced(local, bench):
    local.build(toy("write", text="a"))
    (worker,) = local.engine._idle
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: not alive(worker.pid))
    assert local.build(toy("write", text="b"))
    assert bench.built == ["a", "b"]


def test_a_killed_resumable_build_goes_on_in_the_next_worker(local, bench):
    local.build(toy("resume", flag=str(bench.folder / "flag")))
    assert bench.built == ["shard 0", "shard 1", "shard 2"]


def test_progress_and_prints_of_workers(local):
    local.build(toy("steps", total=3))
    assert ("stepping", 3, "steps") in local.said
    assert any(str(line).startswith("building steps") for line in local.said)


def test_damage_is_found_and_warnings_of_workers_about_it_arrive(local, bench):
    below = bench.build(toy("write", text="a"))
    (below.path / "text.txt").write_text("x")
    with pytest.warns(StoreWarning, match=r"text\.txt has been altered"):
        made = local.build(toy("write", text="b", inputs={"x": toy("write", text="a")}))
    assert (made.path / "text.txt").read_text() == "ba"
    with pytest.warns(StoreWarning, match="the store's own business") as caught:
        assert local.build(toy("warns")).facts == {"done": True}
    assert len(caught) == 1


PARENT = """
    from runners.conductor import Conductor
    from runners.engines.local import LocalEngine
    from runners.engines.pool import Slot
    runner = Conductor(LocalEngine(store, places=[Slot(None, 1)]), store)
    try:
        runner.build(toy("children", seconds=60))
    except KeyboardInterrupt:
        print("interrupted")
        raise SystemExit(2)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_orphans(bench, how):
    """However the parent ends: its workers, and what their builders have started, end too."""
    process = bench.python(PARENT)
    pids = bench.folder / "pids"
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    worker, child = map(int, pids.read_text().split())
    assert alive(worker)
    assert alive(child)
    process.send_signal(how)
    out, _ = process.communicate(timeout=30)
    until(lambda: not alive(worker) and not alive(child))
    if how == signal.SIGINT:
        assert out == "interrupted\n"
        assert process.returncode == 2


def test_close_ends_the_workers(local):
    pid = local.build(toy("environment", name="X")).facts["pid"]
    assert alive(pid)
    local.close()
    assert not alive(pid)
    local.close()


# ---- places ---------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """``machine(cores, gpus)``: a machine with an ``nvidia-smi`` of our own."""

    def make(cores, gpus=0):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
        smi = tmp_path / "nvidia-smi"
        lines = "".join(f"echo 'GPU {k}: Some Card (UUID: GPU-{k})'\n" for k in range(gpus))
        smi.write_text(f"#!/bin/sh\n{lines}exit {0 if gpus else 9}\n")
        smi.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    for name in ("CUDA_VISIBLE_DEVICES", "PYTEST_XDIST_WORKER_COUNT", "MI_ASSAY_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    return make


def test_one_place_per_core(machine, monkeypatch):
    machine(8)
    assert pool.slots() == [Slot(None, 1)] * 8
    monkeypatch.setenv("MI_ASSAY_WORKERS", "2")
    assert pool.slots() == [Slot(None, 4)] * 2
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    assert pool.slots() == [Slot(None, 1)] * 2
    monkeypatch.delenv("MI_ASSAY_WORKERS")
    assert pool.slots() == [Slot(None, 1)] * 2
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "99")
    assert pool.slots() == [Slot(None, 1)]


def test_one_place_per_gpu(machine, monkeypatch):
    machine(4, gpus=2)
    assert pool.slots() == [Slot("0", 1), Slot("1", 1), *[Slot("", 1)] * 4]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1, GPU-7f")
    assert [s.gpu for s in pool.slots()[:3]] == ["1", "GPU-7f", None]
    for none in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert pool.gpus() == []


def test_recipes_go_where_they_asked_to(bench):
    runner = Conductor(LocalEngine(bench.store, places=[Slot("3", 1), Slot("", 2)]), bench.store)
    name = {"name": "CUDA_VISIBLE_DEVICES"}
    on_gpu = Recipe("toy_builders:environment", 1, name, resources=Resources(gpu="any"))
    on_cpu = Recipe("toy_builders:environment", 2, name)
    try:
        made = runner.build_all([on_gpu, on_cpu])
        assert [m.facts["value"] for m in made] == ["3", ""]
    finally:
        runner.close()


def test_without_a_gpu_the_user_decides(bench, monkeypatch):
    monkeypatch.delenv("MI_ASSAY_DEVICE", raising=False)
    runner = Conductor(LocalEngine(bench.store, places=[CPU]), bench.store)
    needs = Recipe("toy_builders:only_facts", 1, {"value": 1}, resources=Resources(gpu="h100"))
    try:
        with pytest.raises(NoGPUError, match="needs a GPU, and there is none here"):
            runner.build(needs)
        runner.close()
        monkeypatch.setenv("MI_ASSAY_DEVICE", "cpu")
        assert runner.build(needs).facts == {"value": 1}
    finally:
        runner.close()
