"""The pytest plugin: options, the ``claim`` mark, the ``judge`` fixture, and the way from test to ledger row.

Installed everywhere the package is, so it imports nothing but pytest until a session has a claim.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .history import History
    from .judge import Judge
    from .recorder import Recorder

CLAIM_MARK = "claim"
OURS = "mi_assay"  # attribute on a report: the row and its scores, in JSON, which every process can pass on
ORIGINS = "mi_assay.origins"  # property of an item and attribute on its report: see origin.py
RECORDER = pytest.StashKey["Recorder"]()
HISTORY = pytest.StashKey["History"]()
JUDGE: pytest.StashKey[Judge] = pytest.StashKey()
STRICT = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mi-assay", "claims and verdicts (mi-assay)")
    group.addoption("--strict-verdicts", action="store_true", help="an inconclusive claim without an expectation fails")
    group.addoption(
        "--verdicts",
        choices=("attention", "all", "none"),
        default=None,
        help="closing verdict table: rows that want attention and a count (default), all rows (as -v), or none",
    )
    group.addoption("--record", action="store_true", help="keep this run in ledger/runs, to be committed")
    group.addoption(
        "--subject",
        metavar="ID|FOLDER",
        default=None,
        help="judge the claims on this subject only: one that they name, or, where they allow any, a model hub id or a "
        "local folder",
    )
    group.addoption(
        "--like",
        metavar="NAME",
        default=None,
        help="with --subject, give a subject that claims do not name the cells registered for this one, without its "
        "expectations (default: the cells registered for any subject)",
    )
    group.addoption("--report", action="store_true", help="write report.html, the page of the run, beside it")
    group.addoption("--ledger", metavar="DIR", default=None, help="keep this run in DIR (default: .ledger/runs)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("like") is not None and config.getoption("subject") is None:
        raise pytest.UsageError("--like without --subject. Expected both: --subject GUEST --like NAME")
    config.addinivalue_line(
        "markers", "claim(id): this test judges the claim registered as <report>.<claim> in <report>.yaml beside it"
    )
    if not _is_worker(config):
        config.pluginmanager.register(_Keeper(config), "mi_assay_keeper")
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_XdistHooks(), "mi_assay_xdist")


class _XdistHooks:
    """Hooks that exist only beside xdist."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        recorder = _recorder(node.config)
        node.workerinput["mi_assay_run"] = {"id": recorder.run_id, "folder": str(recorder.folder)}


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _recorder(config: pytest.Config) -> Recorder:
    """The session's recorder; a worker's knows the controller's run and only ever writes the plan."""
    if RECORDER not in config.stash:
        from .folders import LOCAL, RECORDED
        from .recorder import Recorder, new_run_id

        given = getattr(config, "workerinput", {}).get("mi_assay_run")
        if given:
            run_id, folder = given["id"], Path(given["folder"])
        else:
            run_id = new_run_id()
            chosen = config.getoption("ledger")
            folder = (
                Path(chosen).absolute()
                if chosen
                else config.rootpath / (RECORDED if config.getoption("record") else LOCAL)
            )
        config.stash[RECORDER] = Recorder(
            config.rootpath, folder, run_id, ["pytest", *_shown(config.invocation_params.args)]
        )
    return config.stash[RECORDER]


def _shown(args: Iterable[str]) -> Iterator[str]:
    """The command line as a run keeps it: of scorers their models, since addresses and commands may hold keys."""
    last = ""
    for arg in map(str, args):
        hidden, _, value = arg.partition("=") if arg.startswith("--scorer=") else (arg, "", arg)
        if last == "--scorer" or hidden == "--scorer" != arg:
            model = value.partition("@http")[0].partition("=")[0]
            yield model if last == "--scorer" else f"--scorer={model}"
        else:
            yield arg
        last = arg


def _only_looking(config: pytest.Config) -> bool:
    """Whether no test is run: nothing is recorded then."""
    return bool(config.option.collectonly or getattr(config.option, "plan", False))


def _history(config: pytest.Config) -> History:
    if HISTORY not in config.stash:
        from .folders import run_files
        from .history import History

        recorder = _recorder(config)
        files = run_files(config.rootpath, recorder.folder)
        config.stash[HISTORY] = History({p for p in files if p.stem != recorder.run_id})
    return config.stash[HISTORY]


