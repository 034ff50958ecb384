"""What the plugin costs: whole pytest sessions with and without it, best of several, in one run.

    python -m benchmarks.overhead [ROUNDS]

Sessions alternate, so that a machine that slows down slows both.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAIN, CLAIMS = 500, 300
TRIVIAL = "def test_{k}(): assert {k} >= 0\n"
WORK = "import numpy as np\n\ndef scores(k): return np.random.default_rng(k).normal(1, 0.1, 200)\n\n"
MEASURED = "def test_{k}():\n    assert mean(scores({k})).interval().lo > 0\n"
CLAIMED = '@pytest.mark.claim("speed.c{k}")\ndef test_{k}(judge): judge(mean(scores({k})))\n'


def main(rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sessions(folder)
        cases = [
            ("bare", ["test_trivial.py"]),
            ("with plugin", ["-p", "ledger.plugin", "test_trivial.py"]),
            ("measured", ["test_measured.py"]),
            ("judged", ["-p", "ledger.plugin", "test_claims.py"]),
            ("judged, -n 2", ["-p", "ledger.plugin", "-p", "xdist", "-n", "2", "test_claims.py"]),
        ]
        best = {label: float("inf") for label, _ in cases}
        for _ in range(rounds):
            for label, args in cases:
                best[label] = min(best[label], seconds(folder, args))
    print(f"{'session':<34}{'seconds':>9}{'ms/test':>9}{'ratio':>8}")
    for label, what, n, against in (
        ("bare", f"{PLAIN} trivial tests, bare pytest", PLAIN, "bare"),
        ("with plugin", f"{PLAIN} trivial tests, with plugin", PLAIN, "bare"),
        ("measured", f"{CLAIMS} tests, interval computed", CLAIMS, "measured"),
        ("judged", f"{CLAIMS} claims, judged and kept", CLAIMS, "measured"),
        ("judged, -n 2", f"{CLAIMS} claims, -n 2", CLAIMS, "measured"),
    ):
        t = best[label]
        print(f"{what:<34}{t:>9.2f}{1000 * t / n:>9.2f}{t / best[against]:>8.2f}")


def write_sessions(folder: Path) -> None:
    (folder / "pytest.ini").write_text("[pytest]\n")
    work = WORK + "from mi.claimable import mean\n\n"
    (folder / "test_trivial.py").write_text("".join(TRIVIAL.format(k=k) for k in range(PLAIN)))
    (folder / "test_measured.py").write_text(work + "".join(MEASURED.format(k=k) for k in range(CLAIMS)))
    (folder / "test_claims.py").write_text(
        "import pytest\n" + work + "".join(CLAIMED.format(k=k) for k in range(CLAIMS))
    )
    claim = {"statement": "s", "quantity": "q", "unit": "prompt", "design": "mean", "above": 0.0, "subjects": {"m": {}}}
    claims = {f"c{k}": claim for k in range(CLAIMS)}
    (folder / "speed.yaml").write_text(json.dumps({"report": "speed", "claims": claims}, indent=1))


def seconds(folder: Path, args: list[str]) -> float:
    """Wall time of one session; every one must pass, and none finds the ledger of another."""
    ledger = tempfile.mkdtemp(dir=folder)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args]
    if "ledger.plugin" in args:
        argv += [f"--ledger={ledger}"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    begun = time.perf_counter()
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    taken = time.perf_counter() - begun
    for path in Path(ledger).iterdir():
        path.unlink()
    return taken


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
