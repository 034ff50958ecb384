"""Which Ray cluster is meant, and whether it can be reached from here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from ...errors import RunnersError

ADDRESS = "RAY_ADDRESS"  # Ray's own
PATIENCE = 12.0  # seconds for an answer
# In a process of its own: in this one Ray would try for two minutes, and cannot be told to stop.
_KNOCK = "import sys; from ray.scripts.scripts import cli; cli(['health-check', '--address', sys.argv[1]])"


def address() -> str | None:
    """``$RAY_ADDRESS``; None where a cluster is to be started here."""
    given = os.environ.get(ADDRESS, "").strip()
    return None if given in ("", "local") else given


def require_usable() -> None:
    """Make sure that there is Ray, and the cluster that is meant.

    Raises:
        RunnersError: one line that says what is missing and what to do.
    """
    if importlib.util.find_spec("ray") is None:
        raise RunnersError('Ray is not installed. Install it: pip install "mi-assay[ray]".')
    given = address()
    if given is None:
        return
    if "://" in given:
        raise RunnersError(
            f"{ADDRESS}={given}: expected HOST:PORT of a cluster whose node this machine is, or auto. To make it one: "
            "ray start --address=HOST:PORT. Ray's client and jobs (ray://, http://) are not supported."
        )
    try:
        done = subprocess.run(
            [sys.executable, "-c", _KNOCK, given], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        answered, said = done.returncode == 0, done.stderr.strip().rpartition("\n")[2]
    except subprocess.TimeoutExpired:
        answered, said = False, f"no answer in {PATIENCE:.0f} s"
    if not answered:
        raise RunnersError(
            f"no Ray cluster at {ADDRESS}={given} ({said or 'no answer'}). Start one (ray start --head), correct the "
            f"address, or unset {ADDRESS} for a cluster on this machine."
        )
