"""Names of coders in a bundle; they become folders."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .coder import CoderFault

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checked_names(names: Iterable[str]) -> list[str]:
    """``names`` in alphabetical order.

    Raises:
        CoderFault: none, or one that is no plain folder name.
    """
    names = sorted(names)
    bad = [name for name in names if not NAME.fullmatch(name)]
    if bad or not names:
        raise CoderFault(
            f"coder names {bad or 'missing'}", "at least one, of letters, digits, '.', '_', '-'", "Correct the recipe."
        )
    return names