# ---- collection -----------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(CLAIM_MARK):
        from .collect import parametrize

        parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks that tiers add
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any(item.get_closest_marker(CLAIM_MARK) for item in items):
        from .collect import attach

        elsewhere = set(attach(items))
        if elsewhere:
            config.hook.pytest_deselected(items=[i for i in items if i in elsewhere])
            items[:] = [i for i in items if i not in elsewhere]


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    looking = _only_looking(config) or config.option.showfixtures or config.option.show_fixtures_per_test
    if looking or not any(i.get_closest_marker(CLAIM_MARK) for i in session.items):
        return
    worker = getattr(config, "workerinput", None)
    if worker and worker.get("workerid") != "gw0":
        return  # all workers collect the same; one plan is enough
    from .collect import CLAIM, INDEX
    from .row import undecided_row

    recorder = _recorder(config)
    recorder.write_plan(
        [undecided_row(i.stash[CLAIM], i.nodeid, i.stash[INDEX]) for i in session.items if CLAIM in i.stash]
    )


# ---- one test -------------------------------------------------------------------------------------


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Any:
    """Judge this test's claim: ``judge(contrast, above=0.02)``, once per test."""
    from .collect import CLAIM
    from .home import command
    from .judge import Judge, JudgeError

    item = request.node
    if planning := getattr(item.config, "mi_assay_planning", None):
        return planning  # what a test asks for is being found out; its numbers are imagined
    if CLAIM not in item.stash:
        raise JudgeError(
            f"{item.nodeid} uses judge and makes no claim. Mark it: @pytest.mark.claim('<report>.<claim>'), "
            f"and register the claim: {command()} new <report>.<claim>"
        )
    history = _history(item.config)
    made = Judge(item.stash[CLAIM], history.attempt)
    item.stash[JUDGE] = made
    return made


@pytest.fixture(scope="session")
def subject_source(pytestconfig: pytest.Config) -> Callable[[str], str]:
    """What a subject's name stands for: the hub id or folder that ``--subject`` gave, else the name itself."""
    from .collect import subject_name

    given = pytestconfig.getoption("subject")
    return lambda subject: given if given is not None and subject_name(given) == subject else subject


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if not item.get_closest_marker(CLAIM_MARK):
        return
    from .collect import BROKEN
    from .errors import RegistrationError

    if BROKEN in item.stash:
        raise RegistrationError(item.stash[BROKEN])


@pytest.hookimpl(wrapper=True)  # outside pytest's own wrapper, so that xfail is already resolved
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    deciding = report.when == "call" or (report.when == "setup" and not report.passed)
    origins = _taken_off(item, report) if deciding else None
    if deciding and item.get_closest_marker(CLAIM_MARK):
        from .collect import CLAIM, INDEX
        from .cost import cost_of
        from .outcome import packed, settle

        if CLAIM in item.stash:
            strict = bool(item.config.getoption("strict_verdicts"))
            row, stored = settle(
                report, call, item.stash[CLAIM], item.stash.get(JUDGE, None), item.stash[INDEX], strict
            )
            row["cost"] = cost_of(item.user_properties)
            row, kept = packed(report, item.stash[CLAIM], row, stored)
            setattr(report, OURS, kept)
            if origins is not None:
                setattr(report, ORIGINS, origins)
            slim = {
                k: row[k]
                for k in ("claim", "subject", "params", "verdict", "status", "estimate", "lo", "hi", "rule", "bound")
            }
            item.user_properties.append((CLAIM_MARK, json.dumps(slim)))  # JUnit takes them from the teardown's report
    return report


def _taken_off(item: pytest.Item, report: pytest.TestReport) -> str | None:
    """What the item tells of its artifacts. It belongs in the run's seal, and pytest would copy it into JUnit's file."""
    told = [value for name, value in item.user_properties if name == ORIGINS]
    if told:
        for properties in (item.user_properties, report.user_properties):
            properties[:] = [p for p in properties if p[0] != ORIGINS]
    return told[-1] if told and isinstance(told[-1], str) else None


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> tuple[str, str, Any] | None:
    kept = getattr(report, OURS, None)
    if kept is None:
        return None
    row = json.loads(kept)["row"]
    if row["verdict"] == "inconclusive" and report.skipped and not hasattr(report, "wasxfail"):
        return "inconclusive", "?", ("INCONCLUSIVE", {"yellow": True})
    if report.failed and report.when == "call" and row["status"] in ("error", "refused"):
        return "error", "E", "ERROR"
    return None


