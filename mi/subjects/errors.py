"""What can be wrong with a subject, from its files to its hooks."""

from __future__ import annotations

from ..refusal import Refusal


class NotHere(Refusal):
    """A subject or data set that is not on this machine.

    ``missing`` says what; ``command`` is the one command that fetches it (empty where none can).
    """

    absent = True

    def __init__(self, missing: str, command: str = "", fix: str = "") -> None:
        super().__init__(missing, "it to be on this machine", fix or f"Fetch it with: {command}")
        self.missing, self.command = missing, command


class SpecError(Refusal):
    """A folder or name that is no subject, or none that may be loaded."""


class SubjectError(Refusal):
    """A loaded model that cannot do what was asked: no such site, no BOS, a hook that fired twice."""


class GateFailed(Refusal):
    """A subject that must not be measured, because a gate of :mod:`mi.subjects.gates` found a deviation."""
