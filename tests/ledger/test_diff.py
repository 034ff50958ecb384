"""Two runs side by side."""

import pytest

from ledger.diff import (
    TITLES,
    changes,
    diff_json,
    diff_markdown,
    diff_text,
    drift_appeared,
    drift_resolved,
    moved_far,
    state_of,
)
from ledger.ruling import Ruling, rulings


def kinds(before, after):
    return [(c.kind, c.claim) for c in changes([j.row for j in before], [j.row for j in after])]


@pytest.fixture(scope="module")
def win(judged, claim, gap):
    return judged(claim("a"), gap(0.1))


def test_a_run_differs_in_nothing_from_itself(mixed):
    found = changes([j.row for j in mixed], [j.row for j in reversed(mixed)])
    assert found == []
    assert diff_text(found) == "no differences\n"
    assert "No differences." in diff_markdown(found)
    assert diff_json(found) == []


def test_a_flip(win, judged, claim, gap):
    (found,) = changes([win.row], [judged(claim("a"), gap(-0.1)).row])
    assert (found.kind, found.before, found.after) == ("flip", "pass", "fail")
    assert "→" in found.detail


def test_a_flip_within_the_family_alone(judged, claim, gap):
    small, large = (judged(claim("a", role="headline", family_size=m), gap(0.04)) for m in (1, 9))
    (found,) = changes([small.row], [large.row])
    assert (found.kind, found.after) == ("family", "pass (inconclusive in its family)")
    assert found.detail == "family: alone, 0 did not run → Holm, m=9, 8 did not run"


MOVED = {
    "bound": {"above": 0.01},
    "rule": {"below": 0.5},
    "alpha": {"alpha": 0.03},
    "rope": {"rope": 0.001},
    "looks": {"looks": "one"},
    "scope": {"scope": "method"},
    "family": {"family": "other"},
    "role": {"role": "conjunction"},
    "quantity": {"quantity": "loss"},
    "unit": {"unit": "document"},
    "n": {"n": 40},
    "measured": {"measured": {"arm": ["ours", "theirs"]}},
    "controls": {"controls": ("paper.null",)},
}


@pytest.mark.parametrize("key", MOVED)
def test_moved_goalposts_are_named_even_where_the_verdict_stays(win, claim, undecided, key):
    new = {**win.row, "registered": claim("a", **MOVED[key]).promise}
    (found,) = changes([win.row], [new])
    assert found.kind == "goalposts"
    assert f"{key}: " in found.detail
    assert (found.before, found.after) == ("pass", "pass")


def test_moved_goalposts_and_the_flip_they_bought(judged, claim, gap):
    before, after = judged(claim("a", above=0.09), gap(0.1)), judged(claim("a", above=0.02), gap(0.1))
    assert kinds([before], [after]) == [("flip", "paper.a"), ("goalposts", "paper.a")]
    text = diff_text(changes([before.row], [after.row]))
    assert text.startswith("verdict flips (1)\n")
    assert "\n!! MOVED GOALPOSTS (1)\n" in text
    assert "bound: 0.09 → 0.02" in text


def test_a_change_of_status_names_the_expectation(judged, claim, gap):
    before, after = (judged(claim("a", expected=e), gap(-0.1)) for e in ("pass", "fail"))
    (found,) = changes([before.row], [after.row])
    assert (found.kind, found.before, found.after) == ("status", "drift", "decided")
    assert found.detail == "verdict fail, expected pass → fail"


def test_other_numbers_and_the_same_verdict(win, judged, claim, gap):
    (found,) = changes([win.row], [judged(claim("a"), gap(0.2)).row])
    assert found.kind == "moved"
    assert found.before.startswith("+0.100 [")
    assert found.after.startswith("+0.200 [")


def test_added_and_removed(win, judged, claim, gap):
    other = judged(claim("b"), gap(0.1))
    (added,), (removed,) = changes([], [other.row]), changes([other.row], [])
    assert (added.kind, added.before, added.after) == ("added", "–", "pass")
    assert (removed.kind, removed.before, removed.after) == ("removed", "pass", "–")


