"""Scratch: a folder per process for what scenes write; it goes when the process ends."""

from __future__ import annotations

import itertools
import tempfile
from functools import cache
from pathlib import Path

_numbers = itertools.count()


@cache
def _home() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="silent-bugs-")


def fresh(name: str) -> Path:
    """A new empty folder."""
    folder = Path(_home().name) / f"{next(_numbers):05}-{name}"
    folder.mkdir()
    return folder
