"""The first screen: how many claims came out unexpectedly, and which."""

import pytest

from ledger.report.overview import ATTENTION_ROWS, STATIC_ROWS, overview
from ledger.ruling import rulings


def of(judged):
    return overview(rulings(j.row for j in judged))


def test_it_counts_and_names_what_came_out_unexpectedly(mixed):
    top = of(mixed)
    assert top.sentence == "4 claims of 16 came out unexpectedly."
    assert [(line.badge, line.label) for line in top.unexpected] == [
        ("error", "paper.broken"),
        ("crashed", "paper.crashed"),
        ("deviated", "paper.strays"),
        ("drift", "paper.drifts"),
    ]
    assert top.waiting == "1 claim was not run."
    assert [line.label for line in top.not_run] == ["paper.idle"]


def test_an_expected_fail_is_no_alarm(mixed):
    top = of([j for j in mixed if j.row["claim"] == "paper.loses"])
    assert top.sentence == "None of 1 claim came out unexpectedly."
    assert top.unexpected == []
    assert [(line.word, line.badge) for line in top.rows] == [("fail", "")]


def test_a_fail_that_nobody_expected_is_one(judged, claim, gap):
    (line,) = of([judged(claim("news"), gap(-0.1))]).unexpected
    assert line.badge == "refuted"


def test_subjects_are_counted_apart_the_most_judged_first(mixed):
    assert [(s.name, s.rows, s.unexpected) for s in of(mixed).subjects] == [("organism", 14, 4), ("gpt2", 3, 0)]


def test_long_lists_end_and_say_so(judged, claim, gap):
    row = judged(claim("many", expected="pass"), gap(-0.1)).row
    rows = [{**row, "params": {"k": k}, "index": k} for k in range(STATIC_ROWS + 30)]
    top = overview(rulings(rows))
    assert (len(top.unexpected), top.more) == (ATTENTION_ROWS, STATIC_ROWS + 30 - ATTENTION_ROWS)
    assert (len(top.rows), top.rows_left) == (STATIC_ROWS, 30)


def test_nothing_judged_is_said():
    assert overview([]).sentence == "No claim was judged."


@pytest.mark.parametrize("label", ["a/b", "a?b#c", "a%2Fb", "ü [x=1, y='z']"])
def test_links_survive_any_id(judged, claim, gap, label):
    row = {**judged(claim("a"), gap(-0.1)).row, "claim": label}
    (line,) = overview(rulings([row])).rows
    assert line.link.count("/") == 3
    assert line.link.count("#") == 1
