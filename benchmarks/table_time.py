"""How long the commands take that people wait for, and how much memory, over runs of 1,000 to 100,000 rows.

python -m benchmarks.table_time [ROWS ...]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ledger.assess import assess
from ledger.claim import Claim
from ledger.row import undecided_row
from ledger.run import RunWriter
from ledger.verdict import Bound
from mi.claimable import mean

ROOT = Path(__file__).resolve().parent.parent
HEADER = {"schema": 1, "time": "2026-01-01T00:00:00Z", "git": {"commit": "0" * 40, "dirty": False}}
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def main(*sizes: int) -> None:
    print(f"{'command':<44}{'seconds':>9}{'MiB':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows in sizes or (1_000, 10_000, 100_000):
            path = write_run(folder, rows)
            for form in ("term", "md", "json"):
                report(f"ledger table, {rows:,} rows, {form}", "ledger", "table", str(path), "--format", form)
            path.unlink()
    report("ledger --help", "ledger", "--help")
    report("pytest --co claims", "pytest", "--co", "-q", "claims")


def write_run(folder: Path, rows: int) -> Path:
    """A run of ``rows`` rows that were really judged: a third each pass, fail and are inconclusive."""
    path = folder / f"2026-01-01T000000Z-{rows}.jsonl"
    spread = [-1.0, 1.0] * 15
    judged = [
        assess(claim("c", k), mean([v + shift for v in spread])).fields for k, shift in enumerate((5.0, -5.0, 0.0))
    ]
    writer = RunWriter(path, {"run": path.stem, **HEADER})
    for k in range(rows):
        row = undecided_row(claim(f"c{k // 20}", k % 20), f"claims/test_speed.py::test_c{k}", k)
        row |= {**judged[k % 3], "status": "decided", "run": path.stem}
        writer.append(row)
    writer.seal({"exitstatus": 0, "seconds": 0.0})
    writer.close()
    return path


def claim(name: str, k: int) -> Claim:
    return Claim(
        id=f"speed.{name}",
        report="speed",
        statement="Ours scores above nothing.",
        quantity="score",
        unit="prompt",
        design="mean",
        bound=Bound("above", 0.0),
        subject="a-model",
        params={"k": k},
        family="speed",
        where="speed.yaml:7",
    )


def report(label: str, *module: str) -> None:
    """Seconds and peak memory of ``python -m MODULE``."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = time.perf_counter()
    argv = [sys.executable, "-c", MEASURE, sys.executable, "-m", *module]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True)
    taken = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr)
    print(f"{label:<44}{taken:>9.2f}{int(done.stdout.split()[-1]) / 1024:>8.0f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
