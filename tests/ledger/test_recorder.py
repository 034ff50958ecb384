"""The recorder: rows as they come, closed into a run whatever happens to the disk."""

import json

import pytest

from ledger.recorder import Recorder, new_run_id
from ledger.run import check_chain, read_run
from ledger.scores import read_scores
from ledger.verify import verify


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path, tmp_path / ".ledger/runs", "2026-11-20T120000Z-aaaaaa", ["pytest", "-q"])


def test_rows_become_a_run_that_verifies(recorder, mixed):
    for row, stored in mixed:
        recorder.take(row, stored)
    rows = recorder.close(0)
    run = read_run(recorder.path)
    assert [r["claim"] for r in run.rows] == [r["claim"] for r in rows] == [j.row["claim"] for j in mixed]
    assert verify(run).problems == []
    assert run.header["command"] == ["pytest", "-q"]
    assert {"run", "schema", "time", "git", "lock", "hardware"} <= set(run.header)
    assert all({"run", "time", "git", "dirty", "lock", "device"} <= set(r) for r in run.rows)
    assert run.seal["exitstatus"] == 0
    judged = next(r for r in run.rows if r["estimate"] is not None)
    assert judged["data"] in dict(read_scores(run.scores_path))


def test_only_the_first_row_of_a_test_counts(recorder, judged, claim, gap):
    first, retry = judged(claim(), gap(-0.1)), judged(claim(), gap(0.1))
    recorder.take(*first)
    recorder.take(*retry)
    assert [r["verdict"] for r in recorder.close(0)] == ["fail"]
    assert [r["verdict"] for r in read_run(recorder.path).rows] == ["fail"]


def test_what_was_planned_and_never_came_is_a_row(recorder, mixed, judged, claim, gap, undecided):
    planned = [undecided(claim(name), "not_run", index=index).row for index, name in enumerate("abc")]
    recorder.write_plan(planned)
    assert recorder.read_plan().keys() == {r["nodeid"] for r in planned}
    recorder.take(*judged(claim("b"), gap(0.1), index=1))
    rows = recorder.close(2)
    assert [(r["claim"], r["status"]) for r in rows] == [
        ("paper.a", "not_run"),
        ("paper.b", "decided"),
        ("paper.c", "not_run"),
    ]
    assert rows[0]["reason"]["detail"] == "the session ended before this test"
    assert [p.suffix for p in recorder.folder.iterdir() if "plan" in p.name] == []
    assert check_chain(recorder.path) == []


def test_a_session_without_claims_writes_nothing(recorder, tmp_path):
    recorder.write_plan([])
    assert recorder.close(0) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("plan", ["", "{}", "[1]", '[{"claim": "x"}]', "[" * 10])
def test_a_broken_plan_is_no_plan(recorder, plan):
    recorder.folder.mkdir(parents=True)
    recorder.plan_path.write_text(plan)
    assert recorder.read_plan() == {}
    assert recorder.close(0) == []


def test_the_local_folder_ignores_itself_in_git(recorder, judged, claim, gap, tmp_path):
    recorder.take(*judged(claim(), gap(0.1)))
    recorder.close(0)
    assert (tmp_path / ".ledger/.gitignore").read_text().splitlines()[-1] == "*"


def test_a_folder_that_cannot_be_made_costs_no_verdict(tmp_path, judged, claim, gap):
    (tmp_path / "file").touch()
    recorder = Recorder(tmp_path, tmp_path / "file/runs", "r1", [])
    for name in "ab":
        recorder.take(*judged(claim(name), gap(0.1)))
    assert [r["verdict"] for r in recorder.close(0)] == ["pass", "pass"]
    assert "the ledger could not be written" in recorder.problem
    assert "--ledger DIR" in recorder.problem


def test_a_second_recorder_of_the_same_run_is_refused_and_the_first_kept(tmp_path, judged, claim, gap):
    one, two = (Recorder(tmp_path, tmp_path / "runs", "r1", []) for _ in range(2))
    one.take(*judged(claim("a"), gap(0.1)))
    two.take(*judged(claim("b"), gap(0.1)))
    assert two.problem
    assert two.close(0)[0]["claim"] == "paper.b"
    one.close(0)
    assert [r["claim"] for r in read_run(one.path).rows] == ["paper.a"]
    assert check_chain(one.path) == []


def test_run_ids_differ_and_begin_with_the_time():
    ids = {new_run_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(len(i) == 27 and i[4] == "-" and i[10] == "T" and i[17] == "Z" for i in ids)


def test_headers_are_json_and_name_no_machine(recorder, tmp_path):
    import platform

    text = json.dumps(recorder.header, allow_nan=False)
    assert platform.node() not in text or len(platform.node()) < 4
    assert str(tmp_path) not in text
