"""SIGKILL at any moment: what the terminal has reported is in the run file, and what is left can be read."""

import json
import subprocess
import sys

import pytest

from ledger.run import check_chain, read_run
from ledger.verify import verify

CLAIMS = 60
# One process imports everything once and forks a session per kill. A kill comes when `reached` claims
# have been reported, and a random moment later; that spreads the kills however fast the machine is.
KILLER = """
import json, os, random, signal, sys, time
import pytest, jsonschema, yaml
import ledger.assess, ledger.judge, ledger.outcome, ledger.recorder, ledger.terminal, mi.claimable
seed, kills, claims = map(int, sys.argv[1:])
chance = random.Random(seed)

def reported(seen):
    try:
        with open(seen) as f:
            return f.read().count("\\n")
    except OSError:
        return 0

for k in range(kills):
    folder, seen = f"runs-{seed}-{k}", f"seen-{seed}-{k}"
    reached = chance.randrange(claims + 1)
    child = os.fork()
    if not child:
        os.environ["SEEN"] = seen
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        os._exit(pytest.main(["claims", "-p", "no:cacheprovider", "--ledger", folder]))
    give_up = time.monotonic() + 60
    while reported(seen) < reached and time.monotonic() < give_up:
        time.sleep(0.0005)
    time.sleep(chance.random() * (0.3 if reached in (0, claims) else 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(json.dumps([folder, seen, reached]))
"""
CONFTEST = """
import os, pytest
@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    if report.when == "call":
        with open(os.environ["SEEN"], "a") as f:
            f.write(report.nodeid + "\\n")
"""


def killed_sessions(court, seed, kills):
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(seed), str(kills), str(CLAIMS)],
        cwd=court.path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("seed", range(5))
def test_ten_kills_lose_no_reported_claim(court, seed):
    court.many(CLAIMS)
    court.pytester.makeconftest(CONFTEST)
    in_flight = 0
    for folder, seen, reached in killed_sessions(court, seed, 10):
        seen = court.path / seen
        reported = seen.read_text().splitlines() if seen.exists() else []
        assert len(reported) >= reached
        files = court.files(folder)
        if not reported and not files:
            continue  # killed before the first claim
        (path,) = files
        run = read_run(path)
        kept = {row["nodeid"]: row["verdict"] for row in run.rows}
        assert set(reported) <= set(kept)
        # at most the one claim whose report was on its way may be there beyond those reported
        assert len(kept) <= len(reported) + 1
        assert check_chain(path) == []
        assert all(p.startswith(("not sealed", "line ")) for p in run.problems)
        assert (run.seal is None) == bool(run.problems)
        assert len(court.table(str(path))) == len(kept)
        in_flight += run.seal is None
    assert in_flight >= 5  # the kills did come while sessions ran


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_while_the_run_is_sealed(court, moment):
    court.many(5)
    court.pytester.makeconftest(f"""
import os, pathlib, signal
replace = pathlib.Path.replace
def killing(self, target):
    if str(target).endswith(".jsonl"):
        if {moment == "after"}:
            replace(self, target)
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
pathlib.Path.replace = killing
""")
    assert court.run_apart().ret != 0
    run = court.last()
    assert len(run.rows) == 5
    assert (run.seal is None) == (moment == "before")
    found = verify(run)
    assert found.recomputed == 5  # the scores of every row are there as well
    assert found.problems == run.problems


def test_the_next_session_counts_the_looks_of_a_killed_one(court):
    court.claim(body="judge(UP)\nimport os, signal\nif os.environ.get('DIE'): os.kill(os.getpid(), signal.SIGKILL)")
    court.register(first={}, wins={})
    court.write("""
import os, signal
@pytest.mark.claim("demo.first")
def test_first(judge): judge(UP if os.environ.get("DIE") else DOWN)
@pytest.mark.claim("demo.wins")
def test_wins(judge):
    if os.environ.get("DIE"): os.kill(os.getpid(), signal.SIGKILL)
    judge(UP)
""")
    court.pytester._monkeypatch.setenv("DIE", "1")
    assert court.run_apart().ret != 0
    court.pytester._monkeypatch.delenv("DIE")
    court.run()
    (first,) = (r for path in court.files() for r in read_run(path).rows if r["verdict"] == "fail")
    assert first["attempt"] == 2
