"""A loopback of Modal's server for tests: containers are real entrypoints of Modal's client, in file systems of their own.

The server is no part of this project; without it, or where it cannot isolate containers, these tests are skipped.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT.parent / "shared" / "tools" / "modal_loopback.py"
SOURCES = ("mi", "runners", "ledger", "fixtures", "claims", "tests", "mi_assay")
TOKEN = "hf_of_the_loopback_tests"
# What the engine asks for if it can be had, and does without otherwise.
OPTIONAL = {"WorkspaceBillingRates"}
HEARTBEAT, LOST_AFTER = 2, 6  # seconds


class Loopback:
    """A running server.

    Attributes:
        folder: everything that it keeps: blobs, volumes, arguments of containers.
        environment: what a process needs to take it for Modal.
    """

    def __init__(self, folder):
        folder.mkdir()
        ready, self.folder, self.log = folder / "ready", folder / "state", folder / "log"
        masks = [part for name in SOURCES for part in ("--mask", str(ROOT / name))]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, str(SERVER), "--dir", str(self.folder), "--ready-file", str(ready)),
                    *("--isolate", "overlay", *masks),
                ],
                env={**os.environ, "LOOPBACK_HB_TIMEOUT": str(LOST_AFTER), "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=log,
                stderr=log,
            )
        until(lambda: ready.exists() and ready.read_text(), lambda: self.log.read_text())
        said = json.loads(ready.read_text())
        self._http = said["http"]
        self.environment = {
            "MODAL_SERVER_URL": said["url"],
            "MODAL_TOKEN_ID": "ak-loopback",
            "MODAL_TOKEN_SECRET": "as-loopback",
            "MODAL_CONFIG_PATH": str(folder / "none.toml"),
            "MODAL_HEARTBEAT_INTERVAL": str(HEARTBEAT),
            "MI_ASSAY_MODAL_SOURCES": "modal_toys",
            "HF_TOKEN": TOKEN,
        }

    def control(self, **command):
        """``do="preempt", fn="build"`` takes a busy container away; ``do="fault"`` breaks a remote procedure."""
        data = json.dumps(command).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self._http}/control", data=data)).read()

    def stats(self):
        """``{"calls", "unimplemented", "events"}`` since it started."""
        return json.loads(urllib.request.urlopen(f"{self._http}/stats").read())

    def events(self, kind):
        return [event for event in self.stats()["events"] if event["kind"] == kind]

    def containers(self):
        """Process ids of containers that have not ended."""
        ended = {event["task"] for event in self.events("task_end")}
        return [event["pid"] for event in self.events("task_start") if event["task"] not in ended]

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def until(condition, about=lambda: "", seconds=60.0):
    """What ``condition`` returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"not within {seconds} s. {about()}")


def why_not(folder):
    """Why there can be no loopback here; "" if there can."""
    if not SERVER.exists():
        return "the loopback of Modal's server is not on this machine"
    for name in ("modal", "aiohttp"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed"
    trial = (
        "set -e; mount -t tmpfs none $D; mkdir $D/u $D/w $D/r; "
        "mount -t overlay overlay -o lowerdir=/,upperdir=$D/u,workdir=$D/w $D/r; chroot $D/r true"
    )
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", trial], env={**os.environ, "D": str(folder)}, capture_output=True, text=True
        )
    except OSError as exc:
        return f"no isolated containers: {exc}"
    return f"no isolated containers (they need root): {done.stderr.strip()}" if done.returncode else ""


@pytest.fixture(scope="session")
def loopback(tmp_path_factory):
    """One for this process. Modal keeps its first client and :mod:`runners.engines.modal.app` its image, so the settings stay."""
    folder = tmp_path_factory.mktemp("modal")
    (folder / "trial").mkdir()
    if reason := why_not(folder / "trial"):
        pytest.skip(reason)
    server = Loopback(folder / "loopback")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MODAL_ENVIRONMENT", raising=False)
        patch.delenv("MODAL_PROFILE", raising=False)
        for name, value in server.environment.items():
            patch.setenv(name, value)
        patch.delitem(sys.modules, "runners.engines.modal.app", raising=False)  # whoever has imported it before
        import modal.runner

        patch.setattr(modal.runner, "HEARTBEAT_INTERVAL", HEARTBEAT)
        yield server
    server.close()
