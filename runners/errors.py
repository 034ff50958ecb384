"""Errors of recipes, builds and the store, each with what was given, what was expected and what to do."""

from __future__ import annotations

from collections.abc import Mapping


class RunnersError(Exception):
    """Something that cannot be described, built or kept as it is.

    Attributes:
        fix: what to do about it, where the text does not say so.
    """

    fix = ""

    @property
    def told(self) -> str:
        """The whole of it, for people."""
        return f"{self} {self.fix}".strip()


class RecipeError(RunnersError, ValueError):
    """A recipe that is no recipe: not JSON, no builder's name, no version."""


class BuilderError(RunnersError):
    """A builder that is not there, or that does not take what its recipe gives."""


class StoreError(RunnersError):
    """A store that cannot be read or written."""


class StoreReadOnlyError(StoreError):
    """Something has to be built, and the store cannot be written."""


class StoreFullError(StoreError):
    """The disk ran full during a build."""


class StoreWarning(UserWarning):
    """Something in the store was not as it should be, and has been put right."""


class BuildFailedError(RunnersError):
    """A builder raised.

    A builder that refuses its input (an error with ``refused`` set, and ``given``, ``expected`` and ``fix``) is no
    crash: this error then carries the same attributes, so that whoever knows refusals sees one.

    Attributes:
        brief: what happened in one line, for all reports but the first.
        refusal: ``given``, ``expected`` and ``fix`` of a refusal, and ``absent``; None for any other error.
        absent: nothing is wrong, but what the builder needs is not on this machine.
        keeps_work: what a resumable builder has done so far is kept for the next try, as after an interruption.
    """

    def __init__(
        self, text: str, brief: str, refusal: Mapping[str, str] | None = None, keeps_work: bool = False
    ) -> None:
        super().__init__(text)
        self.brief = brief
        self.keeps_work = keeps_work
        self.refused = refusal is not None
        self.refusal = refusal
        self.absent = bool(refusal and refusal.get("absent"))
        if refusal is not None:
            self.given, self.expected, self.fix = refusal["given"], refusal["expected"], refusal["fix"]


class NotRunError(RunnersError):
    """Something was not built, and that says nothing about the claim: its test is not run.

    Attributes:
        fix: what to do about it.
    """

    def __init__(self, text: str, fix: str = "Run it again.") -> None:
        super().__init__(text)
        self.fix = fix


class InfrastructureError(NotRunError):
    """Workers died, ran out of time or could not be reached, more often than a build is tried."""


class NoGPUError(NotRunError):
    """A build needs a GPU, and the process that would build has none."""


class BudgetError(NotRunError):
    """Money stops a build."""


class ApprovalNeededError(BudgetError):
    """A run costs or takes so much that somebody has to agree to it first."""


class CapReachedError(BudgetError):
    """What was spent, and what may still be, has come to the cap."""


class PricesTooOldError(BudgetError):
    """Prices that nobody has looked at for too long."""
