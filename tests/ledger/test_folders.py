"""Where runs are kept, and how one is named."""

import pytest

from ledger.errors import LedgerError
from ledger.folders import LOCAL, RECORDED, find_run, newer_plans, run_files

OLD, LATE, NEW = "2026-11-20T100000Z-aaaaaa", "2026-11-20T110000Z-bbbbbb", "2026-11-21T100000Z-cccccc"


@pytest.fixture
def root(tmp_path, write_run):
    for folder, run_id in ((LOCAL, OLD), (RECORDED, LATE), (LOCAL, NEW)):
        write_run(tmp_path / folder, run_id, [])
    (tmp_path / LOCAL / f"{NEW}.scores.jsonl.gz").touch()
    (tmp_path / LOCAL / f"{NEW}.plan.json").touch()
    return tmp_path


def test_local_and_recorded_runs_newest_first(root):
    assert [p.stem for p in run_files(root)] == [NEW, LATE, OLD]


def test_a_folder_of_ones_own_counts_as_well(root, tmp_path, write_run):
    write_run(tmp_path / "mine", "2026-11-22T100000Z-dddddd", [])
    assert run_files(root, tmp_path / "mine", tmp_path / "nowhere")[0].parent.name == "mine"


@pytest.mark.parametrize(("name", "stem"), [(None, NEW), (OLD, OLD), ("2026-11-21", NEW), ("2026-11-20T11", LATE)])
def test_a_run_is_found_by_the_beginning_of_its_name(root, name, stem):
    assert find_run(root, name).stem == stem


def test_a_run_is_found_by_its_path(root, tmp_path, write_run):
    path = write_run(tmp_path / "elsewhere", "r1", [])
    assert find_run(root, str(path)) == path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2026-11-20", "several runs match"),
        ("1999", "no run matches"),
        ("", "several runs match"),
        (str(LOCAL), "no run matches"),
    ],
)
def test_a_name_that_fits_none_or_several_lists_them(root, name, words):
    with pytest.raises(LedgerError, match=words) as caught:
        find_run(root, name)
    assert LATE in str(caught.value)


def test_nothing_there(tmp_path):
    with pytest.raises(LedgerError, match="run pytest on some claims first"):
        find_run(tmp_path, None)


def test_a_later_session_without_a_row_is_told(tmp_path):
    runs = tmp_path / ".ledger/runs"
    runs.mkdir(parents=True)
    for name in ("2026-01-02T000000Z-a.jsonl", "2026-01-01T000000Z-z.plan.json", "2026-01-02T000000Z-a.plan.json"):
        (runs / name).touch()
    late = runs / "2026-01-03T000000Z-b.plan.json"
    assert newer_plans(tmp_path, runs / "2026-01-02T000000Z-a.jsonl") == []
    late.touch()
    assert newer_plans(tmp_path, runs / "2026-01-02T000000Z-a.jsonl") == [late]
