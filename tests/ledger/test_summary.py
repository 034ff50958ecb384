"""The step summary and annotations."""

import io

import pytest

from ledger.summary import ANNOTATIONS, BUDGET, annotate, append_summary, render_summary

HEADER = {"run": "r1", "git": {"commit": "4f1c2ab90de1c0ffee", "dirty": True}}


@pytest.fixture(scope="module")
def rows(mixed):
    return [j.row for j in mixed]


@pytest.fixture(scope="module")
def many(rows):
    """More than fit, the drifted ones last."""
    from itertools import cycle, islice

    calm = [r for r in rows if r["status"] == "decided"]
    alarm = next(r for r in rows if r["status"] == "drift")
    filled = [*islice(cycle(calm), 990), *[alarm] * 10]
    return [{**r, "claim": f"paper.c{i}", "index": i, "statement": "ß" * 600} for i, r in enumerate(filled)]


def test_a_small_summary_is_whole(rows):
    text = render_summary(rows, HEADER)
    assert text.startswith("### Verdicts of run `r1`\n\ncommit `4f1c2ab90d` (dirty)\n")
    assert "more rows" not in text
    assert all(r["claim"] in text for r in rows)


@pytest.mark.parametrize("budget", [BUDGET, 50_000])
def test_a_large_summary_keeps_its_budget_and_what_wants_attention(many, budget):
    text = render_summary(many, HEADER, budget)
    assert 0.9 * budget < len(text.encode()) <= budget
    assert all(f"`paper.c{i}`" in text for i in range(990, 1000))
    assert text.index("paper.c999") < text.index("`paper.c0`")
    assert text.rstrip().endswith("more rows: `python -m ledger table`.")


def test_appending_counts_what_is_there_already(tmp_path, rows):
    path = tmp_path / "summary.md"
    path.write_text("x" * (BUDGET - 5000))
    append_summary(path, rows * 40, HEADER)
    assert path.stat().st_size <= BUDGET + 1
    assert "more rows" in path.read_text()


def test_a_summary_that_cannot_be_written_costs_nothing(tmp_path, rows):
    append_summary(tmp_path, rows, HEADER)
    append_summary(tmp_path / "no/such/folder.md", rows, HEADER)


def test_annotations_stand_on_the_line_of_the_registration(rows):
    out = io.StringIO()
    annotate(rows, out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert "::error file=claims/paper.yaml,line=7::paper.drifts on organism: fail, expected pass" in lines


def test_the_tenth_annotation_counts_the_rest(many):
    out = io.StringIO()
    annotate(many, out)
    lines = out.getvalue().splitlines()
    assert len(lines) == ANNOTATIONS + 1 == 10
    assert lines[-1] == "::error::and 1 more claims want attention, see the summary"


@pytest.mark.parametrize("text", ["a\n::error::b", "a\r\n::stop-commands::x", "%0A::error::b", "50 %"])
def test_annotations_hold_one_command_each(rows, text):
    alarm = next(r for r in rows if r["status"] == "drift")
    out = io.StringIO()
    annotate([{**alarm, "subject": text, "where": f"{text}:3", "nodeid": f"{text}/test.py::t"}], out)
    (line,) = out.getvalue().splitlines()
    assert line.startswith("::error file=")
    assert "%0A" not in line.upper()
