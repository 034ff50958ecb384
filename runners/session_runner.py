"""SessionRunner: what the ``runner`` fixture gives to tests."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from .artifact import Artifact, Manifest
from .conductor import Conductor
from .errors import CapReachedError, InfrastructureError, NoGPUError, NotRunError, RunnersError
from .money.budget import Budget, cap_usd
from .money.spending import JOURNAL, Journal
from .place import store_folder
from .planning.discovery import Discovery, stop
from .progress import Progress
from .recipe import SHORT, Recipe
from .runner import WIDTH, open_runner
from .session import Session
from .store import Store
from .text import clean_line, parse_size


class SessionRunner:
    """The chosen runner, and what it has handed out in this process.

    Attributes:
        asked: what the present test has asked for, by digest.
        incomplete: whether something was lost or stopped that a test needed.
    """

    def __init__(self, config: pytest.Config, shared: dict[str, Any], progress: Progress) -> None:
        folder = Path(shared["store"]) if shared["store"] else store_folder(config.rootpath)
        cap = config.getoption("store_cap")
        try:
            session = Session(shared["session"], config.getoption("rebuild"))
            self.store = Store(folder, parse_size(cap) if cap else None, session)
            self.journal = Journal(config.rootpath / JOURNAL)
            budget = Budget(
                self.journal,
                f"{session.id}-{os.getpid()}",  # each process of a session starts builds of its own
                cap_usd(config.getoption("budget")),
                config.getoption("approve"),
                config.getoption("prices_ok"),
            )
            self.name = config.getoption("runner")
            self.conductor: Conductor = open_runner(
                self.name, self.store, progress, budget, config.getoption("containers") or WIDTH
            )
        except RunnersError as exc:
            raise pytest.UsageError(exc.told) from None
        self.progress, self._config = progress, config
        self._opened: dict[str, Artifact] = {}
        self._discovery: Discovery | None = None
        self._told: set[str] = set()
        self._origins: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, Recipe] = {}
        self.incomplete = False

    def build(self, recipe: Recipe) -> Artifact:
        """The artifact of a recipe: from the store, or built now. With ``--offline``, the test does not run without."""
        __tracebackhide__ = True
        return self.build_all([recipe])[0]

    def build_all(self, recipes: Sequence[Recipe]) -> list[Artifact]:
        """The same for many, in their order; most runners build several at the same time."""
        __tracebackhide__ = True
        if self._discovery is not None:
            return self._discovery.take(recipes, self.store.find)
        self.asked.update((r.digest, r) for r in recipes)
        wanted = [r for r in dict.fromkeys(recipes) if r.digest not in self._opened]
        failed: RunnersError | None = None
        try:
            made = [self._there(r) for r in wanted] if self._offline else self.conductor.build_all(wanted)
        except RunnersError as exc:
            failed = exc
        if skipped := self.not_run(failed):
            raise skipped from None
        if failed is not None:
            raise failed.with_traceback(None) from None  # its text says where; our own frames would only hide it
        self._opened.update((artifact.digest, artifact) for artifact in made)
        return [self._opened[r.digest] for r in recipes]

    def not_run(self, error: object) -> Any:
        """The skip of a test that met this error; None if the error is about the test."""
        if not isinstance(error, NotRunError):
            return None
        self.incomplete |= isinstance(error, InfrastructureError | CapReachedError)
        if not isinstance(error, NoGPUError):  # a skip is one letter, and nobody chose this one
            self._tell_once(f"not run: {error.told}")
        skipped = pytest.skip.Exception(str(error))
        skipped.fix = error.fix  # type: ignore[attr-defined]  # the ledger's row says it
        return skipped

    def require_usable(self) -> None:
        """Ask a runner elsewhere whether it can be used at all.

        Raises:
            RunnersError: it cannot, and what to do.
        """
        check: Callable[[], None] | None = getattr(self.conductor.engine, "require_usable", None)
        if check is not None:
            check()

    @contextlib.contextmanager
    def discovering(self, discovery: Discovery) -> Iterator[None]:
        """Build nothing, and tell ``discovery`` what is asked for."""
        self._discovery = discovery
        self._config.mi_assay_planning = stop  # type: ignore[attr-defined]  # what the ledger gives tests for a judge
        try:
            yield
        finally:
            self._discovery = None
            del self._config.mi_assay_planning  # type: ignore[attr-defined]

    def cost(self) -> str:
        """What all builds below the present test's artifacts cost, as JSON; empty where nothing ever cost anything."""
        digests = {below.digest for recipe in self.asked.values() for below in recipe.walk()}
        try:
            found = self.journal.cost(digests)
        except RunnersError as exc:  # no reason to lose a verdict
            self._tell_once(str(exc))
            return ""
        return json.dumps(found) if found["builds"] else ""

    def origins(self) -> str:
        """Where the artifacts of the present test came from, with all that is below them, as JSON; empty without any.

        ``{digest: {"label", "builder", "version", "inputs"}}``, the inputs by the first digits of their digests; and
        where the manifest is known here ``bytes, seconds, when, runner, device``, with ``gpu`` and ``usd`` if it had any.
        """
        opened = [recipe for digest, recipe in self.asked.items() if digest in self._opened]
        below = {r.digest: r for recipe in opened for r in recipe.walk()}
        return json.dumps({digest: self._origin(recipe) for digest, recipe in below.items()}) if below else ""

    def _origin(self, recipe: Recipe) -> dict[str, Any]:
        if recipe.digest in self._origins:
            return self._origins[recipe.digest]
        origin: dict[str, Any] = {
            "label": recipe.name[:200],
            "builder": recipe.build[:200],
            "version": recipe.version,
            "inputs": [recipe.inputs[name].digest[:SHORT] for name in sorted(recipe.inputs)],
        }
        manifest = self._manifest(recipe)
        if manifest is None:
            return origin
        origin |= {"bytes": manifest.bytes, "seconds": manifest.seconds, "when": manifest.when.replace("+00:00", "Z")}
        origin |= {"runner": manifest.runner[:200], "device": manifest.device[:200]}
        if recipe.resources.gpu is not None:
            origin["gpu"] = recipe.resources.gpu[:200]
        with contextlib.suppress(RunnersError):  # cost() says so
            if spent := self.journal.of([recipe.digest])[1]:
                origin["usd"] = spent
        self._origins[recipe.digest] = origin
        return origin

    def _manifest(self, recipe: Recipe) -> Manifest | None:
        """What is known here of an artifact, whether it lies here or not; none of its files is read."""
        if recipe.digest in self._opened:
            return self._opened[recipe.digest].manifest
        kept = self.store.peek(recipe.digest)
        if kept is None and self.conductor.engine.storage is not None:
            with contextlib.suppress(RunnersError):
                found = self.conductor.there(recipe)
                kept = None if found is None else found.manifest
        return kept

    def show(self, lines: Sequence[str]) -> None:
        """Lines as they are, where pytest reports: progress would join their columns."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            for line in lines:
                reporter.write_line(clean_line(line))

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.progress.say(text)

    @property
    def _offline(self) -> bool:
        return bool(self._config.getoption("offline"))

    def _there(self, recipe: Recipe) -> Artifact:
        __tracebackhide__ = True
        found = self.conductor.there(recipe)
        if found is None:
            raise pytest.skip.Exception(f"{recipe} is not built, and --offline builds nothing: {self._command()}")
        return found

    def _command(self) -> str:
        """What builds it: this very test, without ``--offline``."""
        nodeid = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        path, colons, rest = nodeid.partition("::")
        here = self._config.invocation_params.dir
        words = ["pytest", os.path.relpath(self._config.rootpath / path, here) + colons + rest]
        if self.name != "inline":
            words.append(f"--runner={self.name}")
        if self._config.getoption("store"):
            words.append(f"--store={self.store.root}")
        return shlex.join(words)

    def close(self) -> None:
        """End everything that was started."""
        self.conductor.close()
