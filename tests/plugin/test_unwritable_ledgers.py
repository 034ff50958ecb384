"""A ledger that cannot be written costs no verdict: the table is printed, a message says why, and the exit status is 1."""

import errno
import os
from types import SimpleNamespace

import pytest

from ledger.run import read_run

LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
"""


def check(result, message, ret=1, passed=3):
    assert result.ret == ret
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    said = " ".join(result.stdout.str().split())
    assert "the ledger could not be written" in said
    assert message in said
    assert "--ledger DIR" in said
    assert "next:" not in said
    assert sum(line.startswith("●") for line in result.outlines) == passed  # --verdicts=all shows every verdict


@pytest.fixture
def three(court):
    court.many(3)
    return court


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "xdist"])
def test_a_file_where_the_folder_should_be(three, args):
    (three.path / "taken").write_text("mine")
    check(three.run("--verdicts=all", "--ledger=taken", *args), "File exists" if not args else "taken")
    assert (three.path / "taken").read_text() == "mine"


def test_a_folder_below_a_file(three):
    (three.path / ".ledger").write_text("mine")
    check(three.run("--verdicts=all"), "Not a directory")
    assert (three.path / ".ledger").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(three):
    folder = three.path / "kept"
    folder.mkdir(mode=0o555)
    check(three.run("--verdicts=all", "--ledger=kept"), "Permission denied")


def full_after(limit, *, times=10**9):
    """``os`` for the run file, on a disk that takes ``limit`` bytes and then fails ``times`` times."""
    room, failures = [limit], [times]

    def write(fd, data):
        if len(data) > room[0] and failures[0]:
            taken, room[0] = room[0], 0
            if taken:
                return os.write(fd, data[:taken])
            failures[0] -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= len(data)
        return os.write(fd, data)

    return SimpleNamespace(**{**vars(os), "write": write})


@pytest.mark.parametrize("limit", [0, 100, 2500, 6000])
def test_a_full_disk(three, monkeypatch, limit):
    monkeypatch.setattr("ledger.run.os", full_after(limit))
    check(three.run("--verdicts=all"), "No space left on device")
    (path,) = three.files()
    if limit > 2000:  # what was written before can be read, and does not claim to be whole
        run = read_run(path)
        assert len(run.rows) < 3
        assert run.seal is None
        assert any("torn" in problem for problem in run.problems)


def test_a_disk_that_was_full_for_a_moment_leaves_no_run_that_looks_whole(three, monkeypatch):
    monkeypatch.setattr("ledger.run.os", full_after(2500, times=1))
    check(three.run("--verdicts=all"), "No space left on device")
    (path,) = three.files()
    assert read_run(path).seal is None


@pytest.mark.parametrize("limit", [1500, 5000])
def test_a_limit_on_file_sizes(three, limit):
    three.pytester.makeconftest(LIMITED.format(limit=limit))
    check(three.run_apart("--verdicts=all", "-s", "-p", "no:cacheprovider"), "File too large")


def test_a_failed_claim_keeps_its_own_exit_status(court):
    court.claim(body="raise KeyboardInterrupt")
    (court.path / "taken").write_text("mine")
    assert court.run_apart("--ledger=taken").ret == 2


def test_without_verdicts_the_message_still_comes(three):
    (three.path / "taken").write_text("mine")
    check(three.run("-q", "--ledger=taken"), "taken", passed=0)
