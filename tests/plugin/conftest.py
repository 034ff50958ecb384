"""A court: a small project with claims of which the verdict is known before anything runs."""

import contextlib
import io
import json
import sys
from pathlib import Path

import jsonschema
import pytest
import statsmodels.stats.rates
import yaml

import ledger.assess
import ledger.summary
import ledger.terminal
import mi.claimable
import mi.contrasts.stored
from ledger.cli import main
from ledger.run import read_run

ROOT = Path(__file__).resolve().parents[2]
# In-process runs put sys.modules back afterwards; numpy must not be imported a second time.
PRELOADED = (jsonschema, statsmodels.stats.rates, yaml, ledger.assess, ledger.summary, ledger.terminal, mi.contrasts)

HEADER = """\
import numpy as np
import pytest
UP = [1.0, 1.2, 0.8] * 10         # mean +1 and little spread: above 0 without doubt
DOWN = [-v for v in UP]           # below 0 without doubt
EVEN = [1.0, -1.0] * 15           # mean exactly 0: the interval straddles 0
"""


class Court:
    """A project in a folder of its own, with ``claims/``, to be run by the plugin."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path
        self.claims = self.path / "claims"
        self.claims.mkdir()
        pytester.makeini(
            "[pytest]\naddopts = -p ledger.plugin -p no:mi_assay\nmarkers =\n    smoke: quick\n    gpu: big\n"
        )

    def register(self, report="demo", /, defaults=None, **claims):
        """``register(wins={"expected": "pass"})``: a mean above 0 on one subject unless said otherwise."""
        entries = {}
        for name, about in claims.items():
            entry = {"statement": f"what {name} says", "quantity": "score", "unit": "prompt", "design": "mean", **about}
            expected = entry.pop("expected", None)
            if not {"above", "below", "within"} & set(entry):
                entry["above"] = 0.0
            entry.setdefault("subjects", {"organism": {"expected": expected} if expected else {}})
            entries[name.replace("_", "-")] = entry
        data = {"report": report, **({"defaults": defaults} if defaults else {}), "claims": entries}
        path = self.claims / f"{report}.yaml"
        path.write_text(json.dumps(data, indent=1), "utf-8")
        return path

    def write(self, body, name="test_demo.py"):
        path = self.claims / name
        path.write_text(HEADER + body, "utf-8")
        return path

    def claim(self, name="wins", body="judge(UP)", **about):
        """One claim and its test."""
        self.register(**{name: about})
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        self.write(f"@pytest.mark.claim('demo.{name}')\ndef test_{name}(judge):\n{lines}\n")

    def many(self, n, body="judge([x + k for x in UP])"):
        """``n`` claims, each with its own numbers and its own test."""
        self.register(**{f"c{k:03d}": {} for k in range(n)})
        test = "@pytest.mark.claim('demo.c{k:03d}')\ndef test_c{k:03d}(judge):\n    k = {k}\n    {body}\n"
        self.write("".join(test.format(k=k, body=body) for k in range(n)))

    def run(self, *args):
        """pytest in this process."""
        return self.pytester.runpytest_inprocess("claims", *args)

    def run_apart(self, *args, timeout=60):
        """pytest in a process of its own."""
        return self.pytester.runpytest_subprocess("claims", *args, timeout=timeout)

    def files(self, folder=".ledger/runs"):
        return sorted((self.path / folder).glob("*.jsonl"))

    def last(self, folder=".ledger/runs"):
        """The newest run (by the time it was begun), read back."""
        runs = [read_run(path) for path in self.files(folder)]
        return max(runs, key=lambda run: (run.header["time"], run.path.stat().st_mtime_ns))

    def rows(self, folder=".ledger/runs"):
        return self.last(folder).rows

    def row(self, folder=".ledger/runs"):
        (row,) = self.rows(folder)
        return row

    def ledger(self, *args):
        """``python -m ledger ARGS`` here: exit status, output."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = main(["--root", str(self.path), *args])
        return status, out.getvalue()

    def table(self, *args):
        status, out = self.ledger("table", *args, "--format", "json")
        assert status == 0
        return json.loads(out)


@pytest.fixture
def court(pytester, monkeypatch):
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "CI", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID", "FORCE_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # "-p xdist" where a test is about it; runs start faster
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return Court(pytester)
