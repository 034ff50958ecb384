"""How rows read in a table: word, alarm, note, order, and the sentence above them."""

import pytest

from ledger.attempts import Attempt
from ledger.ruling import headline, named, rulings, tally


@pytest.fixture(scope="module")
def by_claim(mixed):
    return {r.row["claim"].removeprefix("paper."): r for r in rulings(j.row for j in mixed)}


@pytest.mark.parametrize(
    ("claim", "word", "state", "attention"),
    [
        ("wins", "pass", "pass", False),
        ("loses", "fail", "fail", False),
        ("unsure", "inconclusive", "inconclusive", False),
        ("drifts", "fail (expected pass)", "fail", True),
        ("strays", "deviated", "deviated", True),
        ("unfit", "refused", "refused", False),
        ("broken", "error", "broken", True),
        ("crashed", "crashed", "broken", True),
        ("idle", "not run", "broken", True),
        ("chosen", "inconclusive", "inconclusive", False),
    ],
)
def test_words_and_alarms(by_claim, claim, word, state, attention):
    found = by_claim[claim]
    assert (found.word, found.state, found.attention) == (word, state, attention)


def test_what_wants_a_person_comes_first(mixed):
    order = [r.row["status"] for r in rulings(j.row for j in mixed)]
    assert order[:5] == ["error", "crashed", "not_run", "deviated", "drift"]
    rest = [r.row["index"] for r in rulings(j.row for j in mixed) if not r.attention]
    assert rest == sorted(rest)


def test_notes(by_claim):
    assert "about " in by_claim["unsure"].note
    assert "prompts would decide (has 40)" in by_claim["unsure"].note
    assert "also served to choose a setting" in by_claim["chosen"].note
    assert "registered 16, executed 8" in by_claim["strays"].note
    assert by_claim["again"].note == "attempt 3, judged at 99.66%"
    assert by_claim["wins"].note == ""


def test_a_pass_that_its_family_does_not_carry(judged, claim, gap):
    (found,) = rulings([judged(claim(role="headline", family_size=9), gap(0.04)).row])
    assert (found.word, found.state, found.attention) == ("pass → inconclusive", "inconclusive", False)
    assert "inconclusive in its family (Holm, m=9; 8 members did not run)" in found.note


def test_a_pass_without_its_control(judged, claim, gap):
    (found,) = rulings([judged(claim(controls=("paper.null",), expected="pass"), gap(0.1)).row])
    assert (found.word, found.state, found.attention) == ("pass, unsupported", "inconclusive", True)
    assert headline([found]) == "0 of 1 claims came out as expected. 1 unsupported."


def test_more_notes(judged, claim, gap):
    rows = [
        judged(claim("old", rope=1.0), gap(0.1)).row,
        judged(claim("new", supersedes="paper.old"), gap(0.1), Attempt(1, changed={"n": (9, 10)}, changed_in="r0")).row,
    ]
    old, new = rulings(rows)
    assert old.note == "negligible: the whole interval lies within ±1; superseded by paper.new"
    assert (
        new.note
        == "PROMISE CHANGED since run r0: n 9 → 10. Put it back, or register a new id with supersedes: paper.new"
    )


def test_the_sentence_above_the_table(mixed):
    found = rulings(j.row for j in mixed)
    assert headline(found) == (
        "4 of 5 claims came out as expected, 12 claims without an expectation. 1 error, 1 crashed, 1 not run, 1 deviated, 1 drifted."
    )
    assert (
        tally(found) == "1 error, 1 crashed, 1 not run, 1 deviated, 1 drift, 8 pass, 1 fail, 2 inconclusive, 1 refused"
    )
    assert headline([]) == "0 of 0 claims came out as expected."


def test_picking_rows_leaves_their_family_whole(mixed):
    rows = [j.row for j in mixed]
    whole = {r.row["claim"]: r.row["family_method"] for r in rulings(rows)}
    picked = rulings(rows, ["paper.head-*"])
    assert [r.row["claim"] for r in picked] == ["paper.head-a", "paper.head-b"]
    assert all(r.row["family_method"] == whole[r.row["claim"]] for r in picked)


@pytest.mark.parametrize(
    ("only", "fits"),
    [(["*"], True), (["paper.*"], True), (["paper"], False), (["x", "paper.gap"], True), (["PAPER.*"], False)],
)
def test_patterns(only, fits):
    assert named("paper.gap", only) is fits
