"""Place: where the store is, and how large it may grow."""

from __future__ import annotations

import os
from pathlib import Path

from .text import parse_size

VARIABLE, CAP_VARIABLE, FOLDER = "MI_ASSAY_STORE", "MI_ASSAY_STORE_CAP", ".store"
CAP = 20 * 10**9


def store_folder(root: Path) -> Path:
    """``$MI_ASSAY_STORE``, or ``.store`` in ``root``."""
    return Path(os.environ.get(VARIABLE) or root / FOLDER).absolute()


def store_cap() -> int:
    """``$MI_ASSAY_STORE_CAP`` in bytes, or 20 GB."""
    return parse_size(os.environ[CAP_VARIABLE]) if os.environ.get(CAP_VARIABLE) else CAP
