"""The Ray engine, on a real cluster of two nodes on this machine, and on one that it starts itself."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from ray_beds import Told, alive, answer, drivers, end, family, job, pids_of, place, run, start, until
from ray_cluster import TwoNodes, needs_ray
from toy_builders import toy

from runners.artifact import Manifest
from runners.engines.engine import Job
from runners.engines.ray import address as ray_address
from runners.engines.ray.engine import RayEngine
from runners.errors import BuilderError, BuildFailedError, NoGPUError, RunnersError
from runners.recipe import Resources
from runners.session import Session
from runners.store import Store

pytestmark = needs_ray
ROOT, HERE = Path(__file__).resolve().parents[2], Path(__file__).resolve().parent
GPU = Resources(gpu="any")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def cluster(shared):
    made = TwoNodes(shared, TOY_LOG=str(shared / "log"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def variables(cluster, shared):
    """What a user sets for a cluster by address."""
    sources = os.pathsep.join(str(HERE / name) for name in ("toy_builders.py", "ray_builders.py"))
    return {
        "RAY_ADDRESS": cluster.address,
        "MI_ASSAY_RAY_STORE": str(shared / "store"),
        "MI_ASSAY_RAY_SOURCES": sources,
    }


@pytest.fixture(scope="module")
def engine(variables, shared):
    before, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)
    os.environ.update(variables)
    os.environ.pop("MI_ASSAY_DEVICE", None)
    made = RayEngine(Store(shared / "home"), width=4)
    made.open(())
    yield made
    made.close()
    signal.signal(signal.SIGTERM, handler)  # Ray puts in one of its own
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def driver(tmp_path):
    """Starts another process with an engine of its own."""
    with drivers(tmp_path) as begin:
        yield begin


def test_a_build_leaves_its_artifact_in_the_shared_folder(engine, tmp_path):
    recipe = toy("write")
    assert engine.storage.manifest(recipe.digest) is None
    outcome = run(engine, recipe)
    manifest = Manifest.from_text(outcome.manifest)
    assert (manifest.digest, manifest.runner, manifest.facts) == (recipe.digest, "ray", {"length": 5})
    assert engine.storage.manifest(recipe.digest) == outcome.manifest
    engine.storage.fetch(recipe.digest, "text.txt", tmp_path / "text.txt")
    assert (tmp_path / "text.txt").read_text() == "hello"
    with pytest.raises(OSError):
        engine.storage.fetch(recipe.digest, "other.txt", tmp_path / "other.txt")


def test_a_builders_error_comes_with_its_traceback(engine):
    outcome = run(engine, toy("fails", message="no luck there"))
    assert isinstance(outcome.error, BuildFailedError)
    assert "raise ValueError(message)" in str(outcome.error)
    assert "no luck there" in outcome.error.brief
    refused = run(engine, toy("refuses")).error
    assert (refused.given, refused.expected, refused.fix) == ("three rows", "ten", "Bring more.")
    assert isinstance(run(engine, toy("nobody")).error, BuilderError)


def test_words_and_bars_arrive_in_order_and_before_the_end(engine):
    told = Told()
    assert run(engine, toy("warns"), told.append).manifest
    assert "noise on stdout" in told.logs
    assert {"warn": "the store's own business"} in told
    # The code came with the build: the nodes know neither this checkout nor its tests.
    assert any("py_modules_files" in line and "toy_builders.py" in line for line in told.logs)
    told = Told()
    assert run(engine, toy("steps", total=3), told.append).manifest
    bars = [m for m in told if "bar" in m]
    assert bars[0]["open"] == ["stepping", 3, "steps"]
    assert [m["note"] for m in bars if "note" in m] == ["at 0", "at 1", "at 2"]
    assert sum(m.get("update", 0) for m in bars) == 3
    assert bars[-1]["close"]
    assert not any("started" in m for m in told)


def test_a_worker_that_dies_is_lost_and_a_resumable_build_goes_on(engine, shared, tmp_path):
    recipe = toy("resume", flag=str(tmp_path / "flag"))
    outcome = run(engine, recipe)
    assert outcome.lost.startswith("its worker process died")
    assert outcome.again
    assert run(engine, recipe).manifest
    assert [line for line in (shared / "log").read_text().splitlines() if line.startswith("shard")] == [
        "shard 0",
        "shard 1",
        "shard 2",
    ]


def test_a_worker_that_is_killed_leaves_no_child(engine, shared):
    (shared / "pids").unlink(missing_ok=True)
    handle = start(engine, toy("children", seconds=603))
    worker, child = pids_of(shared)
    os.kill(worker, signal.SIGKILL)
    assert end(handle).lost
    until(lambda: not alive(child), 10)


def test_what_no_builder_raised_is_lost_for_good(engine):
    class Torn(Job):
        def to_json(self):
            return "{}"

    torn = Torn(toy("write", text="torn"), Session(), "torn", 60.0)
    outcome = end(engine.submit(torn, lambda message: None))
    assert not outcome.again
    assert "KeyError" in outcome.lost
    assert "from_json" in outcome.lost


def test_a_build_over_its_limit_is_ended(engine, tmp_path):
    handle = start(engine, place(tmp_path, "late"), timeout=1.0)
    outcome = end(handle, 20)
    assert (outcome.lost, outcome.again) == ("it was ended after 1.0 s, its limit", False)


def test_waiting_for_a_place_is_not_in_the_limit(engine, tmp_path):
    first = [start(engine, place(tmp_path, f"first {k}", GPU)) for k in range(2)]
    until(lambda: all((tmp_path / f"first {k}").exists() for k in range(2)))
    later = start(engine, toy("slow", seconds=0.1, name="later"), timeout=1.0)  # the CPUs are taken as well
    time.sleep(1.5)
    assert later.poll() is None
    (tmp_path / "go").touch()
    assert end(later).manifest
    assert all(end(handle).manifest for handle in first)


def test_nothing_of_a_cancelled_build_goes_on(engine, tmp_path):
    handle = start(engine, place(tmp_path, "stubborn"))
    pids = until(lambda: (tmp_path / "stubborn").exists() and (tmp_path / "stubborn").read_text().split())
    assert [alive(pid) for pid in pids] == [True, True]
    handle.cancel()
    assert [alive(pid) for pid in pids] == [False, False]
    assert run(engine, toy("write", text="after")).manifest


def test_a_build_that_has_not_begun_can_be_cancelled(engine, tmp_path):
    first = [start(engine, place(tmp_path, f"busy {k}")) for k in range(2)]
    until(lambda: all((tmp_path / f"busy {k}").exists() for k in range(2)))
    engine_is_full = engine.submit(job(place(tmp_path, "third")), lambda message: None)
    assert engine_is_full is None
    second = start(engine, place(tmp_path, "gpu", GPU))  # a place of another kind, on a CPU that is taken
    second.cancel()
    (tmp_path / "go").touch()
    assert all(end(handle).manifest for handle in first)
    assert not (tmp_path / "gpu").exists()


def test_each_gpu_build_has_one_gpu_and_a_third_one_waits(engine, tmp_path):
    names = ("p", "q")
    handles = [start(engine, place(tmp_path, name, GPU)) for name in names]
    until(lambda: all((tmp_path / name).exists() for name in names))  # at once
    assert engine.submit(job(place(tmp_path, "r", GPU)), lambda message: None) is None
    (tmp_path / "go").touch()
    facts = [Manifest.from_text(end(handle).manifest).facts for handle in handles]
    assert len({f["node"] for f in facts}) == 2
    assert [f["gpus"] for f in facts] == ["0", "0"]
    third = run(engine, place(tmp_path, "r", GPU))
    assert Manifest.from_text(third.manifest).facts["gpus"] == "0"
    assert Manifest.from_text(run(engine, place(tmp_path, "s")).manifest).facts["gpus"] == ""
    on_cpu = run(engine, place(tmp_path, "t", GPU), device="cpu")
    assert Manifest.from_text(on_cpu.manifest).facts["gpus"] == ""


def test_an_artifact_of_one_node_is_an_input_on_the_other(engine, tmp_path):
    below = place(tmp_path, "below", wait=False)
    made_on = Manifest.from_text(run(engine, below).manifest).facts["node"]
    handles = [start(engine, place(tmp_path, name, below=below)) for name in ("x", "y")]
    until(lambda: all((tmp_path / name).exists() for name in ("x", "y")))
    (tmp_path / "go").touch()
    facts = [Manifest.from_text(end(handle).manifest).facts for handle in handles]
    assert {f["below"] for f in facts} == {"below"}
    assert made_on in {f["node"] for f in facts}
    assert len({f["node"] for f in facts}) == 2


# ---- drivers in processes of their own ---------------------------------------------------------------


def test_a_cluster_of_our_own_is_left_with_ctrl_c(driver, tmp_path):
    process = driver(
        """
        import json
        from runners.errors import NoGPUError
        from runners.recipe import Recipe, Resources
        wanted = Recipe("toy_builders:write", 1, {"text": "gpu"}, {}, Resources(gpu="any"))
        try:
            start(wanted)
        except NoGPUError as exc:
            said = f"{exc} {exc.fix}"
        handle = start(toy("children", seconds=600))
        try:
            while True:
                handle.poll()
                time.sleep(0.05)
        except KeyboardInterrupt:
            engine.close()
            engine.close()
            print(json.dumps({"said": said, "where": str(engine.storage.root)}))
        """
    )
    everybody = {*pids_of(tmp_path), *family(process.pid)}
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, if it finds us in the group that it knows
    found = answer(process)
    assert found["where"] == str(tmp_path / "store" / "ray")
    assert "0 GPUs" in found["said"]
    assert "MI_ASSAY_DEVICE=cpu" in found["said"]
    assert len(everybody) > 6
    until(lambda: not any(alive(pid) for pid in everybody), 10)


def test_a_driver_that_is_killed_takes_its_own_cluster_along(driver, tmp_path):
    process = driver("start(toy('children', seconds=600))\ntime.sleep(600)")
    everybody = {*pids_of(tmp_path), *family(process.pid)}
    # Two helpers of Ray that hold nothing look for their server for another minute.
    helpers = {pid for pid in everybody if b"Agent" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    assert len(helpers) == 2
    process.kill()
    until(lambda: not any(alive(pid) for pid in everybody - helpers), 30)


def test_a_driver_that_is_killed_leaves_no_build_on_the_cluster(driver, variables, shared):
    (shared / "pids").unlink(missing_ok=True)
    process = driver("start(toy('children', seconds=601))\ntime.sleep(600)", **variables)
    pids = pids_of(shared)
    process.kill()
    until(lambda: not any(alive(pid) for pid in pids), 30)


def unshare():
    done = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False) if os.name == "posix" else None
    return done is not None and done.returncode == 0


def test_a_driver_without_the_folder_has_its_files_brought(driver, variables, tmp_path, monkeypatch):
    if not unshare():
        pytest.skip("no folder can be hidden from a process here (unshare -rm)")
    folder = tmp_path / "theirs"
    folder.mkdir()
    hide = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs none "{folder}" && exec "$@"', "sh"]
    process = driver(
        """
        import json
        from runners.engines.ray import storage as ray_storage
        ray_storage.PART = 1000
        recipe = toy("write")
        before = engine.storage.manifest(recipe.digest)
        text = run(recipe).manifest
        to = Path(sys.argv[1] + ".bin")
        engine.storage.fetch(recipe.digest, "shards/0.bin", to)
        try:
            engine.storage.fetch(recipe.digest, "none", to.with_name("none"))
        except OSError as exc:
            missing = str(exc)
        same = engine.storage.manifest(recipe.digest) == text
        seen = os.listdir(engine.storage.root)
        print(json.dumps([before, same, to.read_bytes() == bytes(range(256)) * 40, missing, seen]))
        engine.close()
        """,
        inside=hide,
        **{**variables, "MI_ASSAY_RAY_STORE": str(folder)},
    )
    before, same, whole, missing, seen = answer(process)
    assert (before, same, whole, seen) == (None, True, True, [])
    assert "none" in missing
    assert (folder / "v1").exists()
    assert not list(folder.glob(".seen*"))


def test_a_lost_node_loses_its_build_and_no_other(engine, cluster, tmp_path):
    handles = [start(engine, place(tmp_path, name)) for name in ("a", "b")]
    until(lambda: all((tmp_path / name).exists() for name in ("a", "b")))
    cluster.remove()
    lost = until(lambda: [h for h in handles if (o := h.poll()) and o.lost and o.again])
    assert len(lost) == 1
    gone = (tmp_path / "ab"[handles.index(lost[0])]).read_text().split()
    until(lambda: not any(alive(pid) for pid in gone), 10)
    (tmp_path / "go").touch()
    [other] = set(handles) - set(lost)
    assert end(other).manifest


# ---- what is refused ---------------------------------------------------------------------------------


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(ray_address.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunnersError, match=r"pip install \"mi-assay\[ray\]\""):
        ray_address.require_usable()


def test_an_address_needs_a_shared_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.delenv("MI_ASSAY_RAY_STORE", raising=False)
    with pytest.raises(RunnersError, match="MI_ASSAY_RAY_STORE=/shared"):
        RayEngine(Store(tmp_path))


@pytest.mark.parametrize("answers", [False, True])
def test_a_cluster_that_is_not_there_is_one_line_and_soon(monkeypatch, answers):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if answers:
            taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        monkeypatch.setattr(ray_address, "PATIENCE", 3.0)
        began = time.monotonic()
        with pytest.raises(RunnersError, match=address) as caught:
            ray_address.require_usable()
    assert time.monotonic() - began < 6
    assert "\n" not in str(caught.value)


def test_rays_client_is_refused_in_words(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://10.0.0.1:10001")
    with pytest.raises(RunnersError, match="HOST:PORT"):
        ray_address.require_usable()


def test_sources_that_are_none_are_named(monkeypatch, variables, tmp_path):
    from runners.engines.ray.code import surroundings_of_tasks

    monkeypatch.setenv("MI_ASSAY_RAY_SOURCES", str(tmp_path / "nothing.py"))
    with pytest.raises(RunnersError, match=r"nothing\.py"):
        surroundings_of_tasks(ours=False)


def test_the_price_says_where(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.delenv("MI_ASSAY_DEVICE", raising=False)
    engine = RayEngine(Store(tmp_path))
    assert [engine.price(r).where for r in (GPU, Resources())] == ["ray, 1 GPU", "ray, 1 CPU"]
    assert engine.price(GPU).usd_per_second == 0
    monkeypatch.setenv("MI_ASSAY_DEVICE", "cpu")
    assert engine.price(GPU).where == "ray, 1 CPU"
    assert issubclass(NoGPUError, RunnersError)
