"""A warm smoke session, in which everything is in the store, against bare pytest.

    python -m benchmarks.workshop.warm

Works on the store that `make smoke` uses, and runs the smoke claims once before it measures, so that it is warm: in a
checkout where they have never run, that builds everything first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .turns import ROUNDS, head, line, over, tail

ROOT = Path(__file__).resolve().parents[2]
MODEL_LIBRARIES = (
    "datasets",
    "sae_lens",
    "safetensors",
    "sparsify",
    "tokenizers",
    "torch",
    "transformer_lens",
    "transformers",
)
EMPTY, COLLECTED, WARM = "bare pytest, one empty test", "smoke claims, collected only", "smoke claims, warm"
SEEN = "MI_ASSAY_BENCH_SEEN"


def main() -> None:
    head("warm smoke against bare pytest", "1 process, numpy's default number of threads")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty(): pass\n")
        (folder / "pytest.ini").write_text("[pytest]\n")
        cold, summary, _ = session(ROOT, *SMOKE, folder=folder)
        arms = {
            EMPTY: lambda: session(folder, "-p", "no:cacheprovider", folder=folder)[0],
            COLLECTED: lambda: session(ROOT, *SMOKE, "--collect-only", folder=folder)[0],
            WARM: lambda: session(ROOT, *SMOKE, folder=folder),
        }
        taken: dict[str, list[float]] = {arm: [] for arm in arms}
        seen: set[str] = set()
        for _ in range(ROUNDS):
            taken[EMPTY].append(arms[EMPTY]())
            taken[COLLECTED].append(arms[COLLECTED]())
            spent, summary, found = arms[WARM]()
            taken[WARM].append(spent)
            seen |= found
    for arm in arms:
        line(f"{arm}: seconds", taken[arm])
    line(f"{WARM} / {EMPTY}", over(taken[WARM], taken[EMPTY]), digits=1)
    line(f"{WARM} / {COLLECTED}", over(taken[WARM], taken[COLLECTED]), digits=1)
    tail(
        f"{summary} (the session before took {cold:.1f} s); model libraries imported: {', '.join(sorted(seen)) or 'none'}"
    )


SMOKE = ("claims", "-m", "smoke", "-p", "benchmarks.workshop.warm")


def session(cwd: Path, *args: str, folder: Path) -> tuple[float, str, set[str]]:
    """Wall time of a pytest session, its last line, and the model libraries that it had imported in the end."""
    seen = Path(tempfile.mkstemp(dir=folder)[1])
    argv = [sys.executable, "-m", "pytest", "-q", *args]
    if cwd == ROOT:
        argv += [f"--ledger={tempfile.mkdtemp(dir=folder)}"]
    env = {**os.environ, SEEN: str(seen)}
    begun = time.perf_counter()
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True)
    spent = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
    return spent, done.stdout.strip().splitlines()[-1].strip("= "), set(seen.read_text().split())


def pytest_unconfigure() -> None:
    """As a plugin of the measured session: say which model libraries there are."""
    if SEEN in os.environ:
        Path(os.environ[SEEN]).write_text(" ".join(name for name in MODEL_LIBRARIES if name in sys.modules))


if __name__ == "__main__":
    main()
