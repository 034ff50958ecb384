"""Two runs side by side, as the page shows them."""

import json

import pytest

from ledger.diff import changes
from ledger.report.compare import comparison

SECTIONS = (
    *("changed", "shifted", "appeared", "resolved", "moved_goalposts"),
    *("rejudged", "remeasured", "new", "gone"),
)


def compared(run, before, after):
    """The comparison of a run of one row with another one of one row."""
    return comparison(run(*([before] if before else [])), run(*([after] if after else [])))


def places(found):
    """Sections that hold the only cell."""
    (_,) = found["cells"]
    return {name for name in SECTIONS if found[name]}


def count(found, before, after):
    table = found["transitions"]
    return table["counts"][table["before"].index(before)][table["after"].index(after)]


# ---- the same -------------------------------------------------------------------------------------


def test_a_run_and_itself_are_the_same_and_nothing_else_is_said(run, mixed):
    one = run(*mixed)
    assert comparison(one, one) == {"same": True}
    assert comparison(one, run(*mixed)) == {"same": True}


def test_empty_runs_are_the_same(run):
    assert comparison(run(), run()) == {"same": True}


def test_another_time_and_another_duration_are_no_difference(run, mixed):
    later = [j._replace(row={**j.row, "seconds": 9.0}) for j in mixed]
    assert comparison(run(*mixed), run(*later, time="2026-12-01T12:00:00Z")) == {"same": True}


# ---- what changed ---------------------------------------------------------------------------------


def test_a_flip_has_both_sides(run, judged, claim, gap):
    before, after = judged(claim("a"), gap(0.1)), judged(claim("a"), gap(-0.1, seed=1))
    found = compared(run, before, after)
    assert found["same"] is False
    assert places(found) == {"changed", "remeasured"}
    (cell,) = found["cells"]
    assert (cell["label"], cell["subject"], cell["kinds"], cell["measured"]) == (
        "paper.a",
        "organism",
        ["flip"],
        "re-measured",
    )
    for side, (row, _) in (("before", before), ("after", after)):
        assert {k: cell[side][k] for k in ("estimate", "lo", "hi", "level", "verdict", "bound", "rule")} == {
            k: row[k] for k in ("estimate", "lo", "hi", "level", "verdict", "bound", "rule")
        }
    assert (cell["before"]["state"], cell["after"]["state"]) == ("pass", "fail")
    assert cell["after"]["units_text"] == "n=40"
    assert "goalposts" not in cell
    assert "wording" not in cell


def test_the_transitions_count_every_row_of_both_runs_once(run, mixed, judged, claim, gap):
    before, after = run(*mixed[:-1]), run(*mixed[1:])
    found = comparison(before, after)
    assert count(found, "pass", "gone") == 1
    assert sum(found["transitions"]["counts"][-1]) == 1
    assert sum(map(sum, found["transitions"]["counts"])) == len(mixed)
    assert count(found, "error", "error") == 1
    assert count(found, "crashed", "crashed") == 1
    assert count(found, "not run", "not run") == 1
    assert count(found, "refused", "refused") == 1
    assert found["transitions"]["before"] == [
        *("pass", "fail", "inconclusive", "refused", "deviated", "error", "crashed", "not run", "new"),
    ]
    assert found["transitions"]["after"][-1] == "gone"


def test_verdicts_have_a_place_in_the_table_also_where_none_came_out_so(run, judged, claim, gap):
    found = compared(run, None, judged(claim("a"), gap(0.1)))
    assert found["transitions"] == {
        "before": ["pass", "fail", "inconclusive", "new"],
        "after": ["pass", "fail", "inconclusive", "gone"],
        "counts": [[0] * 4, [0] * 4, [0] * 4, [1, 0, 0, 0]],
    }


