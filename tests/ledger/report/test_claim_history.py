"""What earlier runs found for the cells of a run."""

import json

from ledger.report.history import history, listed
from ledger.row import key_of


def of(found, claim):
    return next(points for key, points in found.items() if key[0] == f"paper.{claim}")


def only(found):
    (points,) = found.values()
    return points


def test_a_cell_without_earlier_rows_has_no_history(run, judged, claim, gap):
    assert history(run(judged(claim("a"), gap(0.1))), []) == {}
    assert history(run(judged(claim("a"), gap(0.1))), [run(judged(claim("b"), gap(0.1)))]) == {}


def test_points_come_oldest_first_and_the_row_itself_last(run, judged, claim, gap):
    rows = [judged(claim("a"), gap(shift, seed=k)) for k, shift in enumerate((0.1, -0.1, 0.2))]
    *earlier, last = [run(row) for row in rows]
    points = only(history(last, earlier))
    assert [p["run"] for p in points] == [0, 1, 2]
    assert [p["verdict"] for p in points] == ["pass", "fail", "pass"]
    assert [(p["estimate"], p["lo"], p["hi"]) for p in points] == [
        (r.row["estimate"], r.row["lo"], r.row["hi"]) for r in rows
    ]
    assert [p.get("same_data") for p in points] == [None, False, False]


def test_keys_are_those_of_the_rows_and_cells_are_not_mixed(run, judged, claim, gap):
    cells = [judged(claim("a", **about), gap(0.1)) for about in ({"params": {"k": 8}}, {"params": {"k": 16}})]
    cells.append(judged(claim("a", subject="gpt2"), gap(-0.1)))
    last = run(*cells)
    found = history(last, [run(cells[0]), run(*cells[1:])])
    assert set(found) == {key_of(row) for row in last.rows}
    firsts = [found[key_of(cell.row)][0] for cell in cells]
    assert [(p["run"], p["verdict"]) for p in firsts] == [(0, "pass"), (1, "pass"), (1, "fail")]


def test_runs_that_found_the_same_from_the_same_scores_share_a_point(run, judged, claim, gap):
    same = judged(claim("a"), gap(0.1))
    (point,) = only(history(run(same), [run(same), run(same)]))
    assert (point["run"], point["through"]) == (0, 2)
    assert "same_data" not in point


def test_a_run_without_the_row_ends_the_point(run, judged, claim, gap, undecided):
    same, other = judged(claim("a"), gap(0.1)), judged(claim("b"), gap(0.1))
    points = only(history(run(same), [run(same), run(other), run(undecided(claim("a"), "not_run")), run(same)]))
    assert [(p["run"], p.get("through"), p["status"], p.get("same_data")) for p in points] == [
        (0, None, "decided", None),
        (2, None, "not_run", None),
        (3, 4, "decided", True),
    ]


def test_the_same_scores_judged_again_are_told_from_new_ones(run, judged, claim, gap):
    """Another bound: a promise that moved, on the scores that were there."""
    data = gap(0.1)
    first, moved = judged(claim("a"), data), judged(claim("a", above=0.09), data)
    again = judged(claim("a", above=0.09), gap(0.1, seed=5))
    points = only(history(run(again), [run(first), run(moved)]))
    assert [(p.get("same_data"), p.get("promise_moved")) for p in points] == [(None, None), (True, True), (False, None)]


def test_a_new_wording_moves_nothing(run, judged, claim, gap):
    one, two = (judged(claim("a", statement=s), gap(0.1)) for s in ("Ours wins.", "Ours is better."))
    assert [p.get("through") for p in only(history(run(two), [run(one)]))] == [1]


def test_a_promise_that_moved_is_a_point_of_its_own_even_with_the_same_result(run, judged, claim, gap):
    one, two = (judged(claim("a", above=b), gap(0.1)) for b in (0.0, 0.01))
    points = only(history(run(two), [run(one)]))
    assert [p.get("promise_moved") for p in points] == [None, True]


def test_points_of_superseded_claims_are_marked(run, judged, claim, gap):
    old, new = claim("old"), claim("new", supersedes="paper.old", above=0.01)
    data, later = gap(0.1), gap(0.1, seed=3)
    earlier = [run(judged(old, data)), run(judged(old, data), judged(new, later))]
    last = run(judged(old, data), judged(new, later))
    found = history(last, earlier)
    points = of(found, "new")
    assert [(p["run"], p.get("through"), p.get("superseded"), p.get("same_data")) for p in points] == [
        (0, 1, "paper.old", None),
        (1, 2, None, False),
    ]
    assert [p.get("promise_moved") for p in points] == [None, None]
    assert [p.get("superseded") for p in of(found, "old")] == [None]


def test_superseded_in_turn_and_never_in_a_circle(run, judged, claim, gap):
    claims = [claim("a"), claim("b", supersedes="paper.a"), claim("c", supersedes="paper.b")]
    last = run(*(judged(c, gap(0.1)) for c in claims))
    points = of(history(last, [run(judged(claims[0], gap(0.1)))]), "c")
    assert [p.get("superseded") for p in points] == ["paper.a", None]
    assert points[1]["same_data"] is True
    last.rows[0]["supersedes"] = last.rows[2]["claim"]
    assert len(history(last, [last])) == 3


def test_a_verdict_of_the_family_is_told_where_it_differs(run, judged, claim, gap):
    one = judged(claim("a", role="headline", family_size=9), gap(0.04))
    (point,) = only(history(run(one), [run(one)]))
    assert (point["verdict"], point["family_verdict"]) == ("pass", "inconclusive")


def test_every_kind_of_row_has_a_history_in_plain_json(run, mixed):
    last = run(*mixed)
    found = history(last, [run(*mixed), run(*mixed)])
    assert len(found) == len(mixed)
    assert all([p["run"] for p in points] == [0] and points[0]["through"] == 2 for points in found.values())
    json.dumps(list(found.values()), allow_nan=False)


def test_earlier_runs_are_looked_at_one_at_a_time(run, judged, claim, gap):
    row, alive = judged(claim("a"), gap(0.1)), []

    def reading():
        for k in range(3):
            alive.append(k)
            yield run(row)
            alive.remove(k)

    (point,) = only(history(run(row), reading()))
    assert point["through"] == 3
    assert alive == []


def test_runs_are_listed_with_what_a_reader_must_know(run, judged, claim, gap):
    row = judged(claim("a"), gap(0.1))
    one = run(row)
    two = run(row, git={"commit": "abc", "dirty": True}, time=None)
    assert listed([one, two]) == [
        {"id": one.id, "time": "2026-11-20T12:00:00Z", "commit": one.header["git"]["commit"], "dirty": False},
        {"id": two.id, "time": "", "commit": "abc", "dirty": True},
    ]
