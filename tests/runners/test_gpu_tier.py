"""The gpu tier without a GPU: its plan, and its claims on a tiny random model through every engine.

``MI_ASSAY_WHOLE_TIER=1`` judges all of its claims through each engine; on two cores some three minutes, on Modal's loopback a quarter of an hour.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ray_cluster import needs_ray

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
SAME = ("status", "verdict", "estimate", "lo", "hi", "artifacts", "reason")
SOME = () if os.environ.get("MI_ASSAY_WHOLE_TIER") else ("-k", "test_reconstructs or test_beats_control_coders")
REHEARSAL = ("--subject", "stand-in/gemma2", "--like", "gemma-2-2b", *SOME)
MINUTES = 60 if not SOME else 8


def session(folder, *args, claims=ROOT / "claims", ledger="runs", environment=None):
    """pytest on the gpu tier: ``(status, text, rows by test)``."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "MODAL_", "RAY_"))}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})}
    before = set(folder.glob(f"{ledger}/*.jsonl"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(claims), "-m", "gpu", "-q", "-p", "no:cacheprovider"),
            *(
                "--rootdir",
                str(folder),
                "-c",
                str(ROOT / "pytest.ini"),
            ),  # the journal of spending is in the root's .ledger
            *("--store", str(folder / "store"), "--ledger", str(folder / ledger), "--verdicts=none", *args),
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
    )
    rows = {}
    for path in set(folder.glob(f"{ledger}/*.jsonl")) - before:
        lines = map(json.loads, path.read_text("utf-8").splitlines())
        rows |= {line["nodeid"][line["nodeid"].index("test_") :]: line for line in lines if "claim" in line}
    return done.returncode, done.stdout + done.stderr, rows


def same(name, row):
    """What has to be equal, where the row has it; claims about what the machine changes have no estimate that is."""
    kept = SAME if not name.startswith("test_portability") else ("status", "verdict", "artifacts")
    return {key: row.get(key) for key in kept}


def built(text):
    return re.findall(r"^building .*\((\w{12})\)$", text, flags=re.M)


def planned(text):
    return re.findall(r"^ +[\d.]+ +[\d.]+  .*\((\w{12})\)$", text, flags=re.M)


def is_free(text):
    """Nothing is planned but questions for language models that nobody serves here, and those are asked from here."""
    unserved = re.findall(r"^ +[\d.]+ +0\.00  here +Qwen/\S+ on .*\((\w{12})\)$", text, flags=re.M)
    return "nothing is built" in text or planned(text) == unserved != []


def test_the_plan_prices_every_claim_on_gemma_and_builds_nothing(tmp_path):
    """Without Gemma, without a token, without a GPU."""
    status, text, rows = session(tmp_path, "--plan", "--runner=modal", environment={"MODAL_CONFIG_PATH": "/nowhere"})
    assert status == 0, text
    assert rows == {}
    assert not list(tmp_path.glob("store/v1/artifacts/*"))
    _, collected, _ = session(tmp_path, "--collect-only")
    cells = re.findall(r"::test_\w+\[", collected)
    assert len(cells) > 150
    _, _, tests = text.partition("tests, each with all that it needs")
    lines = re.findall(r"^ +[1-9]\d*\+? +[\d.]+ +([\d.]+) +([a-z0-9-]+\.[a-z0-9-]+\[gemma-2-2b.*)$", tests, flags=re.M)
    assert len(lines) == len(cells)
    assert [name for usd, name in lines if float(usd) == 0] == []
    assert len(planned(text)) > 100
    assert re.search(
        r"\d+ builds for \d+ tests: \$\d+\.\d\d expected, \$\d+\.\d\d at worst, in about \d+ minutes", text
    )
    assert "prices of 20" in text
    assert "--approve=" in text


@pytest.fixture(scope="module")
def inline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inline")
    return session(folder, *REHEARSAL, environment={"MI_ASSAY_DEVICE": "cpu"})


def test_what_was_planned_is_what_is_built(inline, tmp_path):
    """Planning follows tests by imagined numbers; here they meet the real ones."""
    _, text, rows = inline
    _, plan, _ = session(tmp_path, *REHEARSAL, "--plan", environment={"MI_ASSAY_DEVICE": "cpu"})
    assert set(planned(plan)) == set(built(text))
    assert len(built(text)) == len(set(built(text)))
    assert rows


class Elsewhere:
    """An engine, and what a user sets for it."""

    def __init__(self, runner, environment, server=None):
        self.runner, self.environment, self.server = runner, environment, server

    def started(self):
        """Apps and containers, ever."""
        kinds = ("app_create", "task_start")
        return sum(len(self.server.events(kind)) for kind in kinds) if self.server else 0


@pytest.fixture(params=["ray", "modal"])
def elsewhere(request, tmp_path):
    device = {"MI_ASSAY_DEVICE": "cpu"}
    if request.param == "modal":
        server = request.getfixturevalue("loopback")
        own = {**server.environment, "MI_ASSAY_MODAL_SOURCES": ""}
        return Elsewhere("modal", {**own, **device, "MI_ASSAY_MODAL_VOLUME": f"tier-{tmp_path.name[-20:]}"}, server)
    if needs_ray.args[0]:
        pytest.skip(needs_ray.kwargs["reason"])
    return Elsewhere("ray", device)


def test_verdicts_and_digests_are_those_of_inline_and_the_next_run_is_free(inline, elsewhere, tmp_path):
    run = (*REHEARSAL, f"--runner={elsewhere.runner}", "--approve=100")
    _, text, rows = session(tmp_path, *run, environment=elsewhere.environment)
    _, _, expected = inline
    assert rows.keys() == expected.keys(), text
    assert {k: same(k, r) for k, r in rows.items()} == {k: same(k, r) for k, r in expected.items()}, text
    assert built(text), text
    assert (sum(row["cost"]["spent_usd"] for row in rows.values()) > 0) == (elsewhere.runner == "modal")

    started = elsewhere.started()
    _, text, again = session(tmp_path, *run, environment=elsewhere.environment)
    assert is_free(text), text
    assert {k: r["verdict"] for k, r in again.items()} == {k: r["verdict"] for k, r in rows.items()}

    # Another bound, in a ledger that has seen nothing yet: judged from what is at home.
    claims = tmp_path / "claims"
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copytree(ROOT / "claims", claims, ignore=shutil.ignore_patterns("__pycache__"))
    promise = (claims / "coders.yaml").read_text("utf-8")
    (claims / "coders.yaml").write_text(promise.replace("    below: 0.2\n", "    below: 0.99\n", 1), "utf-8")
    test = (claims / "test_coders.py").read_text("utf-8")
    (claims / "test_coders.py").write_text(test.replace("below=0.2", "below=0.99", 1), "utf-8")
    _, text, other = session(tmp_path, *run, claims=claims, ledger="anew", environment=elsewhere.environment)
    assert is_free(text), text
    changed = {k for k, r in other.items() if r["bound"] == 0.99 and r["verdict"] == "pass"}
    assert {k.partition("[")[0] for k in changed} == {"test_coders.py::test_reconstructs"}
    assert elsewhere.started() == started
