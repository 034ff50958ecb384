"""The engine modal against a loopback of Modal's wire protocol: what Modal does is the loopback's model of it."""

import contextlib
import hashlib
import importlib.util
import json
import sys
import time
from pathlib import Path

import pytest
from modal_loopback import OPTIONAL, ROOT, TOKEN, until
from modal_toys import toy

from runners.engines.engine import Job
from runners.engines.modal.engine import CORES, ModalEngine
from runners.errors import BuilderError, BuildFailedError, RunnersError
from runners.money.prices import LISTED
from runners.progress import SILENT
from runners.recipe import Resources
from runners.session import Session

HERE = Path(__file__).resolve().parent
installed = pytest.mark.skipif(importlib.util.find_spec("modal") is None, reason="modal is not installed")


class Bed:
    """An engine, and what came of the jobs that it was given."""

    def __init__(self, server, width=2):
        self.server, self.session = server, Session()
        self.engine = ModalEngine(None, SILENT, width)
        self.messages = {}

    def start(self, recipe, timeout=60.0, key=None, kind=Job):
        self.engine.open([recipe])
        key = key or f"key-{len(self.messages)}-{self.session.id[:8]}"
        self.messages[key] = []
        return self.engine.submit(kind(recipe, self.session, key, timeout), self.messages[key].append)

    def end(self, handle):
        return until(handle.poll)

    def run(self, recipe, **options):
        return self.end(self.start(recipe, **options))

    def facts(self, recipe, **options):
        outcome = self.run(recipe, **options)
        assert outcome.manifest, outcome
        return json.loads(outcome.manifest)["facts"]

    def said(self, kind):
        return [m[kind] for messages in self.messages.values() for m in messages if kind in m]


@pytest.fixture
def bed(loopback):
    made = Bed(loopback)
    yield made
    made.engine.close()


def test_a_build_there_and_its_artifact_read_from_here(bed, tmp_path):
    below = toy("write", text="below")
    recipe = toy("write", text="above ", inputs={"below": below})
    first = bed.run(below)
    second = bed.run(recipe)
    containers = len(bed.server.events("task_start"))
    storage = bed.engine.storage
    assert storage.manifest(below.digest) == first.manifest
    assert storage.manifest(recipe.digest) == second.manifest
    storage.fetch(recipe.digest, "text.txt", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "above below"
    assert json.loads(second.manifest)["runner"] == "modal"
    assert storage.manifest("0" * 64) is None
    with pytest.raises(OSError):
        storage.fetch(recipe.digest, "other.txt", tmp_path / "other")
    assert len(bed.server.events("task_start")) == containers


def test_what_was_built_is_committed_before_it_is_announced(bed):
    """Modal's own commit at the end of a container comes after the answer."""
    before = bed.server.stats()["calls"].get("VolumeCommit", 0)
    bed.run(toy("write", text="commit"))
    until(lambda: not bed.server.containers())
    assert bed.server.stats()["calls"]["VolumeCommit"] - before == 2


def test_one_build_in_one_container(bed):
    pids = [bed.facts(toy("process", tag=tag))["pid"] for tag in "ab"]
    assert pids[0] != pids[1]


def test_messages_of_the_builder_arrive_before_its_result(bed):
    assert bed.facts(toy("talks", tag="told")) == {"done": True}
    assert bed.said("log") == ["printed", "written by a library"]
    assert bed.said("warn") == ["the store's own business"]
    assert "said" in bed.said("say")


def test_the_image_is_made_of_the_pins(bed):
    bed.run(toy("write", text="image"))
    commands = "\n".join(line for event in bed.server.events("image") for line in event["commands"])
    pins = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and line[0] != "#"]
    assert len(pins) > 100
    plain = commands.replace("'", "").replace('"', "")
    missing = [p for p in pins if p.replace('"', "") not in plain]
    assert {p.partition("==")[0] for p in missing} <= {"modal", "ray"}
    assert "ray==" not in plain
    assert "--no-deps" in commands
    assert f"python:{sys.version_info.major}.{sys.version_info.minor}" in commands


def test_a_container_sees_the_image_and_nothing_of_the_checkout(bed):
    hidden = [
        ROOT / "runners" / "engines" / "engine.py",
        ROOT / "mi" / "sample.py",
        HERE / "modal_toys.py",
        ROOT / "tests" / "test_wheel.py",
    ]
    assert all(p.exists() for p in hidden)
    names = ["HF_HUB_OFFLINE", "HF_HOME", "MI_ASSAY_DEVICE"]
    facts = bed.facts(toy("looks", paths=[*map(str, hidden), "/root/modal_toys.py"], names=names))
    assert facts["there"] == ["/root/modal_toys.py"]
    assert facts["home"] == "/root/runners"
    assert facts["variables"] == {"HF_HUB_OFFLINE": "0", "HF_HOME": "/store/huggingface", "MI_ASSAY_DEVICE": None}


