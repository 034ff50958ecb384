"""Looks at new data are counted over sessions, and each spends its part of the error."""

from math import pi

import pytest

SECOND = "[v + 0.01 for v in UP]"
THIRD = "[v + 0.02 for v in UP]"


def level(k):
    return pytest.approx(1 - 2 * 0.025 * 6 / (pi * k) ** 2, abs=1e-9)


def judged(court, scores, *args, folder=".ledger/runs", **about):
    """The result of a session, and its only row."""
    court.claim(body=f"judge({scores})", **about)
    before = set(court.files(folder))
    result = court.run(*args)
    (new,) = set(court.files(folder)) - before
    (row,) = court.table(str(new))
    return result, row


def test_the_same_data_are_a_replay(court):
    rows = [judged(court, "UP")[1] for _ in range(3)]
    assert [row["attempt"] for row in rows] == [1, 1, 1]
    assert [row["replay"] for row in rows] == [False, True, True]
    assert [row["level"] for row in rows] == [level(1)] * 3


def test_new_data_are_a_new_attempt_with_a_wider_interval(court):
    rows = [judged(court, scores)[1] for scores in ("UP", SECOND, THIRD, "UP", SECOND)]
    assert [row["attempt"] for row in rows] == [1, 2, 3, 1, 2]
    assert [row["level"] for row in rows] == [level(k) for k in (1, 2, 3, 1, 2)]
    widths = [row["hi"] - row["lo"] for row in rows]
    assert widths[0] < widths[1] < widths[2]
    assert sum(row["alpha_spent"] for row in rows[:3]) < 0.025


def test_the_table_says_which_attempt_it_was(court):
    judged(court, "UP")
    result, _ = judged(court, SECOND, "--verdicts=all")
    result.stdout.fnmatch_lines(["*attempt 2, judged at 99.24%*"])


def test_one_look_is_one_look(court):
    result, row = judged(court, "UP", looks="one")
    assert (result.ret, row["verdict"], row["level"]) == (0, "pass", pytest.approx(0.95))
    result, row = judged(court, SECOND, looks="one")
    assert result.parseoutcomes() == {"inconclusive": 1}
    assert row["verdict"] == "inconclusive"
    assert row["reason"]["short"] == "look spent"
    result, row = judged(court, "UP", looks="one")  # the look that was registered may be repeated
    assert (result.ret, row["verdict"]) == (0, "pass")


@pytest.mark.parametrize("scores", ["1 / 0", "[1.0]"], ids=["error", "refused"])
def test_what_gave_no_verdict_spent_nothing(court, scores):
    judged(court, scores)
    assert judged(court, "UP")[1]["attempt"] == 1


def test_another_cell_spends_nothing(court):
    judged(court, "UP")
    row = judged(court, SECOND, subjects={"gpt2": {}})[1]
    assert (row["subject"], row["attempt"]) == ("gpt2", 1)


def test_a_promise_that_moved_is_noted(court):
    judged(court, "UP")
    result, row = judged(court, "UP", above=0.5)
    assert (result.ret, row["verdict"]) == (0, "pass")
    assert row["promise_changed"]["keys"] == {"bound": [0.0, 0.5]}
    result.stdout.fnmatch_lines(["*1 pass*"])
    court.run("--verdicts=all").stdout.fnmatch_lines(["*PROMISE CHANGED*bound 0.0*0.5*"])


def test_a_recorded_promise_may_not_move(court):
    _, first = judged(court, "UP", "--record", folder="ledger/runs")
    assert (first["attempt"], first["verdict"]) == (1, "pass")
    assert not (court.path / ".ledger").exists()
    result, row = judged(court, "UP", above=0.5)
    assert result.ret == 1
    assert (row["status"], row["verdict"]) == ("refused", None)
    assert "a promise that was changed after its data were seen" in row["reason"]["detail"]
    assert "supersedes: demo.wins" in row["reason"]["fix"]
    assert judged(court, "UP")[0].ret == 0  # back to what was promised


def test_wording_may_be_mended(court):
    judged(court, "UP", "--record", folder="ledger/runs")
    result, row = judged(court, "UP", statement="the same, in better words")
    assert result.ret == 0
    assert not row["promise_changed"]


@pytest.mark.parametrize("folder", ["elsewhere", "a/b/c"])
def test_a_folder_of_ones_own(court, folder):
    first = judged(court, "UP", f"--ledger={folder}", folder=folder)[1]
    second = judged(court, SECOND, f"--ledger={folder}", folder=folder)[1]
    assert [first["attempt"], second["attempt"]] == [1, 2]
    assert not (court.path / ".ledger").exists()
    assert court.ledger("verify", str(court.files(folder)[0]))[0] == 0


def test_a_local_ledger_keeps_itself_out_of_git(court):
    judged(court, "UP")
    assert "\n*\n" in (court.path / ".ledger" / ".gitignore").read_text()


def test_a_damaged_history_costs_no_verdict(court):
    judged(court, "UP")
    (court.path / ".ledger/runs/2020-01-01T000000Z-000000.jsonl").write_bytes(b'\xff{"claim":"demo.wins"}\n{"record":')
    result, row = judged(court, SECOND)
    assert (result.ret, row["attempt"]) == (0, 2)


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_a_session_never_counts_itself(court, args):
    court.register(wins={"subjects": {"organism": {"cells": [{"params": {"k": k}} for k in range(4)]}}})
    court.write("@pytest.mark.claim('demo.wins')\ndef test_wins(judge, k): judge([v + k for v in UP])\n")
    for expected in ([1] * 4, [1] * 4):
        court.run(*args)
        assert [row["attempt"] for row in court.rows()] == expected


def test_a_test_that_breaks_after_judge_has_looked(court):
    """Otherwise one could look, break the test on purpose, and look again for free."""
    peek = f"try:\n    judge({SECOND})\nexcept BaseException as seen:\n    print(seen)\nraise RuntimeError"
    court.claim(body=peek)
    court.run()
    assert court.row()["status"] == "error"
    assert judged(court, "UP")[1]["attempt"] == 2