# ---- the session ----------------------------------------------------------------------------------


ROWS = pytest.StashKey[list[dict[str, Any]]]()
PAGE = pytest.StashKey[str]()


class _Keeper:
    """Takes rows where reports arrive: the only process, or xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(tryfirst=True)  # the row is on disk before the terminal says a word about it
    def pytest_runtest_logreport(self, report: Any) -> None:
        kept = getattr(report, OURS, None)
        if kept is not None:
            found = json.loads(kept)
            recorder = _recorder(self.config)
            recorder.take(found["row"], found["stored"])
            recorder.origins.take(getattr(report, ORIGINS, None))
        elif report.when == "???" and report.failed and RECORDER in self.config.stash:
            self._crashed(report.nodeid)

    def _crashed(self, nodeid: str) -> None:
        """xdist's report for a worker that died carries nothing of ours; the plan knows the claim."""
        recorder = _recorder(self.config)
        planned = recorder.read_plan().get(nodeid)
        if planned:
            reason = {
                "short": "crashed",
                "detail": "the worker process died during this test",
                "fix": "Run this test alone, without -n, to see why.",
            }
            recorder.take({**planned, "status": "crashed", "reason": reason}, None)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        config = self.config
        if RECORDER not in config.stash or _only_looking(config):
            return
        from .family import demoted

        recorder = _recorder(config)
        rows = config.stash[ROWS] = recorder.close(int(session.exitstatus))
        unsupported = any(p for r in rows for p in r["control_problems"] if not p.endswith("did not run"))
        strict = bool(config.getoption("strict_verdicts")) and demoted(rows)
        if rows and session.exitstatus == 0 and (recorder.problem or unsupported or strict):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if rows and config.getoption("report") and not recorder.problem:
            config.stash[PAGE] = _page_of(recorder, config)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if rows and summary:
            from .summary import annotate, append_summary

            append_summary(Path(summary), rows, recorder.header)
            if os.environ.get("GITHUB_ACTIONS"):
                sys.stdout.write("\n")  # pytest's line of dots is still open, and a command begins its line
                annotate(rows, sys.stdout)


def _page_of(recorder: Recorder, config: pytest.Config) -> str:
    """Write the page; one that cannot be written costs no verdict. The line that says where it is, or why not."""
    from .errors import LedgerError
    from .report.command import write_report
    from .text import clean

    given = config.getoption("store", None)
    store = Path(config.invocation_params.dir, given) if given else None
    try:
        path = write_report(config.rootpath, [str(recorder.path)], store=store)
    except (LedgerError, OSError) as exc:
        return f"no report: {clean(exc)}"
    return f"report: {os.path.relpath(path, config.invocation_params.dir)}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, None)
    if not rows:
        return
    from .cost import cost_line
    from .terminal import Style, verdict_lines

    recorder = _recorder(config)
    verbosity = config.get_verbosity()
    show = config.getoption("verdicts") or ("all" if verbosity > 0 else "none" if verbosity < 0 else "attention")
    writer = terminalreporter._tw
    encoding = str(getattr(writer._file, "encoding", None) or "ascii")
    style = Style(width=writer.fullwidth, unicode="utf" in encoding.lower())
    if show != "none":
        terminalreporter.section("verdicts", sep="=")
    for line, markup in verdict_lines(rows, style, show):
        terminalreporter.write_line(line, **markup)
    if recorder.problem:
        terminalreporter.write_line(recorder.problem, red=True, bold=True)
    else:
        path = os.path.relpath(recorder.path, config.invocation_params.dir)
        terminalreporter.write_line(
            f"ledger: +{len(rows)} rows in {path}   next: {_next_command(rows, path if config.getoption('ledger') else '')}"
        )
    if PAGE in config.stash:
        terminalreporter.write_line(config.stash[PAGE])
    if line := cost_line(rows):
        terminalreporter.write_line(line)


def _next_command(rows: list[dict[str, Any]], elsewhere: str) -> str:
    """What to type next; a run outside the usual folders has to be named."""
    from .home import command
    from .row import wants_attention

    first = next((r for r in rows if wants_attention(r)), None)
    what = f"show {first['claim']}" if first else "table"
    return f"{command()} {what} {elsewhere}".rstrip()
