"""A store in a folder of its own, toy builders that every process finds, and pytest runs beside it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from modal_loopback import loopback  # noqa: F401  # one server for all files: Modal's client knows one

from runners.build import build
from runners.store import Store

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """What processes of the tests see: no options from outside, and the toy builders on the path. Put back afterwards."""
    before = dict(os.environ)
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MI_ASSAY_STORE", "MI_ASSAY_STORE_CAP", "MI_ASSAY_WORKERS", "HF_HUB_OFFLINE", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{HERE}")
    yield tmp_path
    monkeypatch.undo()
    os.environ.clear()
    os.environ.update(before)


class Bench:
    """A store, and what was built in it."""

    def __init__(self, folder):
        self.folder = folder
        self.store = Store(folder / "store")
        self.started = []

    def again(self, **options):
        """The store as another process opens it."""
        return Store(self.store.root, **options)

    def build(self, recipe, **options):
        return build(recipe, self.again(**options))

    @property
    def built(self):
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def files(self, recipe):
        return sorted(p.relative_to(self.store.folder(recipe.digest)).as_posix() for p in self.below(recipe))

    def below(self, recipe):
        return [p for p in self.store.folder(recipe.digest).rglob("*") if p.is_file()]

    def leftovers(self):
        """What unfinished and leaving artifacts have on disk."""
        return [p for name in ("building", "leaving") for p in (self.store.base / name).glob("*")]

    def python(self, code, **options):
        """Another process, with this store as ``store`` and the toys as ``toy``."""
        head = f"""
            import sys
            from pathlib import Path
            from toy_builders import toy
            from runners.build import build
            from runners.store import Store
            store = Store(Path({str(self.store.root)!r}))
        """
        program = textwrap.dedent(head) + textwrap.dedent(code)
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        self.started.append(process)
        return process

    def close(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def cli(self, *args):
        argv = [sys.executable, "-m", "runners", "--store", str(self.store.root), *args]
        return subprocess.run(argv, capture_output=True, text=True, cwd=self.folder, timeout=120)


@pytest.fixture
def bench(environment):
    made = Bench(environment)
    yield made
    made.close()


class Project:
    """Tests of somebody, in a folder of their own, run by pytest in a process of its own."""

    def __init__(self, pytester, folder):
        self.pytester, self.bench = pytester, Bench(folder)
        pytester.makeini("[pytest]\naddopts = -p runners.plugin -p no:mi_assay -p no:mi_assay_runners\n")

    def write(self, body):
        head = "import pytest\nfrom toy_builders import toy\n"
        self.pytester.makepyfile(test_it=head + textwrap.dedent(body))

    def run(self, *args):
        """pytest in this process."""
        return self.pytester.runpytest_inprocess(*args)

    def run_apart(self, *args, timeout=120):
        """pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*args, timeout=timeout)

    @property
    def built(self):
        return self.bench.built

    @property
    def store(self):
        return Store(self.pytester.path / ".store")


@pytest.fixture
def project(environment, pytester):
    return Project(pytester, environment)
