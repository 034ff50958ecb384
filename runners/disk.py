"""Disk: what survives the loss of power, and how a full one says so."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


def sync(path: Path) -> None:
    """Make what was written to a file, or what is listed in a folder, survive the loss of power."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno in FULL or exc.errno == errno.EIO:
            raise
    finally:
        os.close(descriptor)
