"""The journal: every record survives, a cut one is dropped, a changed one is noticed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.journal import Journal, digest
from mi.refusal import Refusal

RECORDS = st.dictionaries(
    st.text(), st.dictionaries(st.text().filter(lambda k: k != "key"), st.text() | st.none() | st.integers())
)


@given(RECORDS)
def test_what_was_put_comes_back_in_its_order(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    with Journal(path) as journal:
        for key, record in records.items():
            journal.put(key, record)
    with Journal(path) as again:
        assert list(again) == list(records.values())
        assert all(key in again and again[key] == record for key, record in records.items())
        assert len(again) == len(records)


def test_wherever_the_last_line_is_cut_only_it_is_lost(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for k in range(3):
            journal.put(f"k{k}", {"raw": "wörld\n"})
    whole = path.read_bytes()
    begins = whole[:-1].rindex(b"\n") + 1
    for end in range(begins, len(whole)):
        path.write_bytes(whole[:end])
        with Journal(path) as again:
            assert len(again) == 2
            again.put("k2", {"raw": "again"})
        with Journal(path) as again:
            assert again["k2"] == {"raw": "again"}


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b"null", b'"key"', b"", b"\xff"])
def test_a_line_that_others_changed_is_refused(tmp_path, line):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"key": "a"}\n' + line + b'\n{"key": "b"}\n')
    with pytest.raises(Refusal, match=r"line 2 of journal\.jsonl"):
        Journal(path)


def test_no_second_answer_to_one_question(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.put("a", {})
        with pytest.raises(Refusal, match="a second answer"):
            journal.put("a", {})


def test_a_killed_process_leaves_what_it_had_put(tmp_path):
    path = tmp_path / "journal.jsonl"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom mi.autointerp.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for k in range(5): journal.put(str(k), {})\n"
        "print('put', flush=True)\ntime.sleep(60)"
    )
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=root, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"put\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with Journal(path) as journal:
        assert len(journal) == 5


def test_the_digest_is_of_the_content():
    assert digest({"a": 1, "b": [1, None]}) == digest({"b": [1, None], "a": 1})
    assert len({digest("a", "b"), digest("ab"), digest(["a", "b"]), digest("a", "b", None), digest("\ud800")}) == 5
