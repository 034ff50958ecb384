"""The comment under a pull request."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.cli import main
from ledger.comment import MARKER, changed_cells, render_comment
from ledger.errors import LedgerError
from ledger.run import Run

GIT = {"commit": "4f1c2ab90de1", "dirty": False}


def run_of(judged, run_id="r1"):
    rows = [{**j.row, "index": i, "nodeid": f"t{i}"} for i, j in enumerate(judged)]
    return Run(Path(run_id), {"run": run_id, "git": GIT}, rows)


def comment(before, after, **about):
    return render_comment(run_of(before), run_of(after, "r2"), **about)


def table(text):
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| verdict")]


def diff_line(text):
    return text.splitlines()[3].strip("*")


@pytest.fixture(scope="module")
def win(judged, claim, gap):
    return judged(claim("a"), gap(0.1))


def test_nothing_is_said_of_nothing(mixed):
    assert comment(mixed, mixed) == ""
    assert comment(mixed, list(reversed(mixed))) == ""
    assert comment([], []) == ""


def test_the_first_lines_tell_the_change(judged, claim, gap):
    names = ("a", "b", "c")
    before = [judged(claim(n), gap(0.1)) for n in (*names, "same")]
    after = [judged(claim(n), gap(0.001)) for n in names]
    after += [before[3], judged(claim("d", expected="pass"), gap(-0.1)), judged(claim("e"), gap(0.1))]
    text = comment(before, after)
    assert text.startswith(f"{MARKER}\n### ")
    assert diff_line(text) == "3 pass → inconclusive · 1 drift new · 0 resolved · 2 claims added"
    assert len(table(text)) == 5
    assert "`paper.same`" not in text
    assert "1 of 6 rows unchanged." in text


def test_new_alarms_first_and_added_claims_last(judged, claim, gap):
    about = {"calm": None, "goal": None, "flip": None, "drift": "pass"}
    before = [judged(claim(n, expected=e), gap(0.1)) for n, e in about.items()]
    after = [
        judged(claim("new"), gap(0.1)),
        judged(claim("flip"), gap(0.001)),
        judged(claim("goal", above=0.01), gap(0.1)),
        judged(claim("drift", expected="pass"), gap(-0.1)),
    ]
    text = comment(before, after)
    rows = table(text)
    assert [line.split("`")[1] for line in rows] == [
        *("paper.drift", "paper.goal", "paper.flip", "paper.new", "paper.calm")
    ]
    assert rows[0].startswith("| ● pass → ◆ **fail (expected pass)** |")
    assert rows[1].startswith("| ● pass |")
    assert rows[2].startswith("| ● pass → ○ **inconclusive** |")
    assert rows[3].startswith("| new: ● pass |")
    assert rows[4].startswith("| ● pass, now **gone** |")


def test_moved_goalposts_are_loud(judged, claim, gap):
    before, after = judged(claim("a", above=0.099), gap(0.1)), judged(claim("a", above=0.02), gap(0.1))
    text = comment([before], [after])
    assert text.index("> [!CAUTION]\n> **MOVED GOALPOSTS: 1 claim now promises something else.**") < text.index(
        "| verdict"
    )
    assert "**GOALPOSTS MOVED** bound: 0.099 → 0.02 (re-judged: same scores)" in text


def test_re_judged_and_re_measured_are_told_apart(win, judged, claim, gap):
    again = judged(claim("a", above=0.5), gap(0.1))
    other = judged(claim("a"), gap(-0.1))
    assert "(re-judged: same scores)" in comment([win], [again])
    assert "re-measured" not in comment([win], [again])
    assert "(re-measured: other scores)" in comment([win], [other])
    assert "re-judged" not in comment([win], [other])


def test_an_expectation_that_moves_resolves_a_drift_in_sight(judged, claim, gap):
    before, after = (judged(claim("a", expected=e), gap(-0.1)) for e in ("pass", "fail"))
    text = comment([before], [after])
    assert diff_line(text) == "0 drift new · 1 resolved"
    assert "verdict fail, expected pass → fail" in text


@pytest.mark.parametrize("then", [None, "not_run", "error", "crashed"])
def test_a_drift_without_a_new_verdict_is_not_resolved(judged, undecided, claim, gap, then):
    about = claim("a", expected="pass")
    text = comment([judged(about, gap(-0.1))], [undecided(about, then)] if then else [])
    assert "0 drift new · 0 resolved" in diff_line(text)
    if then:
        assert diff_line(text).startswith(f"1 fail → {then.replace('_', ' ')} · ")


def test_a_control_that_is_gone_changes_what_a_pass_is_worth(judged, claim, gap):
    control = judged(claim("null"), gap(0.1, seed=3))
    held = judged(claim("a", controls=("paper.null",)), gap(0.1))
    text = comment([held, control], [held])
    assert "○ **pass, unsupported**" in text
    assert diff_line(text).startswith("1 pass → inconclusive · 0 drift new · 0 resolved · 1 claim removed")


def test_small_moves_are_a_number(win, judged, claim, gap):
    text = comment([win], [judged(claim("a"), gap(0.101))])
    assert table(text) == []
    assert "0 of 1 rows unchanged. 1 with the same verdict and other numbers, by at most half an interval." in text
    assert len(table(comment([win], [judged(claim("a"), gap(0.3))]))) == 1


def test_new_claims_that_did_not_run_are_a_number(win, undecided, claim):
    idle = [undecided(claim(f"i{k}"), "not_run") for k in range(3)]
    text = comment([win], [win, *idle])
    assert table(text) == []
    assert "1 of 4 rows unchanged. 3 new and not run here." in text
    assert len(table(comment([win], [undecided(claim("a"), "not_run")]))) == 1


def test_many_added_claims_are_folded_and_changes_are_not(win, judged, claim, gap):
    new = [judged(claim(f"n{k}"), gap(0.1)) for k in range(11)]
    text = comment([win], [judged(claim("a"), gap(0.0)), *new])
    head, folded = text.split("<details><summary>11 claims added, none of which wants a person</summary>\n\n")
    assert [line.split("`")[1] for line in table(head)] == ["paper.a"]
    assert len(table(folded)) == 11
    assert text.count("</details>") == 1


def test_subjects_have_sentences_of_their_own(win, judged, claim, gap):
    other = judged(claim("a", subject="gpt2"), gap(0.1))
    text = comment([win, other], [win, judged(claim("a", subject="gpt2"), gap(-0.1))])
    assert "- `gpt2`: 1 claim without an expectation. 1 fail. Before: 1 claim without an expectation." in text
    assert "- `organism`" not in text
    assert "- `gpt2`: no rows any more. Before: 1 claim without an expectation.\n" in comment([win, other], [win])


def test_a_link_to_the_report_is_a_plain_address(win, judged, claim, gap):
    other = [judged(claim("a"), gap(-0.1))]
    url = "https://github.example/o/r/actions/runs/1#artifacts"
    assert f"[artifacts of the run]({url})" in comment([win], other, report_url=url)
    for bad in ("javascript:alert(1)", "http://x", "https://x)](y", "https://x y", "https://x\n"):
        with pytest.raises(LedgerError, match="expected https"):
            comment([win], other, report_url=bad)


def test_rows_of_a_stranger_are_called_so(win, judged, claim, gap):
    other = [judged(claim("a"), gap(-0.1))]
    assert "the pull request's own" in comment([win], other, stranger=True)
    assert "the pull request's own" not in comment([win], other)


def units(text):
    return len(text.encode("utf-16-le")) // 2


def test_five_thousand_changes_fit(win, judged, claim, gap):
    lost = judged(claim("a"), gap(-0.1))
    before, after = ([j._replace(row={**j.row, "claim": f"paper.c{k}"}) for k in range(5000)] for j in (win, lost))
    text = comment(before, after)
    assert 50_000 < units(text) < 60_000
    assert diff_line(text) == "5000 pass → fail · 0 drift new · 0 resolved"
    assert f"Left out: {5000 - len(table(text))} more changed rows, for want of room." in text


@given(st.lists(st.text(max_size=400), min_size=1, max_size=30), st.sampled_from(["@", "\U0001d400", "x"]))
def test_no_text_breaks_the_budget(mixed, names, filler):
    rows = [
        {**mixed[i % 8].row, "claim": name, "subject": name + filler * 400, "statement": filler * 4000, "index": i}
        for i, name in enumerate(names)
    ]
    problems = [filler * 5000] * 9
    before = Run(Path("a"), {"run": filler * 999, "git": {"commit": filler * 999}}, [], None, problems)
    after = Run(Path("b"), {"run": filler * 999, "git": {}}, rows, None, problems)
    assert units(render_comment(before, after)) < 60_000


def test_numbers_of_three_hundred_digits_do_not_break_it(win):
    huge = {**win.row, "estimate": 1e308, "lo": -1e308, "hi": 1.7e308, "bound": 1e308, "verdict": "inconclusive"}
    before = Run(Path("a"), {"run": "a", "git": {}}, [{**win.row, "claim": f"c{k}"} for k in range(99)])
    after = Run(Path("b"), {"run": "b", "git": {}}, [{**huge, "claim": f"c{k}"} for k in range(99)])
    text = render_comment(before, after)
    assert len(table(text)) > 10
    assert units(text) < 60_000


def test_changed_cells_name_what_differs(win, judged, claim, gap):
    (found,) = changed_cells(run_of([win]), run_of([judged(claim("a", above=0.5), gap(0.1))]))
    assert found.kinds == ("alarm", "goalposts", "flip", "shown")
    assert (found.old.word, found.new.word) == ("pass", "fail")


def test_the_command(mixed_run, clean_run, tmp_path, capsys):
    out = tmp_path / "comment.md"
    assert main(["comment", str(mixed_run), str(clean_run), "-o", str(out)]) == 0
    assert out.read_text("utf-8").startswith(MARKER)
    assert main(["comment", str(mixed_run), str(clean_run)]) == 0
    assert capsys.readouterr().out == out.read_text("utf-8")
    assert main(["comment", str(mixed_run), str(mixed_run), "-o", str(out)]) == 0
    assert out.read_bytes() == b""
    assert main(["comment", str(mixed_run)]) == 2
    assert "comment BEFORE AFTER" in capsys.readouterr().err