def test_data_files_come_along(bed):
    facts = bed.facts(toy("weights"))
    folder = ROOT / "mi" / "organism"
    here = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    expected = {
        name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in here.items() if "__pycache__" not in name
    }
    assert any(name.endswith(".safetensors") for name in expected)
    assert {name: value for name, value in facts.items() if "__pycache__" not in name} == expected


def test_a_builders_error_comes_back_as_one(bed):
    outcome = bed.run(toy("fails", message="no luck"))
    assert isinstance(outcome.error, BuildFailedError)
    assert "raised ValueError: no luck" in outcome.error.brief
    assert "modal_toys.py" in str(outcome.error)
    refused = bed.run(toy("refuses")).error
    assert (refused.refused, refused.given, refused.fix) == (True, "three rows", "Bring more.")
    assert isinstance(bed.run(toy("no_such_builder")).error, BuilderError)


def test_a_build_that_takes_too_long(bed):
    outcome = bed.run(toy("sleep", seconds=60), timeout=2.0)
    assert outcome.lost.startswith("it ran into its time limit of 2 s;")
    assert not outcome.again


def test_a_container_that_is_taken_away_and_the_next_one(bed):
    handle = bed.start(toy("shards", n=8, pause=0.5, tag="kept "))
    key = handle.key
    until(lambda: sum(m.get("update", 0) for m in bed.messages[key]) >= 3)
    bed.server.control(do="preempt", fn="build", grace=3)
    outcome = bed.end(handle)
    assert outcome.manifest, outcome
    manifest = json.loads(outcome.manifest)
    assert 3 <= manifest["facts"]["found"] < 8
    assert len(manifest["files"]) == 8
    opened = [m["bar"] for m in bed.messages[key] if "open" in m]
    closed = [m["bar"] for m in bed.messages[key] if m.get("close")]
    assert len(opened) == 2
    assert opened == closed


def test_a_container_that_dies_again_and_again(bed):
    outcome = bed.run(toy("dies"))
    assert outcome.lost.startswith("its container was lost; Modal says: ")
    assert outcome.again
    assert "last words of a library" in bed.said("log")


def test_a_bug_in_the_worker_is_told_with_its_traceback(bed):
    class Broken(Job):
        def to_json(self):
            return json.dumps({"key": self.key, "recipe": {}})

    outcome = bed.run(toy("write", text="bug"), kind=Broken)
    assert outcome.lost.startswith("a bug in the worker")
    assert "Traceback" in outcome.lost
    assert not outcome.again


def test_as_many_at_a_time_as_was_said(bed):
    long = [toy("sleep", seconds=60, tag=tag) for tag in "abc"]
    handles = [bed.start(r) for r in long]
    assert handles[2] is None
    assert handles[0].poll() is None
    handles[0].cancel()
    assert bed.start(long[2]) is not None


def test_cancelled_means_gone(bed):
    handle = bed.start(toy("sleep", seconds=120))
    until(lambda: bed.said("update") or bed.said("bar"))
    start = time.monotonic()
    handle.cancel()
    assert bed.server.containers() == []
    assert time.monotonic() - start < 10
    assert handle.poll().manifest is None


def test_closed_means_gone(bed):
    bed.start(toy("sleep", seconds=120, tag="close"))
    until(lambda: bed.said("bar"))
    bed.engine.close()
    until(lambda: not bed.server.containers(), seconds=10)
    bed.engine.close()


def test_faults_of_the_connection_pass(bed):
    handle = bed.start(toy("sleep", seconds=1, tag="fault"))
    bed.server.control(do="fault", rpc="FunctionGetOutputs", times=8, status="UNAVAILABLE")
    assert bed.end(handle).manifest


def test_a_job_that_cannot_be_handed_over(bed):
    bed.engine.open([toy("process", tag="c")])
    bed.server.control(do="fault", rpc="FunctionMap", times=4, status="UNAVAILABLE")
    outcome = bed.run(toy("process", tag="c"))
    assert outcome.lost.startswith("it could not be handed to Modal; ")
    assert outcome.again


def test_a_volume_that_fails(bed):
    bed.engine.open([toy("process", tag="d")])
    bed.server.control(do="fault", rpc="VolumeCommit", times=1, status="FAILED_PRECONDITION")
    outcome = bed.run(toy("process", tag="d"))
    assert outcome.lost.startswith("the volume of the store failed: ")
    assert outcome.again


