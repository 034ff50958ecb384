"""What tests of the Ray engine start and look at: builds, processes, and drivers in processes of their own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

from runners.engines.engine import Job
from runners.recipe import Recipe, Resources
from runners.session import Session

ROOT, HERE = Path(__file__).resolve().parents[2], Path(__file__).resolve().parent


class Told(list):
    """What a build has said."""

    @property
    def logs(self):
        return [m["log"] for m in self if "log" in m]


def job(recipe, timeout=60.0, **about):
    return Job(recipe, Session(), uuid.uuid4().hex, timeout, **about)


def start(engine, recipe, tell=lambda message: None, **about):
    handle = engine.submit(job(recipe, **about), tell)
    assert handle is not None
    return handle


def end(handle, seconds=60):
    return until(handle.poll, seconds)


def until(condition, seconds=60):
    last = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.02)
    return found


def run(engine, recipe, tell=lambda message: None, **about):
    return end(start(engine, recipe, tell, **about))


def place(folder, name, resources=Resources(), **more):  # noqa: B008
    below = {"below": more.pop("below")} if "below" in more else {}
    params = {"folder": str(folder), "name": name, **more}
    return Recipe("ray_builders:place", 1, params, below, resources, name)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(pid):
    """A process and all that it has started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except FileNotFoundError:
            continue
    found = {pid}
    while more := {p for p, parent in parents.items() if parent in found} - found:
        found |= more
    return found


DRIVER = """
import os, sys, time
from pathlib import Path
from toy_builders import toy
from runners.engines.engine import Job
from runners.engines.ray.engine import RayEngine
from runners.session import Session
from runners.store import Store
engine = RayEngine(Store(Path(sys.argv[1])), width=2)
engine.open(())
def start(recipe):
    return engine.submit(Job(recipe, Session(), recipe.digest, 600.0), lambda message: None)
def run(recipe):
    handle = start(recipe)
    while (outcome := handle.poll()) is None:
        time.sleep(0.05)
    return outcome
"""


@contextlib.contextmanager
def drivers(folder):
    """What starts other processes, each with an engine of its own; they end with this."""
    started = []

    def begin(code, *, inside=(), **variables):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "MI_ASSAY_"))}
        path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", "CUDA_VISIBLE_DEVICES": "", "TOY_LOG": str(folder / "log")}
        process = subprocess.Popen(
            [*inside, sys.executable, "-c", DRIVER + textwrap.dedent(code), str(folder / "store")],
            env={**environment, **path, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    try:
        yield begin
    finally:
        for process in started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def answer(process, timeout=60):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def pids_of(folder):
    """Worker and child of a build that :func:`toy_builders.children` does."""
    path = folder / "pids"
    return until(lambda: path.exists() and [int(pid) for pid in path.read_text().split()])
