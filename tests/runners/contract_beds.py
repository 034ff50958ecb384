"""Beds for the contract: each engine with what its tests need to know of it, and sessions of somebody who uses it."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from ray_cluster import TwoNodes, needs_ray

from runners.conductor import Conductor
from runners.money.spending import Journal
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