def test_nothing_but_faults_is_a_loss(bed, monkeypatch):
    handle = bed.start(toy("sleep", seconds=30, tag="silence"))
    monkeypatch.setattr("runners.engines.modal.call.SILENCE", 0.0)
    faults = len(bed.server.events("fault"))
    bed.server.control(do="fault", rpc="FunctionGetOutputs", times=4, status="UNAVAILABLE")
    outcome = bed.end(handle)
    assert outcome.lost.startswith("Modal could not be asked for ")
    assert outcome.again
    assert len(bed.server.events("fault")) == faults + 4  # none is left for the next test


def test_nothing_is_pickled(bed, monkeypatch):
    def no(*args):
        raise AssertionError("pickled")

    monkeypatch.setattr("modal._serialization.serialize", no)
    monkeypatch.setattr("modal._serialization.deserialize", no)
    assert bed.facts(toy("write", text="plain"))


def test_the_hub_token_is_a_secret_and_nothing_else(bed):
    outcome = bed.run(toy("token"))
    assert json.loads(outcome.manifest)["facts"] == {"token": hashlib.sha256(TOKEN.encode()).hexdigest()}
    kept = {}
    for path in bed.server.folder.rglob("*"):
        with contextlib.suppress(OSError):  # folders, and mounts of containers that end meanwhile
            kept[path] = path.read_bytes()
    assert len(kept) > 100
    assert [path for path, data in kept.items() if TOKEN.encode() in data] == []
    assert TOKEN not in outcome.manifest + json.dumps(bed.messages) + json.dumps(bed.server.stats())


def test_nothing_is_started_for_nothing(bed):
    before = len(bed.server.events("app_create"))
    bed.engine.open([])
    assert len(bed.server.events("app_create")) == before


def test_what_is_asked_of_modal(bed):
    recipe = toy("write", resources=Resources(gpu="H100", memory_gb=40), text="h100")
    bed.run(recipe, timeout=90.5)
    bound = bed.server.events("bind")[-1]
    assert (bound["gpu"], bound["timeout"]) == ("H100!", 91)
    made = bed.server.events("function")[-1]
    assert made["retries"] == 0


def test_the_loopback_knew_everything_that_was_asked_of_it(bed):
    bed.run(toy("write", text="all"))
    assert set(bed.server.stats()["unimplemented"]) <= OPTIONAL


def test_a_stream_that_ends_is_a_fault_of_the_connection(bed, monkeypatch):
    from grpclib.exceptions import StreamTerminatedError

    class Call:
        def get(self, timeout):
            raise StreamTerminatedError("gone")

    handle = bed.start(toy("sleep", seconds=30, tag="stream"))
    monkeypatch.setattr(handle, "_call", Call())
    assert handle.poll() is None


# ---- without any server ---------------------------------------------------------------------------------


@installed
@pytest.mark.parametrize(("said", "passes"), [("there are open files preventing the operation", True), ("gone", False)])
def test_open_files_hinder_no_commit(monkeypatch, said, passes):
    """Modal's client commits, and then raises this while it looks at the volume anew."""
    from runners.engines.modal import app as modal_app

    class Volume:
        def commit(self):
            raise RuntimeError(said)

    monkeypatch.setattr(modal_app, "volume", Volume())
    with contextlib.nullcontext() if passes else pytest.raises(RuntimeError, match=said):
        modal_app._commit()


@installed
def test_where_the_hub_token_is_found(monkeypatch, tmp_path):
    from runners.engines.modal.app import hub_token

    for name in ("HF_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert hub_token() == {}
    (tmp_path / "token").write_text("of the hub's login\n")
    assert hub_token() == {"HF_TOKEN": "of the hub's login"}
    monkeypatch.setenv("HF_TOKEN", "of the shell")
    assert hub_token() == {"HF_TOKEN": "of the shell"}


@pytest.mark.parametrize(
    ("asked", "gpu", "gib"),
    [
        (Resources(), None, 8.0),
        (Resources(gpu="any"), "L4", 16.0),
        (Resources(gpu="A100-80GB"), "A100-80GB", 16.0),
        (Resources(memory_gb=40.0), None, 1.25 * 40e9 / 2**30),
    ],
)
def test_prices(asked, gpu, gib):
    price = ModalEngine(None, SILENT, 1).price(asked)
    assert price.usd_per_second == pytest.approx(LISTED.usd_per_second(gpu, CORES, gib))
    assert price.where == (gpu or "2 cores")
    assert price.idle == 15.0


def test_a_gpu_that_modal_does_not_have():
    with pytest.raises(RunnersError, match="H1000"):
        ModalEngine(None, SILENT, 1).price(Resources(gpu="H1000"))
