"""Run files: what is appended and sealed is what is read."""

import json
from itertools import permutations

import pytest

from ledger.errors import LedgerError
from ledger.run import RunWriter, check_chain, newest_first, read_run, scores_path


@pytest.fixture
def three(undecided, claim):
    return [
        undecided(claim(name), "not_run", index=index)._replace(stored=None)
        for index, name in enumerate(("a", "b", "c"))
    ]


def test_what_is_written_is_what_is_read(tmp_path, write_run, mixed):
    run = read_run(write_run(tmp_path, "r1", mixed))
    assert [{k: row[k] for k in judged.row} for row, judged in zip(run.rows, mixed, strict=True)] == [
        j.row for j in mixed
    ]
    assert (run.id, run.header["schema"], run.problems) == ("r1", 1, [])
    assert (run.seal["rows"], run.seal["exitstatus"]) == (len(mixed), 0)
    assert check_chain(run.path) == []
    assert run.scores_path == scores_path(run.path) == tmp_path / "r1.scores.jsonl.gz"


def test_rows_are_on_disk_before_the_seal(tmp_path, write_run, three):
    run = read_run(write_run(tmp_path, "r1", three, sealed=False))
    assert [r["claim"] for r in run.rows] == ["paper.a", "paper.b", "paper.c"]
    assert run.seal is None
    assert run.problems == ["not sealed: the session was killed before it ended, or is still running"]
    assert check_chain(run.path) == []


def test_a_run_without_rows_is_a_run(tmp_path, write_run):
    run = read_run(write_run(tmp_path, "r1", []))
    assert (run.rows, run.problems) == ([], [])


def test_rows_are_in_registration_order_whatever_came_first(tmp_path, write_run, three):
    sealed, unsealed = set(), set()
    for i, order in enumerate(permutations(three)):
        folder = tmp_path / str(i)
        sealed.add(write_run(folder, "r1", order).read_bytes())
        open_run = write_run(folder, "r2", order, sealed=False)
        unsealed.add(open_run.read_bytes())
        assert [r["index"] for r in read_run(open_run).rows] == [0, 1, 2]
    assert len(sealed) == 1
    assert len(unsealed) == 6


def test_sealing_leaves_nothing_beside_the_run(tmp_path, write_run, three):
    write_run(tmp_path, "r1", three)
    assert [p.name for p in tmp_path.iterdir()] == ["r1.jsonl"]


def test_a_run_is_never_written_twice(tmp_path, write_run, three):
    path = write_run(tmp_path, "r1", three)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        RunWriter(path, {"run": "r1"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), b"x"])
def test_what_is_not_json_is_not_written(tmp_path, three, value):
    writer = RunWriter(tmp_path / "r1.jsonl", {"run": "r1", "git": {}})
    with pytest.raises(LedgerError, match="not JSON"):
        writer.append({**three[0].row, "note": value})
    writer.append({**three[1].row, "run": "r1"})
    writer.seal({})
    writer.close()
    assert [r["claim"] for r in read_run(tmp_path / "r1.jsonl").rows] == ["paper.b"]


HOSTILE = ["\n", "\r\n", "\x00", "\x1b[2J", "\u2028", "\u202egpj.exe", "\ud800", "😀", '"},{"', "\\", "x" * 100_000]


@pytest.mark.parametrize("text", HOSTILE, ids=[ascii(t)[:20] for t in HOSTILE])
def test_any_text_comes_back_as_it_was(tmp_path, write_run, three, text):
    strange = three[0]._replace(row={**three[0].row, "statement": text, "claim": f"paper.{text}"})
    run = read_run(write_run(tmp_path, "r1", [strange, three[1]]))
    assert [r["statement"] for r in run.rows] == [text, three[1].row["statement"]]
    assert check_chain(run.path) == []


def test_every_line_is_one_json_object_that_names_the_one_before(mixed_run):
    lines = mixed_run.read_bytes().splitlines(keepends=True)
    records = [json.loads(line) for line in lines]
    assert [r["record"] for r in records] == ["run", *["row"] * (len(lines) - 2), "seal"]
    assert records[0]["prev"] == ""
    assert len({r["prev"] for r in records}) == len(records)


def test_run_files_sort_by_their_time(tmp_path):
    names = ["2026-11-20T1", "2026-11-20T2", "2025-12-31T9"]
    assert [p.name for p in newest_first(tmp_path / n for n in names)] == [names[1], names[0], names[2]]
