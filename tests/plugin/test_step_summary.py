"""GitHub's step summary and annotations, from a session."""

import copy
import os

import pytest

from ledger.summary import append_summary

DRIFTS = "@pytest.mark.claim('demo.c{k:02d}')\ndef test_c{k:02d}(judge): judge(DOWN)\n"


@pytest.fixture
def summary(court, monkeypatch):
    path = court.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_a_session_appends_its_verdicts(court, summary):
    summary.write_text("from another step\n")
    court.claim()
    court.run()
    court.run()
    text = summary.read_text()
    assert text.startswith("from another step\n")
    assert text.count("### Verdicts of run") == 2
    assert text.count("`demo.wins`") == 2


def test_nothing_is_written_when_unset(court):
    court.claim(body="judge(DOWN)", expected="pass")
    result = court.run()
    assert not (court.path / "summary.md").exists()
    result.stdout.no_fnmatch_line("*::error*")


def test_nothing_is_written_without_claims(court, summary):
    (court.claims / "test_plain.py").write_text("def test_plain(): pass\n")
    court.run()
    assert not summary.exists()


@pytest.mark.parametrize("place", ["no/such/folder/summary.md", "."])
def test_a_summary_that_cannot_be_written_costs_nothing(court, monkeypatch, place):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(court.path / place))
    court.claim()
    assert court.run().ret == 0


@pytest.mark.parametrize("drifting", [1, 9, 10, 30])
def test_annotations_are_at_most_ten_and_stand_on_their_lines(court, summary, monkeypatch, drifting):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = court.register(**{f"c{k:02d}": {"expected": "pass"} for k in range(drifting)})
    court.write("".join(DRIFTS.format(k=k) for k in range(drifting)))
    result = court.run_apart("--tb=no")
    lines = [line for line in result.outlines if line.startswith("::")]  # only at its start is a line a command
    assert len(lines) == min(drifting, 10)
    assert len([line for line in result.outlines if "::error" in line]) == len(lines)
    source = path.read_text().splitlines()
    for k, line in enumerate(lines[:9]):
        head, _, message = line.removeprefix("::error ").partition("::")
        about = dict(part.split("=") for part in head.split(","))
        assert about["file"] == "claims/demo.yaml"
        assert os.path.exists(court.path / about["file"])
        registered = [n for n, text in enumerate(source, 1) if f'"c{k:02d}"' in text]
        following = [n for n, text in enumerate(source, 1) if f'"c{k + 1:02d}"' in text] or [len(source)]
        assert registered[0] <= int(about["line"]) <= following[0]
        assert message == f"demo.c{k:02d} on organism: fail, expected pass"
    if drifting > 9:
        assert lines[9] == f"::error::and {drifting - 9} more claims want attention, see the summary"


def test_five_thousand_rows_stay_below_the_limit(court, summary):
    court.register(
        good={"subjects": {"a-model": {}}}, drifts={"expected": "pass", "subjects": {"other": {"expected": "pass"}}}
    )
    court.write("""
@pytest.mark.claim("demo.good")
def test_good(judge): judge(UP)
@pytest.mark.claim("demo.drifts")
def test_drifts(judge): judge(DOWN)
""")
    court.run()
    good, drifts = court.rows()
    rows = []
    for k in range(5000):  # every hundredth drifts, on a subject of its own or among the rest
        row = copy.deepcopy(drifts if k % 100 == 99 else good)
        if k % 200 == 99:
            row["subject"] = good["subject"]
        row |= {
            "claim": f"{row['claim']}-{k:04d}",
            "index": k,
            "nodeid": f"{row['nodeid']}-{k}",
            "statement": "words " * 40,
        }
        rows.append(row)
    summary.unlink()
    append_summary(summary, rows, {"run": "a-run"})
    text = summary.read_text()
    assert len(text.encode()) < 900 * 1024
    assert all(f"demo.drifts-{k:04d}" in text for k in range(99, 5000, 100))  # attention first, whatever the subject
    left_out = 5000 - sum(line.startswith("|") and "`demo." in line for line in text.splitlines())
    assert left_out == 4950
    assert text.rstrip().splitlines()[-1].startswith(f"Left out: {left_out} of 5000 rows, for want of room (")
    append_summary(summary, rows, {"run": "a-run"})
    assert len(summary.read_bytes()) < 1024 * 1024
