"""The pytest plugin: options, and the ``runner`` fixture through which everything is built.

Installed everywhere the package is, so it imports nothing but pytest until a test asks for ``runner``.
"""

from __future__ import annotations

import os
import shlex
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .artifact import Artifact
    from .progress import Progress
    from .recipe import Recipe
    from .runner import Runner
    from .store import Store

GIVEN = "mi_assay_runners"  # what xdist's controller tells its workers


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("runners", "building and keeping artifacts (mi-assay)")
    group.addoption(
        "--runner", metavar="NAME", default="inline", help="who builds: inline (default) or local, a pool of processes"
    )
    group.addoption(
        "--rebuild",
        metavar="GLOB",
        nargs="?",
        const="*",
        default=None,
        help="build again, once, what tests use: all, or with --rebuild=GLOB what has such a label, builder or digest",
    )
    group.addoption("--offline", action="store_true", help="build and download nothing; tests that need it do not run")
    group.addoption("--store", metavar="DIR", help="where artifacts are kept (default: $MI_ASSAY_STORE, or .store)")
    group.addoption("--store-cap", metavar="SIZE", help="least recently used artifacts go beyond this (default: 20GB)")


def pytest_configure(config: pytest.Config) -> None:
    rebuild, offline = config.getoption("rebuild"), config.getoption("offline")
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    if rebuild is not None and offline:
        raise pytest.UsageError("--rebuild builds, and --offline builds nothing: choose one of them.")
    if rebuild not in (None, "*") and Path(config.invocation_params.dir, rebuild.partition("::")[0]).exists():
        raise pytest.UsageError(
            f"--rebuild took {rebuild!r} for its pattern. Write --rebuild='*' {rebuild}, or put --rebuild last."
        )
    if config.getoption("runner") != "inline" or config.getoption("store_cap"):
        from .errors import RunnersError
        from .runner import check_name
        from .text import parse_size

        try:
            check_name(config.getoption("runner"))
            parse_size(config.getoption("store_cap") or "0")
        except RunnersError as exc:
            raise pytest.UsageError(str(exc)) from None
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_XdistHooks(_shared(config)), "mi_assay_runners_xdist")


def _shared(config: pytest.Config) -> dict[str, Any]:
    """What all processes of this session have to agree on."""
    given: dict[str, Any] | None = getattr(config, "workerinput", {}).get(GIVEN)
    if given:
        return given
    chosen = config.getoption("store")
    return {
        "session": uuid.uuid4().hex,
        "store": str(Path(config.invocation_params.dir, chosen).absolute()) if chosen else None,
    }


class _XdistHooks:
    """Hooks that exist only beside xdist."""

    def __init__(self, shared: dict[str, Any]) -> None:
        self.shared = shared

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[GIVEN] = self.shared


@pytest.fixture(scope="session")
def runner(pytestconfig: pytest.Config) -> Iterator[SessionRunner]:
    """Builds recipes and keeps what was built: ``runner.build(recipe)``, ``runner.build_all(recipes)``."""
    from .errors import RunnersError
    from .place import store_folder
    from .runner import open_runner
    from .session import Session
    from .store import Store
    from .text import parse_size

    shared = _shared(pytestconfig)
    folder = Path(shared["store"]) if shared["store"] else store_folder(pytestconfig.rootpath)
    cap = pytestconfig.getoption("store_cap")
    try:
        session = Session(shared["session"], pytestconfig.getoption("rebuild"))
        store = Store(folder, parse_size(cap) if cap else None, session)
    except RunnersError as exc:
        raise pytest.UsageError(str(exc)) from None
    with _progress(pytestconfig) as progress:
        inner = open_runner(pytestconfig.getoption("runner"), store, progress)
        yield SessionRunner(inner, store, pytestconfig)
        inner.close()


class SessionRunner:
    """The chosen runner, and what it has handed out in this process."""

    def __init__(self, inner: Runner, store: Store, config: pytest.Config) -> None:
        self._inner, self._config = inner, config
        self.store, self.name = store, inner.name
        self._opened: dict[str, Artifact] = {}

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a recipe: from the store, or built now. With ``--offline``, the test does not run without."""
        __tracebackhide__ = True
        return self.build_all([recipe])[0]

    def build_all(self, recipes: Sequence[Recipe]) -> list[Artifact]:
        """The same for many, in their order; the local runner builds several at the same time."""
        __tracebackhide__ = True
        from .errors import RunnersError

        wanted = [r for r in dict.fromkeys(recipes) if r.digest not in self._opened]
        failed = None
        try:
            made = [self._there(r) for r in wanted] if self._offline else self._inner.build_all(wanted)
        except RunnersError as exc:
            failed = exc
        if failed is not None:
            raise failed.with_traceback(None) from None  # its text says where; our own frames would only hide it
        self._opened.update((artifact.digest, artifact) for artifact in made)
        return [self._opened[r.digest] for r in recipes]

    @property
    def _offline(self) -> bool:
        return bool(self._config.getoption("offline"))

    def _there(self, recipe: Recipe) -> Artifact:
        __tracebackhide__ = True
        found = self.store.find(recipe)
        if found is None:
            raise pytest.skip.Exception(f"{recipe} is not built, and --offline builds nothing: {self._command()}")
        return found

    def _command(self) -> str:
        """What builds it: this very test, without ``--offline``."""
        nodeid = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        path, colons, rest = nodeid.partition("::")
        here = self._config.invocation_params.dir
        words = ["pytest", os.path.relpath(self._config.rootpath / path, here) + colons + rest]
        if self._config.getoption("runner") != "inline":
            words.append(f"--runner={self._config.getoption('runner')}")
        if self._config.getoption("store"):
            words.append(f"--store={self.store.root}")
        return shlex.join(words)


@contextmanager
def _progress(config: pytest.Config) -> Iterator[Progress]:
    """Progress on the real stderr, whatever pytest captures; stdout of an xdist worker would not arrive anywhere."""
    from .progress import SILENT, progress_on

    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")

    def end_the_open_line() -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.ensure_newline()
                reporter.flush()

    try:
        with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
            descriptor = os.dup(2)
    except OSError:  # closed: nobody wants to know
        yield SILENT
        return
    worker = getattr(config, "workerinput", {}).get("workerid")
    with open(descriptor, "w", encoding="utf-8", errors="replace", buffering=1) as stream:
        silent = config.get_verbosity() < -1
        yield SILENT if silent else progress_on(stream, f"[{worker}] " if worker else "", end_the_open_line)
