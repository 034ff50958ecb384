"""Engine: where builds run. Planning, locks, money, retries and progress are shared and lie in the conductor."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import RunnersError
from ..recipe import Recipe, Resources
from ..session import Session

Tell = Callable[[dict[str, Any]], None]
"""Takes a message from a running build, in any thread: see :mod:`runners.engines.relay`; besides, ``{"log": line}`` is
something that the builder printed and ``{"warn": text}`` a StoreWarning."""


@dataclass(frozen=True)
class Job:
    """One recipe for one worker.

    Attributes:
        recipe: its inputs are there, where the worker keeps artifacts.
        session: the test session, the same everywhere.
        key: tells submissions apart, also two of one recipe.
        timeout: seconds that the build may take, not counting the wait for a worker.
        device: what the user decided about ``MI_ASSAY_DEVICE`` (see :mod:`runners.gpu`); None for nothing.
        every: seconds between two times that a running build's work is made safe where the worker is.
    """

    recipe: Recipe
    session: Session
    key: str
    timeout: float
    device: str | None = None
    every: float = 120.0

    def to_json(self) -> str:
        """Everything that a worker elsewhere needs to know."""
        about = {"key": self.key, "timeout": self.timeout, "device": self.device, "every": self.every}
        return json.dumps({"recipe": self.recipe.to_json(), "session": asdict(self.session), **about})

    @classmethod
    def from_json(cls, text: str) -> Job:
        """The job that :meth:`to_json` wrote."""
        data = json.loads(text)
        recipe, session = Recipe.from_json(data["recipe"]), Session(**data["session"])
        return cls(recipe, session, data["key"], data["timeout"], data["device"], data["every"])


@dataclass(frozen=True)
class Outcome:
    """How a submission ended: exactly one of the three.

    Attributes:
        manifest: it was built, or found: the manifest's text (``""`` where the store is the one of this process).
        error: the builder raised or refused, or there is no such builder: trying again changes nothing.
        lost: what happened to the worker or the connection, in words. Says nothing about the build.
        again: whether a lost one is worth another try.
    """

    manifest: str | None = None
    error: RunnersError | None = None
    lost: str | None = None
    again: bool = True


@dataclass(frozen=True)
class Price:
    """What a build is charged for.

    Attributes:
        usd_per_second: all resources together; 0 where nobody sends a bill.
        where: for people, such as ``"A10"`` or ``"2 cores"``.
        idle: seconds that are charged besides the build: start of a container and its end.
    """

    usd_per_second: float
    where: str
    idle: float = 0.0


class Handle(Protocol):
    """A submitted job."""

    def poll(self) -> Outcome | None:
        """How it ended; None while it runs. Does not wait; a fault of the connection that may pass is None."""

    def cancel(self) -> None:
        """End it: on return, nothing of it is running or charged any more. What has ended is left alone.

        Raises:
            RunnersError: nobody knows whether it goes on.
        """


class Storage(Protocol):
    """Where an engine's workers keep artifacts, as seen from here. Never needs a worker of the kind that is paid for."""

    name: str

    def manifest(self, digest: str) -> str | None:
        """The text of an artifact's manifest; None if there is no such artifact."""

    def fetch(self, digest: str, name: str, to: Path) -> None:
        """Write one file of an artifact to ``to``.

        Raises:
            OSError: it is not there any more, or does not arrive.
        """


class Engine(Protocol):
    """A place with workers: ``E(store, progress, width)``.

    Attributes:
        name: as ``--runner`` has it.
        pause: seconds between two looks at running builds.
        width: builds at a time.
        storage: where artifacts stay; None if workers write to the store of this process.
    """

    name: str
    pause: float
    width: int
    storage: Storage | None

    def price(self, resources: Resources) -> Price:
        """What a build with these needs costs. Known without being open."""

    def open(self, todo: Sequence[Recipe]) -> None:
        """Get ready for these; may be called again with more.

        Raises:
            RunnersError: one line that says what is missing (a token, the network, a cluster) and what to do.
        """

    def submit(self, job: Job, tell: Tell) -> Handle | None:
        """Hand a job to a worker; None if all places are taken."""

    def close(self) -> None:
        """End everything that was started. May be called twice."""
