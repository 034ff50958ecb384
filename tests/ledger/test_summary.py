"""The step summary and annotations."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def size(text):
    return len(text.encode())


def rows_in(text):
    return sum(line.startswith("| ") and "`paper." in line for line in text.splitlines())


def test_a_small_summary_is_whole(rows):
    text = render_summary(rows, HEADER)
    assert text.startswith("### Verdicts of run `r1`\n\nCommit `4f1c2ab90d` (dirty), 17 rows: 1 error, 1 crashed, ")
    assert text.endswith("Left out: nothing. Every row: `python -m ledger table`.\n")
    assert all(r["claim"] in text for r in rows)
    assert rows_in(text) == 17


def test_each_subject_has_its_own_sentence(rows):
    text = render_summary(rows, HEADER)
    assert "- `organism`: **4 of 5 claims came out as expected, 9 claims without an expectation. 1 error, " in text
    assert "- `gpt2`: **3 claims without an expectation.**" in text


def test_what_wants_a_person_comes_before_everything_else(rows):
    first, rest = render_summary(rows, HEADER).split("<details", 1)
    for row in rows:
        alarm = row["status"] not in ("decided", "refused")
        assert (f"`{row['claim']}`" in first) is alarm, row["claim"]
    assert "#### 5 rows want a person" in first
    assert "For every cell: `paper.every` on `organism`: **pass** (2 of 2 cells pass)." in rest


@pytest.mark.parametrize("n", [1, 2])
def test_many_rows_are_folded_and_few_are_not(rows, n):
    calm = [{**rows[0], "index": i, "nodeid": f"t{i}", "claim": f"paper.c{i}"} for i in range(n * 30)]
    text = render_summary(calm, HEADER)
    assert ("<details open>" in text) is (n == 1)
    assert "want a person" not in text


@pytest.mark.parametrize("budget", [BUDGET, 50_000, 4096])
def test_a_large_summary_leaves_out_whole_sections_and_says_so(many, budget):
    spread = [{**r, "report": f"paper{i % 7}"} for i, r in enumerate(many)]
    text = render_summary(spread, HEADER, budget)
    assert size(text) <= budget
    drifted = [f"`paper.c{i}`" in text for i in range(990, 1000)]
    assert all(drifted) or budget == 4096
    kept = rows_in(text)
    assert kept < 1000
    assert f"\nLeft out: {1000 - kept} of 1000 rows, for want of room (" in text
    assert text.count("<details") == text.count("</details>")
    for section in text.split("<details>")[1:]:
        assert f": {rows_in(section)} pass" in section or rows_in(section) > 100


def test_too_many_alarms_are_cut_and_counted(many):
    alarm = many[-1]
    rows = [{**alarm, "index": i, "nodeid": f"t{i}", "claim": f"paper.c{i}"} for i in range(3000)]
    text = render_summary(rows, HEADER)
    assert 0.98 * BUDGET < size(text) <= BUDGET
    left = 3000 - rows_in(text)
    assert left > 0
    assert text.splitlines()[-1].startswith(
        f"Left out: {left} of 3000 rows, for want of room ({left} that want a person). "
    )


def test_a_line_that_stands_for_many_is_counted_as_many(rows):
    idle = next(r for r in rows if r["status"] == "not_run")
    rows = [{**idle, "index": i, "nodeid": f"t{i}", "claim": f"paper.c{i}"} for i in range(40)]
    text = render_summary(rows, HEADER)
    assert rows_in(text) == 1
    assert "(and 39 more on this subject)" in text
    assert "Left out: nothing." in text


def test_five_thousand_rows_show_the_attention_list_on_the_first_screen(many):
    rows = [{**many[i % 1000], "index": i, "nodeid": f"t{i}", "claim": f"paper.c{i}"} for i in range(5000)]
    text = render_summary(rows, HEADER)
    assert size(text) < BUDGET
    first = text.splitlines()[:14]
    assert any("50 rows want a person" in line for line in first)
    assert any("fail (expected pass)" in line for line in first)


@given(
    names=st.lists(st.text(max_size=300), min_size=1, max_size=30),
    budget=st.integers(4096, 30_000),
    commit=st.text(max_size=300),
)
def test_no_name_breaks_the_budget(mixed, names, budget, commit):
    rows = [
        {
            **mixed[3 * (i % 2)].row,
            "index": i,
            "nodeid": f"t{i}",
            "subject": name,
            "report": name,
            "statement": name * 9,
        }
        for i, name in enumerate(names)
    ]
    text = render_summary(rows, {"run": commit, "git": {"commit": commit}}, budget)
    assert size(text) <= budget
    assert text.splitlines()[-1].startswith("Left out: ")


def test_appending_counts_what_is_there_already(tmp_path, rows):
    path = tmp_path / "summary.md"
    path.write_text("x" * (BUDGET - 5000))
    append_summary(path, rows * 40, HEADER)
    assert path.stat().st_size <= BUDGET + 1
    assert "for want of room" in path.read_text()


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
