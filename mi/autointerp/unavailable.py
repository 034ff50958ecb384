"""ScorerUnavailable: a scorer that cannot be reached, or not used; never an answer that could not be read."""

from __future__ import annotations

from ..refusal import Refusal


class ScorerUnavailable(Refusal):
    """Nobody answered, so there is no answer to count: not even a missing one."""

    keeps_work = True  # what was answered before is in the journal, and the build goes on from there
