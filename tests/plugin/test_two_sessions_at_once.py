"""Two sessions in one folder at the same time write two runs, each whole."""

import subprocess
import sys

from ledger.run import read_run

SLOW = """
import time
@pytest.mark.claim("demo.c{k:03d}")
def test_c{k:03d}(judge):
    time.sleep(0.05)
    judge([x + {k} for x in UP])
"""


def test_they_do_not_mix(court):
    court.register(**{f"c{k:03d}": {} for k in range(10)})
    court.write("".join(SLOW.format(k=k) for k in range(10)))
    argv = [sys.executable, "-m", "pytest", "claims", "-p", "no:cacheprovider"]
    sessions = [subprocess.Popen(argv, cwd=court.path, stdout=subprocess.PIPE) for _ in range(2)]
    out = [session.communicate(timeout=60)[0].decode() for session in sessions]
    assert [session.returncode for session in sessions] == [0, 0], out
    first, second = (read_run(path) for path in court.files())
    assert first.id != second.id
    for run in (first, second):
        assert [row["claim"] for row in run.rows] == [f"demo.c{k:03d}" for k in range(10)]
        assert {row["run"] for row in run.rows} == {run.id}
        assert (run.seal["rows"], run.problems) == (10, [])
        assert court.ledger("verify", str(run.path))[0] == 0
    assert not list(court.path.rglob("*.plan.json"))
    assert not list(court.path.rglob("*.tmp"))


def test_sessions_in_one_second_have_different_ids(court):
    court.claim()
    for _ in range(5):
        court.run()
    assert len(court.files()) == 5
    assert len({read_run(path).id for path in court.files()}) == 5
