"""A worker that dies takes its process with it and not its claim: the row says ``crashed``."""

import pytest

KILLED = """
import os, signal
@pytest.mark.claim("demo.c{k:03d}")
def test_c{k:03d}(judge):
    if {k} in {dead}:
        os.kill(os.getpid(), signal.SIGKILL)
    judge(UP)
"""


@pytest.mark.parametrize("dead", [[0], [3, 8]], ids=str)
def test_a_killed_worker_leaves_a_crashed_row_and_all_the_others(court, dead):
    court.register(**{f"c{k:03d}": {} for k in range(12)})
    court.write("".join(KILLED.format(k=k, dead=dead) for k in range(12)))
    result = court.run("-p", "xdist", "-n", "2", "--max-worker-restart=4")
    assert result.ret == 1
    rows = {row["claim"]: row["status"] for row in court.rows()}
    assert rows == {f"demo.c{k:03d}": "crashed" if k in dead else "decided" for k in range(12)}
    said = " ".join(result.stdout.str().split())
    assert "the worker process died during this test" in said
    assert f"{len(dead)} crashed" in said
    assert court.last().seal["rows"] == 12


def test_with_no_worker_left_the_unreached_claims_are_not_run(court):
    court.register(**{f"c{k:03d}": {} for k in range(6)})
    court.write("".join(KILLED.format(k=k, dead=list(range(6))) for k in range(6)))
    result = court.run("-p", "xdist", "-n", "1", "--max-worker-restart=0")
    assert result.ret != 0
    statuses = [row["status"] for row in court.rows()]
    assert len(statuses) == 6
    assert statuses.count("crashed") == 1
    assert statuses.count("not_run") == 5


def test_a_death_after_the_verdict_keeps_the_verdict(court):
    court.register(wins={})
    court.write("""
import os, signal, time
@pytest.fixture
def last_breath():
    yield
    time.sleep(0.3)  # the verdict is on its way to the controller
    os.kill(os.getpid(), signal.SIGKILL)
@pytest.mark.claim("demo.wins")
def test_wins(judge, last_breath): judge(UP)
""")
    result = court.run("-p", "xdist", "-n", "1")
    assert result.ret != 0
    assert (court.row()["status"], court.row()["verdict"]) == ("decided", "pass")


def test_a_crashed_ordinary_test_is_nobodys_claim(court):
    court.register(wins={})
    court.write("""
import os, signal
@pytest.mark.claim("demo.wins")
def test_wins(judge): judge(UP)
def test_plain(): os.kill(os.getpid(), signal.SIGKILL)
""")
    court.run("-p", "xdist", "-n", "1")
    assert court.row()["verdict"] == "pass"
