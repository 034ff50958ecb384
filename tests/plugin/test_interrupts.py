"""Ctrl-C: what was judged stays, what was not reached says so, and the run is sealed."""

import os
import signal
import subprocess
import sys
import time

import pytest

THREE = """
@pytest.mark.claim("demo.a")
def test_a(judge): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge): {how}
@pytest.mark.claim("demo.c")
def test_c(judge): judge(UP)
"""


def check(court):
    run = court.last()
    rows = {row["claim"]: row["status"] for row in run.rows}
    assert rows == {"demo.a": "decided", "demo.b": "not_run", "demo.c": "not_run"}
    assert run.problems == []
    assert (run.seal["rows"], run.seal["exitstatus"]) == (3, 2)
    assert court.ledger("verify")[0] == 0
    assert not list(court.path.rglob("*.plan.json"))


def test_an_interrupt_in_a_test(court):
    court.register(a={}, b={}, c={})
    court.write(THREE.format(how="raise KeyboardInterrupt"))
    result = court.run_apart()
    assert result.ret == 2
    check(court)
    result.stdout.fnmatch_lines(["*not run*demo.b*", "*not run*demo.c*", "*2 not run, 1 pass*"])


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "xdist"])
def test_a_real_signal(court, args):
    court.register(a={}, b={}, c={})
    court.write("import pathlib, time\n" + THREE.format(how="pathlib.Path('reached').touch(); time.sleep(60)"))
    session = subprocess.Popen(
        [sys.executable, "-m", "pytest", "claims", *args],
        cwd=court.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    give_up = time.monotonic() + 30
    while not (court.path / "reached").exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    os.killpg(session.pid, signal.SIGINT)  # a terminal sends it to the whole group
    out = session.communicate(timeout=30)[0].decode()
    assert session.returncode == 2, out
    check(court)


@pytest.mark.parametrize("how", ["pytest.exit('enough')", "raise SystemExit(3)"])
def test_other_ways_out(court, how):
    court.register(a={}, b={}, c={})
    court.write(THREE.format(how=how))
    result = court.run_apart()
    assert result.ret != 0
    run = court.last()
    assert [row["claim"] for row in run.rows] == ["demo.a", "demo.b", "demo.c"]
    assert run.rows[0]["verdict"] == "pass"
    assert run.rows[1]["verdict"] is None
    assert run.seal["rows"] == 3
