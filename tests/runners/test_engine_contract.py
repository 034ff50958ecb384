"""What every engine owes to whoever builds through it, on all four: in this process, in processes here, on a Ray cluster
of two nodes, and on Modal over a loopback of its wire protocol (with ``-m cloud`` and a token, on Modal itself)."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from modal_loopback import until
from modal_toys import toy
from ray_cluster import TwoNodes, needs_ray

from runners.conductor import Conductor
from runners.engines.engine import Price
from runners.errors import BuildFailedError, CapReachedError, InfrastructureError
from runners.money.budget import Budget
from runners.money.spending import Journal
from runners.recipe import Resources
from runners.runner import open_runner
from runners.session import Session
from runners.store import Store

ROOT, HERE = Path(__file__).resolve().parents[2], Path(__file__).resolve().parent
ELSEWHERE = ("ray", "modal")
WORKERS = ("local", *ELSEWHERE)


class Said:
    """Progress that keeps everything."""

    def __init__(self):
        self.lines, self.bars = [], []

    @contextlib.contextmanager
    def __call__(self, label, total, unit):
        class Bar:
            def update(_, n):
                self.bars.append((label, n, unit))

            def note(_, text):
                pass

        yield Bar()

    def say(self, text):
        self.lines.append(text)


class Kind:
    """One engine, with what its tests need to know of it."""

    def __init__(self, name, folder, environment):
        self.name, self.folder, self.environment = name, folder, environment
        self.cluster = self.server = self.engine = None

    def take_away(self):
        """Take a busy worker away, as a provider does."""
        if self.name == "modal":
            if self.server is None:
                pytest.skip("nobody can ask Modal itself to take a container away")
            self.server.control(do="preempt", fn="build", grace=1.0)
        elif self.name == "ray":
            self.cluster.remove()
        else:
            for pid in workers("local"):
                os.kill(pid, signal.SIGKILL)

    def running(self):
        """Processes in which builds run or could run for us."""
        if self.name != "modal":
            return workers(self.name)
        return self.server.containers() if self.server else app_tasks()


def app_tasks():
    """Containers of our app on Modal itself."""
    listed = subprocess.run(
        [sys.executable, "-m", "modal", "container", "list", "--json"], capture_output=True, text=True, check=True
    )
    return [task for task in json.loads(listed.stdout) if "mi-assay" in str(task)]


def workers(name):
    """Processes of builds on this machine."""
    wanted = {"local": "runners.engines.worker", "ray": "ray::build"}.get(name)
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if wanted and wanted in path.read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                found.append(int(path.parent.name))
    return found


@pytest.fixture(
    scope="module", params=["inline", "local", "ray", "modal", pytest.param("cloud", marks=pytest.mark.cloud)]
)
def kind(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    cloud = request.param == "cloud"
    made = Kind("modal" if cloud else request.param, folder, {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"})
    with contextlib.ExitStack() as stack:
        if cloud:
            if "cloud" not in request.config.getoption("markexpr"):
                pytest.skip("needs an account on Modal and costs some cents: pytest -m cloud")
            made.environment |= {"MI_ASSAY_MODAL_SOURCES": "modal_toys", "MI_ASSAY_MODAL_VOLUME": "mi-assay-contract"}
        if made.name == "ray":
            if needs_ray.args[0]:
                pytest.skip(needs_ray.kwargs["reason"])
            made.cluster = TwoNodes(folder)
            stack.callback(made.cluster.close)
            made.environment |= {
                "RAY_ADDRESS": made.cluster.address,
                "MI_ASSAY_RAY_STORE": str(folder / "shared"),
                "MI_ASSAY_RAY_SOURCES": str(HERE / "modal_toys.py"),
            }
            handler = signal.getsignal(signal.SIGTERM)
            stack.callback(signal.signal, signal.SIGTERM, handler)  # Ray puts in one of its own
        elif made.name == "modal" and not cloud:
            made.server = request.getfixturevalue("loopback")
            made.environment |= made.server.environment
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in made.environment.items():
            patch.setenv(name, value)
        patch.delenv("MI_ASSAY_DEVICE", raising=False)
        yield made
        if made.engine is not None:
            made.engine.close()


@pytest.fixture
def only(kind):
    """``only("ray", "modal")``: the others owe nothing of the sort."""

    def check(*names):
        if kind.name not in names:
            pytest.skip(f"nothing of the sort with {kind.name}")

    return check


@pytest.fixture
def tag(request):
    """Tests of one module share a storage: every test builds something of its own."""
    return hashlib.sha256(f"{request.node.nodeid}{time.time()}".encode()).hexdigest()[:12]


class Bed:
    def __init__(self, kind, folder):
        self.kind, self.said, self.folder = kind, Said(), folder
        self.open, self.session = [], Session()
        self.journal = Journal(folder / "spending.jsonl")

    def conductor(self, width=2, budget=None, store=None):
        """On Ray and Modal, all tests share one engine."""
        home = Store(store or self.folder / "store", session=self.session)
        if self.kind.engine is None:
            made = open_runner(self.kind.name, home, self.said, budget, width)
            self.kind.engine = made.engine if self.kind.name in ELSEWHERE else None
        else:
            made = Conductor(self.kind.engine, home, self.said, budget)
            self.kind.engine.width = width
        made.keep_every = 0.5
        if self.kind.name not in ELSEWHERE:
            self.open.append(made)
        return made


@pytest.fixture
def bed(kind, tmp_path):
    made = Bed(kind, tmp_path)
    yield made
    for conductor in made.open:
        conductor.close()


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
    until(lambda: not bed.kind.running() or bed.kind.name != "modal")


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
    until(lambda: not bed.kind.running() or bed.kind.name == "ray")


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


class Sessions:
    """pytest, run by somebody in a folder of their own."""

    def __init__(self, kind, folder):
        self.kind, self.folder, self.started = kind, folder, []
        (folder / "pytest.ini").write_text(
            "[pytest]\naddopts = -p runners.plugin -p no:mi_assay -p no:mi_assay_runners\n"
        )

    def write(self, body):
        (self.folder / "test_it.py").write_text("from modal_toys import *\n" + textwrap.dedent(body))

    def start(self, *args):
        options = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONUNBUFFERED": "1", **self.kind.environment}
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | options
        made = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", f"--runner={self.kind.name}", "-p", "no:cacheprovider", *args],
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(made)
        return made

    def run(self, *args):
        process = self.start(*args)
        text, _ = process.communicate(timeout=180)
        return process.returncode, text

    @property
    def journal(self):
        return Journal(self.folder / ".ledger" / "spending.jsonl")

    def begun(self):
        """Whether a build has left something where its worker is."""
        if self.kind.name == "modal":
            return self.kind.running()
        if self.kind.name == "ray":
            return workers("ray")
        return (self.folder / ".store").exists() and list(self.folder.glob(".store/v1/building/*"))


@pytest.fixture
def sessions(kind, tmp_path):
    made = Sessions(kind, tmp_path)
    yield made
    for process in made.started:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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
