"""Input that must not reach a verdict: the error that says what was given and what to do."""

from __future__ import annotations


class Refusal(ValueError):
    """A measurement that cannot be judged honestly.

    The court records the reason and gives no verdict. ``given`` says what came in, ``expected`` what
    would have been right, and ``fix`` what to do about it.
    """

    refused = True  # how the court recognises it without importing this module
    absent = False  # nothing is wrong with the request, but what it needs is not on this machine

    def __init__(self, given: str, expected: str, fix: str) -> None:
        super().__init__(f"{given}. Expected {expected}. {fix}")
        self.given, self.expected, self.fix = given, expected, fix