def test_cells_and_subjects_are_not_mixed(judged, claim, gap):
    rows = [
        judged(claim("a", **about), gap(0.1))
        for about in ({"params": {"k": 8}}, {"params": {"k": 16}}, {"subject": "gpt2"})
    ]
    assert kinds(rows[:1], rows[1:]) == [("added", "paper.a[k=16]"), ("added", "paper.a"), ("removed", "paper.a[k=8]")]


def test_the_most_serious_kind_comes_first(win, judged, undecided, claim, gap):
    before = [
        judged(claim(n, expected=e), gap(0.1))
        for n, e in (("m", None), ("s", "fail"), ("f", None), ("g", None), ("r", None))
    ]
    after = [
        judged(claim("new"), gap(0.1)),
        judged(claim("m"), gap(0.2)),
        judged(claim("s", expected="pass"), gap(0.1)),
        judged(claim("f"), gap(0.0)),
        judged(claim("g", above=0.01), gap(0.1)),
    ]
    found = kinds(before, after)
    assert [k for k, _ in found] == ["flip", "goalposts", "status", "added", "removed", "moved"]
    assert [k for k in TITLES if k not in ("family", "wording")] == [k for k, _ in found]
    text = diff_markdown(changes([j.row for j in before], [j.row for j in after]))
    assert "**MOVED GOALPOSTS**" in text
    assert text.count("\n| ") == 1 + len(found)


def test_a_reworded_claim_is_named(judged, claim, gap):
    before, after = (judged(claim("a", statement=s), gap(0.1)) for s in ("Ours wins.", "Theirs wins."))
    (found,) = changes([before.row], [after.row])
    assert (found.kind, found.detail) == ("wording", "Ours wins. → Theirs wins.")


def test_the_last_bits_are_no_news(win):
    other = {**win.row, "lo": win.row["lo"] * (1 + 1e-14)}
    assert changes([win.row], [other]) == []
    assert [c.kind for c in changes([win.row], [{**win.row, "lo": win.row["lo"] + 1e-6}])] == ["moved"]


def test_drift_appears_and_is_resolved_by_a_verdict_alone():
    drift, held, idle = (Ruling({"status": s}, s, s, False, "", ()) for s in ("drift", "decided", "not_run"))
    assert [drift_appeared(old, drift) for old in (None, held, idle, drift)] == [True, True, True, False]
    assert [drift_resolved(drift, new) for new in (None, held, idle, drift)] == [False, True, False, False]
    assert not drift_appeared(drift, None)
    assert not drift_resolved(None, held)


@pytest.mark.parametrize(
    ("before", "after", "far"),
    [
        ((0.0, -1.0, 1.0), (1.0, 0.9, 1.1), False),
        ((0.0, -1.0, 1.0), (1.001, 0.9, 1.1), True),
        ((0.0, -1.0, 1.0), (-1.001, -2.0, 0.0), True),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 1.0), False),
        ((0.0, 0.0, 0.0), (1e-9, 0.0, 1.0), True),
        ((0.0, -1.0, 1.0), (None, None, None), True),
        ((None, None, None), (None, None, None), False),
    ],
)
def test_far_is_beyond_half_of_the_earlier_interval(before, after, far):
    old, new = (dict(zip(("estimate", "lo", "hi"), row, strict=True)) for row in (before, after))
    assert moved_far(old, new) is far


def test_states_tell_ways_to_have_no_verdict_apart(mixed):
    found = {r.row["claim"]: state_of(r) for r in rulings(j.row for j in mixed)}
    wanted = {"wins": "pass", "drifts": "fail", "strays": "deviated", "unfit": "refused", "idle": "not run"}
    wanted |= {"broken": "error", "crashed": "crashed"}
    assert {name: found[f"paper.{name}"] for name in wanted} == wanted
