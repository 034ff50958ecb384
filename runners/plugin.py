"""The pytest plugin: options, and the ``runner`` fixture through which everything is built.

Installed everywhere the package is, so it imports nothing but pytest until a test asks for ``runner``.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .progress import Progress
    from .session_runner import SessionRunner

GIVEN = "mi_assay_runners"  # what xdist's controller tells its workers
HERE = ("inline", "local")  # who builds as tests ask, in or beside this process; all others build first, all together
COST = "mi_assay.cost"
ORIGINS = "mi_assay.origins"
RUNNER = pytest.StashKey["SessionRunner"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("runners", "building and keeping artifacts (mi-assay)")
    group.addoption(
        "--runner",
        metavar="NAME",
        default="inline",
        help="who builds: inline (default), local (a pool of processes), modal (rented GPUs), ray (a cluster). The last two first "
        "run every test up to its judge, with imagined numbers, to learn what it needs",
    )
    group.addoption(
        "--plan",
        action="store_true",
        help="print what would be built, where, for how long and for how much, and what each claim needs; build nothing",
    )
    group.addoption(
        "--approve",
        metavar="USD",
        type=float,
        help="agree to a run that is expected to cost so much, however long it takes",
    )
    group.addoption("--budget", metavar="USD", type=float, help="cap over everything ever spent here (default: 30)")
    group.addoption("--prices-ok", action="store_true", help="go by the price list however old it is")
    group.addoption(
        "--containers", metavar="N", type=int, default=None, help="builds at a time on rented or shared machines (4)"
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
    _check_numbers(config)
    parallel = hasattr(config, "workerinput") or getattr(config.option, "numprocesses", None)
    if config.getoption("plan") and parallel:
        raise pytest.UsageError("--plan with -n: one process plans. Leave -n out.")
    if config.getoption("runner") not in HERE and parallel:
        raise pytest.UsageError(
            f"--runner={config.getoption('runner')} with -n: it builds several things at a time by itself (--containers=N), "
            "and one process has to watch what that costs. Leave -n out."
        )
    if config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_XdistHooks(_shared(config)), "mi_assay_runners_xdist")


def _check_numbers(config: pytest.Config) -> None:
    for option, least, such in (("approve", 0, "7.50"), ("budget", 0, "30"), ("containers", 1, "4")):
        given = config.getoption(option)
        if given is not None and not least <= given < float("inf"):
            raise pytest.UsageError(f"--{option}={given}: expected a number from {least} up, such as {such}.")


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


def _session_runner(config: pytest.Config) -> SessionRunner:
    """The one runner of this process, made when it is first needed."""
    if RUNNER not in config.stash:
        from .session_runner import SessionRunner

        with ExitStack() as stack:
            progress = stack.enter_context(_progress(config))
            config.stash[RUNNER] = SessionRunner(config, _shared(config), progress)
            stack.callback(config.stash[RUNNER].close)
            config.add_cleanup(stack.pop_all().close)
    return config.stash[RUNNER]


@pytest.fixture(scope="session")
def runner(pytestconfig: pytest.Config) -> SessionRunner:
    """Builds recipes and keeps what was built: ``runner.build(recipe)``, ``runner.build_all(recipes)``."""
    return _session_runner(pytestconfig)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """With ``--plan``, plan and end. Elsewhere, first build what all tests need, as much at a time as may be."""
    config = session.config
    planning = bool(config.getoption("plan"))
    if config.option.collectonly or hasattr(config, "workerinput"):
        return None
    if not planning and (config.getoption("runner") in HERE or config.getoption("offline")):
        return None
    if session.testsfailed and not config.option.continue_on_collection_errors:
        return None  # pytest says so, and runs nothing
    from .errors import RunnersError
    from .planning.rounds import build_first, print_plan

    items = [item for item in session.items if "runner" in getattr(item, "fixturenames", ())]
    try:
        if planning:
            print_plan(_session_runner(config), items)
            return True
        build_first(_session_runner(config), items)
    except RunnersError as exc:
        raise pytest.UsageError(exc.told) from None
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    made = item.config.stash.get(RUNNER, None)
    if made is not None:
        made.asked.clear()
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Give the test's row what the builds below it cost, and where they came from; ``ledger/cost.py`` and
    ``ledger/origin.py`` are the other end.

    A test that met something that is no fault of a builder's is not run, wherever it met it.
    """
    made = item.config.stash.get(RUNNER, None)
    if made is not None and call.excinfo is not None and (skipped := made.not_run(call.excinfo.value)):
        call.excinfo = pytest.ExceptionInfo.from_exception(skipped.with_traceback(call.excinfo.tb))
    if made is not None and call.when != "teardown":
        told = {COST: made.cost(), ORIGINS: made.origins() if call.when == "call" else ""}
        for name, value in told.items():
            if value:
                item.user_properties[:] = [p for p in item.user_properties if p[0] != name]
                item.user_properties.append((name, value))


@pytest.hookimpl(tryfirst=True)  # before the ledger seals the run
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run in which something was lost or stopped is no success, although nothing was refuted."""
    made = session.config.stash.get(RUNNER, None)
    if made is not None and made.incomplete and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


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
