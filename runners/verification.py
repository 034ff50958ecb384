"""Verification: whether the files of an artifact are still those that its manifest lists."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

CHUNK = 1 << 20
Stamp: TypeAlias = "dict[str, tuple[int, int, int]]"  # file -> bytes, time of change, inode


class Damage(Exception):
    """An artifact that is not what was published."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(f"{file} {what}")
        self.file, self.what = file, what


def listed(files: Path) -> Iterator[tuple[str, os.stat_result]]:
    """``(relative name, status)`` of everything below ``files`` that is not a folder."""
    for folder, folders, names in os.walk(files):
        links = [name for name in folders if Path(folder, name).is_symlink()]  # listed with the folders, never entered
        for name in (*names, *links):
            path = Path(folder, name)
            yield path.relative_to(files).as_posix(), path.lstat()


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(CHUNK):
            found.update(piece)
    return found.hexdigest()


def check_sizes(files: Path, expected: Mapping[str, Mapping[str, Any]]) -> Stamp:
    """Names, kinds and sizes; milliseconds, so done whenever an artifact is opened.

    Raises:
        Damage: the first file that is missing, too many, no file, or of another size.
    """
    found = dict(listed(files))
    for name, about in expected.items():
        if name not in found:
            raise Damage(name, "is missing")
        if not stat.S_ISREG(found[name].st_mode):
            raise Damage(name, "is no longer a plain file")
        if found[name].st_size != about["bytes"]:
            raise Damage(name, f"has {found[name].st_size} bytes, expected {about['bytes']}")
    for name in found:
        if name not in expected:
            raise Damage(name, "was added")
    return {name: (s.st_size, s.st_mtime_ns, s.st_ino) for name, s in found.items()}


def check_hashes(files: Path, expected: Mapping[str, Mapping[str, Any]]) -> None:
    """Every byte.

    Raises:
        Damage: the first file with another content.
    """
    for name, about in expected.items():
        try:
            found = sha256_file(files / name)
        except FileNotFoundError:
            raise Damage(name, "is missing") from None
        except PermissionError:
            raise
        except OSError as exc:
            raise Damage(name, f"cannot be read ({exc.strerror})") from None
        if found != about["sha256"]:
            raise Damage(name, "has been altered: its sha256 is another")