def test_new_and_gone(run, judged, claim, gap):
    a, b = judged(claim("a"), gap(0.1)), judged(claim("b"), gap(0.1))
    found = compared(run, a, b)
    assert [(c["label"], c["kinds"], "before" in c, "after" in c) for c in found["cells"]] == [
        ("paper.b", ["added"], False, True),
        ("paper.a", ["removed"], True, False),
    ]
    assert (found["new"], found["gone"], found["changed"]) == ([0], [1], [])
    assert all("paired" not in c for c in found["cells"])


def test_two_thousand_new_cells_are_two_thousand_short_lines(run, judged, claim, gap):
    """The page shows no more of them than that; their rows stand in it already."""
    row = judged(claim("a"), gap(0.1)).row
    before, after = run(), run()
    after.rows += [{**row, "claim": f"paper.claim-{k:04d}", "index": k} for k in range(2000)]
    for found in (comparison(before, after), comparison(after, before)):
        assert len(found["cells"]) == 2000
        assert len(json.dumps(found, separators=(",", ":"))) / 2000 < 140


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("pass", "fail", {"appeared"}),
        ("fail", "pass", {"resolved"}),
        ("fail", "fail", set()),
        (None, "fail", {"appeared"}),
        ("fail", None, set()),
        ("fail", "error", set()),
        ("fail", "not_run", set()),
    ],
)
def test_drift_appears_and_is_resolved_by_a_judged_row_alone(run, judged, undecided, claim, gap, before, after, where):
    about, other = claim("a", expected="pass"), judged(claim("b"), gap(0.1))

    def row(word, seed):
        if word in ("pass", "fail"):
            return [judged(about, gap(0.1 if word == "pass" else -0.1, seed=seed))]
        return [undecided(about, word)] if word else []

    found = comparison(run(*row(before, 0)), run(*row(after, 1), other))
    assert {name for name in ("appeared", "resolved") if found[name]} == where


def test_same_verdict_is_shifted_beyond_half_the_earlier_interval(run, judged, claim, gap):
    before = judged(claim("a"), gap(0.1))
    half = (before.row["hi"] - before.row["lo"]) / 2
    far, near = (judged(claim("a"), gap(0.1 + half * share, seed=1)) for share in (1.01, 0.99))
    assert places(compared(run, before, far)) == {"shifted", "remeasured"}
    found = compared(run, before, near)
    assert (found["cells"], found["small"]) == ([], {"re-measured": 1})
    assert all(found[name] == [] for name in SECTIONS)


def test_a_cell_that_changed_is_not_shifted_as_well(run, judged, claim, gap):
    assert "shifted" not in places(compared(run, judged(claim("a"), gap(0.1)), judged(claim("a"), gap(-0.5, seed=1))))


def test_moved_goalposts_on_the_same_scores(run, judged, claim, gap):
    before, after = (judged(claim("a", above=b), gap(0.1)) for b in (0.2, 0.02))
    found = compared(run, before, after)
    assert places(found) == {"changed", "moved_goalposts", "rejudged"}
    (cell,) = found["cells"]
    assert cell["goalposts"] == [{"key": "bound", "before": "0.2", "after": "0.02"}]
    assert cell["measured"] == "re-judged"
    assert cell["paired"] == {"none": "the same scores: nothing was measured again"}


def test_moved_goalposts_are_told_where_the_verdict_stays(run, judged, claim, gap):
    before, after = (judged(claim("a", above=b), gap(0.1)) for b in (0.0, 0.02))
    assert places(compared(run, before, after)) == {"moved_goalposts", "rejudged"}


def test_registered_parameters_are_named_one_by_one(run, judged, claim, gap):
    before, after = (
        judged(claim("a", measured={"k": k, "ctx": 128}), gap(0.1, params={"k": k, "ctx": 128})) for k in (8, 16)
    )
    (cell,) = compared(run, before, after)["cells"]
    assert cell["goalposts"] == [{"key": "measured.k", "before": "8", "after": "16"}]
    assert cell["parameters"] == [{"key": "k", "before": "8", "after": "16"}]


