"""Commands that only read rows start without anything that a bare machine lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "scipy", "pandas", "statsmodels", "torch", "yaml", "jsonschema", "jinja2", "pytest")
SCRIPT = f"""
import sys
from ledger.cli import main
status = main(sys.argv[1:])
loaded = [name for name in {HEAVY} if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else status)
"""


@pytest.mark.parametrize(
    "command",
    [
        ("table",),
        ("table", "--format", "md"),
        ("table", "--format", "json"),
        ("show", "wins"),
        ("diff", "2026-11-20", "2026-11-21"),
        ("comment", "2026-11-20", "2026-11-21"),
        ("gate",),
        ("path",),
    ],
    ids=" ".join,
)
def test_reading_rows_loads_nothing_heavy(mixed_run, clean_run, tmp_path, command):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--root", str(tmp_path), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout


def test_the_module_runs_as_a_command(mixed_run, tmp_path):
    argv = [sys.executable, "-m", "ledger", "--root", str(tmp_path), "gate"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("gate closed: run 2026-11-20T120000Z-aaaaaa, 17 rows")
