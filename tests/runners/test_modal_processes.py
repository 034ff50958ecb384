"""The engine modal in processes of their own: killed, interrupted, without what it needs, installed from the wheel."""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from modal_loopback import ROOT, until

HERE = Path(__file__).resolve().parent
installed = pytest.mark.skipif(importlib.util.find_spec("modal") is None, reason="modal is not installed")

PROGRAM = """
import sys, time
from runners.engines.engine import Job
from runners.errors import RunnersError
from runners.engines.modal.engine import ModalEngine
from runners.progress import SILENT
from runners.session import Session
from modal_toys import toy
engine = ModalEngine(None, SILENT, 1)
recipe = toy("sleep", seconds=120, tag="apart")
try:
    engine.open([recipe])
    handle = engine.submit(Job(recipe, Session(), "k", 300.0), lambda message: print(message, flush=True))
    while handle.poll() is None:
        time.sleep(0.2)
except RunnersError as exc:
    sys.exit(f"refused: {exc}")
finally:
    engine.close()
"""


def apart(code=PROGRAM, **variables):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MODAL_") and k not in variables}
    variables = {name: value for name, value in variables.items() if value is not None}
    environment = {**kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", "PYTHONDONTWRITEBYTECODE": "1", **variables}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd="/", **pipes)


def running(server):
    process = apart(**server.environment)
    for line in process.stdout:
        if "'update'" in line or "'bar'" in line:
            return process
    raise AssertionError(process.stderr.read())


def test_a_killed_client_leaves_no_container(loopback):
    process = running(loopback)
    assert loopback.containers()
    process.kill()
    process.communicate()
    until(lambda: not loopback.containers(), seconds=30)


def test_an_interrupted_client_leaves_no_container_and_says_so(loopback):
    process = running(loopback)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert "KeyboardInterrupt" in errors
    until(lambda: not loopback.containers(), seconds=10)


def refusal(code=PROGRAM, **variables):
    start = time.monotonic()
    process = apart(code, **variables)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("refused: ")
    assert errors.count("\n") == 1, errors
    return errors, time.monotonic() - start


@installed
def test_without_a_token(tmp_path):
    said, _ = refusal(MODAL_CONFIG_PATH=str(tmp_path / "none.toml"))
    assert "no usable token for Modal" in said
    assert "modal token new" in said
    assert "--runner=local" in said


@installed
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://192.0.2.1:443"])
def test_without_a_network(tmp_path, url):
    soon = "import runners.engines.modal.access\nrunners.engines.modal.access.PATIENCE = 2.0\n" + PROGRAM
    about = {"MODAL_SERVER_URL": url, "MODAL_TOKEN_ID": "ak-x", "MODAL_TOKEN_SECRET": "as-x"}
    said, seconds = refusal(soon, MODAL_CONFIG_PATH=str(tmp_path / "none.toml"), **about)
    assert "cannot be reached" in said
    assert seconds < 15


def test_without_the_package():
    said, _ = refusal("import sys\nsys.modules['modal'] = None\n" + PROGRAM)
    assert 'pip install "mi-assay[modal]"' in said


def test_with_a_token_that_is_refused(loopback):
    loopback.control(do="fault", rpc="ClientHello", times=1, status="UNAUTHENTICATED")
    said, _ = refusal(**loopback.environment)
    assert "refused the token" in said


def test_without_a_hub_token(loopback, tmp_path):
    """An empty secret, then."""
    variables = {**loopback.environment, "HF_HOME": str(tmp_path), "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
    process = apart(QUICK, **{**variables, "HF_TOKEN": ""})
    said, errors = process.communicate(timeout=60)
    assert f'"token": "{hashlib.sha256(b"").hexdigest()}"' in said, errors


def test_with_sources_that_are_not_there(loopback):
    said, _ = refusal(**{**loopback.environment, "MI_ASSAY_MODAL_SOURCES": "modal_toys, nowhere_at_all"})
    assert "could not be started" in said
    assert "nowhere_at_all" in said


OWN = """
from pathlib import Path
import mi_assay.mi.organism, mi_assay.runners.home as home

def own(out, *, progress):
    folder = Path(mi_assay.mi.organism.__file__).parent
    return {"home": home.__file__, "weights": len(list(folder.rglob("*.safetensors")))}
"""


QUICK = """
import time
from runners.engines.engine import Job
from runners.engines.modal.engine import ModalEngine
from runners.progress import SILENT
from runners.recipe import Recipe
from runners.session import Session
engine = ModalEngine(None, SILENT, 1)
recipe = Recipe("modal_toys:token", 1, {"tag": "none"})
try:
    engine.open([recipe])
    handle = engine.submit(Job(recipe, Session(), "k", 300.0), print)
    while (outcome := handle.poll()) is None:
        time.sleep(0.2)
    print(outcome.manifest)
finally:
    engine.close()
"""


def test_installed_from_the_wheel(loopback, tmp_path):
    """The packages lie below ``mi_assay`` then, here and there."""
    site = tmp_path / "site"
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mi_assay", site / "mi_assay", ignore=skipped)
    for name in ("mi", "runners", "ledger"):
        shutil.copytree(ROOT / name, site / "mi_assay" / name, ignore=skipped)
    shutil.copy(ROOT / "requirements.lock", site / "mi_assay")
    (site / "own_builders.py").write_text(OWN)
    code = (
        QUICK.replace("from runners", "from mi_assay.runners")
        .replace("modal_toys:token", "own_builders:own")
        .replace(', {"tag": "none"}', "")
    )
    process = apart(code, **{**loopback.environment, "PYTHONPATH": str(site), "MI_ASSAY_MODAL_SOURCES": "own_builders"})
    said, errors = process.communicate(timeout=60)
    assert '"home": "/root/mi_assay/runners/home.py"' in said, errors
    assert '"weights": 0' not in said