def test_a_new_wording_is_told_and_is_no_goalpost(run, judged, claim, gap):
    found = compared(run, *(judged(claim("a", statement=s), gap(0.1)) for s in ("Ours wins.", "Ours is better.")))
    (cell,) = found["cells"]
    assert cell["wording"] == [{"key": "statement", "before": "Ours wins.", "after": "Ours is better."}]
    assert places(found) == {"rejudged"}


def test_a_control_that_failed_changes_what_rests_on_it(run, judged, claim, gap):
    needs = judged(claim("a", controls=("paper.null",)), gap(0.1))
    null = [judged(claim("null"), gap(shift, seed=2)) for shift in (0.1, -0.1)]
    found = comparison(run(needs, null[0]), run(needs, null[1]))
    assert {found["cells"][k]["claim"] for k in found["changed"]} == {"paper.a", "paper.null"}
    cell = next(c for c in found["cells"] if c["claim"] == "paper.a")
    assert (cell["before"]["state"], cell["after"]["state"], cell["after"]["word"]) == (
        "pass",
        "inconclusive",
        "pass, unsupported",
    )
    assert cell["paired"] == {"none": "the same scores: nothing was measured again"}


def test_the_most_serious_come_first(run, judged, claim, gap):
    def rows(*about):
        return [judged(claim(n, above=b), gap(shift, seed=seed)) for n, b, shift, seed in about]

    before = run(*rows(("shifted", 0.0, 0.1, 0), ("moved", 0.0, 0.1, 1), ("flip", 0.0, 0.1, 2)))
    after = run(*rows(("shifted", 0.0, 0.3, 3), ("moved", 0.01, 0.1, 1), ("flip", 0.0, -0.1, 4)))
    assert [c["claim"] for c in comparison(before, after)["cells"]] == ["paper.flip", "paper.moved", "paper.shifted"]


def test_it_knows_the_differences_that_diff_knows(run, mixed, judged, claim, gap):
    """One truth: each cell's kinds are those of ``ledger diff``."""
    before, after = run(*mixed[:8]), run(*mixed[4:], judged(claim("wins", above=0.05), gap(0.1)))
    found = comparison(before, after)
    told = sorted((c.claim, c.subject, c.kind) for c in changes(before.rows, after.rows))
    assert sorted((c["label"], c["subject"], kind) for c in found["cells"] for kind in c["kinds"]) == told
    json.dumps(found, allow_nan=False)


# ---- environment ----------------------------------------------------------------------------------


def test_the_environment_is_told_where_it_differs(run, judged, claim, gap):
    row = judged(claim("a"), gap(0.1))
    same = {"hardware": {"device": "cpu", "cores": 2}, "mi_assay": "checkout"}
    before = run(row, **same, lock={"sha256": "aa", "versions": {"numpy": "1", "torch": "2"}}, command=["pytest", "-q"])
    after = run(
        row,
        **same,
        lock={"sha256": "bb", "versions": {"numpy": "1"}},
        command=["pytest", "-x"],
        git={"commit": "abc", "dirty": True},
    )
    found = comparison(before, after)
    assert found["environment"] == [
        {"key": "git.commit", "before": before.header["git"]["commit"], "after": "abc"},
        {"key": "git.dirty", "before": "false", "after": "true"},
        {"key": "lock.sha256", "before": "aa", "after": "bb"},
        {"key": "lock.versions.torch", "before": "2", "after": ""},
        {"key": "command", "before": "pytest -q", "after": "pytest -x"},
    ]
    assert found["cells"] == []
    assert [r["dirty"] for r in found["runs"]] == [False, True]


def test_a_forged_record_is_text(run, judged, claim, gap):
    row, deep = judged(claim("a"), gap(0.1)), {}
    for _ in range(50):
        deep = {"x": deep}
    found = comparison(run(row), run(row, lock="a\x1b[2J\u202eb", command="x", hardware=[deep, None], more=deep))
    assert {d["key"]: d["after"] for d in found["environment"]}["lock"] == "a [2J b"
    text = json.dumps(found["environment"])
    assert "\\u001b" not in text
    assert "\\u202e" not in text
