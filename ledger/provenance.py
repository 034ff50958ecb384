"""Provenance: which code, packages and machine a run used."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

NAMED = ("mi-assay", "numpy", "scipy", "statsmodels", "pytest", "torch", "transformers")


def git_state(root: Path, ledger: Path) -> dict[str, Any]:
    """``{"commit": sha or None, "dirty": bool, or None outside a repository}``.

    Untracked files count as dirty, those in the ``ledger`` folder excepted: they are what runs leave behind.
    """
    commit = _git(root, "rev-parse", "HEAD")
    apart = [f":(exclude){ledger.relative_to(root).as_posix()}"] if ledger.is_relative_to(root) else []
    status = _git(root, "status", "--porcelain", "--", ".", *apart)
    return {"commit": commit, "dirty": None if status is None else bool(status)}


def _git(root: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *args], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def packages() -> dict[str, Any]:
    """Hash over every installed distribution with its version, and the versions that matter most."""
    installed = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
    text = "\n".join(sorted(f"{name.lower()}=={v}" for name, v in installed.items()))
    lower = {name.lower(): v for name, v in installed.items()}
    return {
        "sha256": hashlib.sha256(text.encode()).hexdigest()[:16],
        "versions": {"python": platform.python_version(), **{n: lower[n] for n in NAMED if n in lower}},
    }


def hardware() -> dict[str, Any]:
    """The machine, without its name."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "device": "cpu",
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def own_version() -> str:
    """Version of mi-assay; a checkout that was never installed says so."""
    try:
        return version("mi-assay")
    except ModuleNotFoundError:
        return "checkout"
