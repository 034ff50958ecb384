"""allowed: may the hub be asked for what is not on this machine? Imports nothing heavy."""

from __future__ import annotations

import os


def allowed() -> bool:
    """Only where somebody said so before the process began, by ``HF_HUB_OFFLINE=0``: a rented worker, or a user.

    The hub's library reads the same variable when it is imported.
    """
    return os.environ.get("HF_HUB_OFFLINE") == "0"
