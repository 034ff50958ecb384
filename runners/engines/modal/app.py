"""The app on Modal: one function that builds one recipe.

This module is imported in the containers as well: it may import only what the image holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import modal

from ...home import PREFIX
from ..remote import work
from .log import END, line_of
from .storage import volume_name

SOURCES_VARIABLE = "MI_ASSAY_MODAL_SOURCES"  # names of modules with builders, separated by commas
STORE = "/store"  # where the volume is mounted
ROOT = "/root"  # where Modal looks for modules
IDLE = 5  # seconds that an idle container may stay
LEFT_OUT = ("modal", "ray")  # Modal brings its own client, and nothing there needs another engine
NOT_SOURCE = ["**/__pycache__/**", "**/*.pyc"]
HOME = Path(__file__).resolve().parents[3]  # a checkout, or mi_assay in site-packages
LOCK = HOME / "requirements.lock"


def pins() -> list[str]:
    """The versions that this project is tested with, one requirement each."""
    lines = (line.partition("#")[0].strip() for line in LOCK.read_text("utf-8").splitlines())
    return [line for line in lines if line and line.partition("==")[0] not in LEFT_OUT]


def _image() -> modal.Image:
    image = modal.Image.debian_slim(python_version=f"{sys.version_info.major}.{sys.version_info.minor}")
    if not modal.is_local():
        return image  # it is running: how it was made does not matter any more
    exact = pins()
    torch = next(pin for pin in exact if pin.startswith("torch=="))
    image = (
        image.uv_pip_install(torch)  # with its CUDA packages, which are no part of the lock
        .uv_pip_install(*exact, extra_options="--no-deps")
        .env(
            {
                "HF_HUB_OFFLINE": "0",  # models are pinned by revision; here they have to be fetched first
                "HF_HOME": f"{STORE}/huggingface",
            }
        )
    )
    below = f"{ROOT}/{PREFIX.replace('.', '/')}" if PREFIX else ROOT
    for package in ("mi", "runners"):
        image = image.add_local_dir(HOME / package, f"{below}/{package}", ignore=NOT_SOURCE)
    if PREFIX:
        image = image.add_local_file(HOME / "__init__.py", f"{below}/__init__.py")
    own = [name.strip() for name in os.environ.get(SOURCES_VARIABLE, "").split(",") if name.strip()]
    return image.add_local_python_source(*own, ignore=NOT_SOURCE) if own else image


def hub_token() -> dict[str, str]:
    """``{"HF_TOKEN": ...}``, or nothing where the user has none."""
    token = os.environ.get("HF_TOKEN") or ""
    if not token:
        home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
        with contextlib.suppress(OSError):
            token = Path(os.environ.get("HF_TOKEN_PATH") or Path(home, "token")).read_text("utf-8")
    return {"HF_TOKEN": token.strip()} if token.strip() else {}


app = modal.App("mi-assay", include_source=False)
volume = modal.Volume.from_name(volume_name(), create_if_missing=True, version=2)


@app.function(
    image=_image(),
    volumes={STORE: volume},
    secrets=[modal.Secret.from_dict(dict(hub_token()) if modal.is_local() else {})],
    timeout=600,
    startup_timeout=600,
    retries=0,  # the conductor's business
    min_containers=0,
    max_containers=4,
    scaledown_window=IDLE,
    single_use_containers=True,  # no build sees what another one left in memory or keeps open on the volume
)
def build(job: str) -> str:
    """Do a job; see :func:`runners.engines.remote.work`. Adds ``{"lost": text, "again": bool}`` to what it may return.

    Nothing is raised, so that no exception has to be pickled: a bug of ours is an answer too. When the container is
    taken away, KeyboardInterrupt passes, and the same job begins again in the next one.
    """
    stdout, lock, key = sys.stdout, threading.Lock(), json.loads(job)["key"]

    def send(message: dict[str, Any]) -> None:
        with lock:
            stdout.write(line_of(key, message))
            stdout.flush()

    try:
        volume.reload()
        answer = work(job, Path(STORE), send, runner="modal", keep=_commit)
    except (modal.exception.Error, RuntimeError) as exc:  # what builders raise is an answer by now
        answer = json.dumps({"lost": f"the volume of the store failed: {type(exc).__name__}: {exc}", "again": True})
    except Exception:
        answer = json.dumps({"lost": f"a bug in the worker:\n{traceback.format_exc()}", "again": False})
    send(END)
    return answer


def _commit() -> None:
    """Make what was written visible to others."""
    try:
        volume.commit()
    except RuntimeError as exc:
        # After a commit, Modal's client looks at the volume anew, which open files prevent: then all is committed.
        if "open files" not in str(exc):
            raise
