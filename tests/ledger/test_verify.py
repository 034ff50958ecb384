"""Recomputing a run: what was written by anybody but the court is found."""

import gzip
import json

import pytest

from ledger.attempts import Attempt
from ledger.claim import promise_hash
from ledger.run import read_run, scores_path
from ledger.verify import verify
from mi import claimable


def found(path):
    return verify(read_run(path)).problems


def test_a_run_of_every_kind_holds(mixed_run, mixed):
    result = verify(read_run(mixed_run))
    assert result.problems == []
    assert result.rows == len(mixed)
    assert result.recomputed == sum(j.stored is not None for j in mixed)


def test_runs_without_judged_rows_need_no_scores(tmp_path, write_run, undecided, claim):
    assert found(write_run(tmp_path, "r1", [undecided(claim(), "error")])) == []


@pytest.mark.parametrize("k", [1, 2, 10, 400])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_limits_near_zero_at_any_scale_and_attempt_hold(tmp_path, write_run, judged, claim, gap, forged, k, scale):
    """Written limits are compared on the scale of the interval, not on their own."""
    lo, _ = gap(0.0).limits(judged(claim(), gap(0.0), Attempt(k)).row["alpha_spent"])
    x = gap(-lo).differences.values * scale
    row = judged(claim(design="mean"), claimable.mean(x), Attempt(k, first_run="r"))
    assert abs(row.row["lo"]) < 1e-9 * scale
    path = write_run(tmp_path, "r1", [row])
    assert found(path) == []
    width = row.row["hi"] - row.row["lo"]
    forged(path, edit_row(lo=lambda x: x + 1e-10 * width))  # as another version of a library might
    assert found(path) == []
    forged(path, edit_row(lo=lambda x: x + 1e-8 * width))
    assert len(found(path)) == 1


def edit_row(**changes):
    def edit(records):
        for key, value in changes.items():
            records[1][key] = value(records[1][key]) if callable(value) else value

    return edit


def edit_promise(**changes):
    def edit(records):
        records[1]["registered"].update(changes)
        records[1]["registered_hash"] = promise_hash(records[1]["registered"])

    return edit


EDITED = {
    "estimate": (edit_row(estimate=lambda x: x + 1e-6), "estimate was written as"),
    "lower limit": (edit_row(lo=lambda x: x - 1e-6), "lower limit was written as"),
    "upper limit": (edit_row(hi=lambda x: x * 1.001), "upper limit was written as"),
    "level": (edit_row(level=0.9), "level was written as 0.9 and comes out as 0.969"),
    "attempt": (edit_row(attempt=2), "lower limit was written as"),
    "verdict": (edit_row(verdict="fail"), "verdict was written as fail and comes out as pass"),
    "verdict inconclusive": (
        edit_row(verdict="inconclusive"),
        "verdict was written as inconclusive and comes out as pass",
    ),
    "no verdict": (
        edit_row(verdict=None, status="deviated"),
        "executed as registered: True, and its status is deviated",
    ),
    "bound": (edit_row(bound=0.5), "bound 0.5 is not the registered 0.0"),
    "rule": (edit_row(rule="below"), "rule 'below' is not the registered 'above'"),
    "registered": (lambda r: r[1]["registered"].update(n=3), "its registration was changed: the hash does not fit"),
    "registered hash": (edit_row(registered_hash="0" * 16), "the hash does not fit"),
    "promised bound": (edit_promise(bound=0.05), "bound 0.0 is not the registered 0.05"),
    "promised alpha": (edit_promise(alpha=0.05), "level was written as"),
    "promised looks": (edit_promise(looks="one"), "level was written as"),
    "data": (edit_row(data="0" * 64), "lacks 1 of 1 data sets"),
}


@pytest.mark.parametrize("case", EDITED)
def test_an_edit_is_found_although_the_chain_was_made_anew(tmp_path, write_run, judged, claim, gap, forged, case):
    path = write_run(tmp_path, "r1", [judged(claim(), gap(0.1))])
    assert found(path) == []
    edit, words = EDITED[case]
    forged(path, edit)
    assert any(words in problem for problem in found(path)), found(path)


def rescored(path, edit):
    file = scores_path(path)
    stored = json.loads(gzip.decompress(file.read_bytes()))
    edit(stored)
    file.write_bytes(gzip.compress(json.dumps(stored).encode()))


RESCORED = {
    "a score": (
        lambda s: s["arms"][0]["values"].__setitem__(0, 9.0),
        "its scores were changed: their digest is not the row's",
    ),
    "a unit": (lambda s: s["units"].__setitem__(0, "prompt-999"), "their digest is not the row's"),
    "no arm": (lambda s: s.update(arms=[]), "cannot be recomputed"),
    "too few": (
        lambda s: s.update(units=["u"], arms=[{"values": [0.1]}, {"values": [0.2]}]),
        "cannot be recomputed: 1 paired units",
    ),
    "a word": (lambda s: s["arms"][0].update(values=["x"]), "cannot be recomputed"),
    "another design": (lambda s: s.update(design="other"), "cannot be recomputed: design 'other'"),
    "no options": (lambda s: s.pop("options"), "cannot be recomputed"),
    "nothing": (lambda s: s.update(units=3, arms=4), "cannot be recomputed"),
}


@pytest.mark.parametrize("case", RESCORED)
def test_edited_scores_are_found(tmp_path, write_run, judged, claim, gap, case):
    path = write_run(tmp_path, "r1", [judged(claim(), gap(0.1))])
    edit, words = RESCORED[case]
    rescored(path, edit)
    assert any(words in problem for problem in found(path)), found(path)


def test_missing_scores_are_found(mixed_run):
    scores_path(mixed_run).unlink()
    (problem,) = found(mixed_run)
    assert "missing; a run keeps its per-unit scores beside it" in problem


def test_forced_and_deviated_rows_are_recomputed_as_such(tmp_path, write_run, judged, claim, gap, forged):
    rows = [
        judged(claim("chosen"), gap(0.1, selected_on=["prompt-001"])),
        judged(claim("strays", measured={"k": 16}), gap(0.1, seed=1)),
        judged(claim("spent", looks="one"), gap(0.1, seed=2), Attempt(2, first_run="r0")),
    ]
    path = write_run(tmp_path, "r1", rows)
    assert {r["claim"]: r["verdict"] for r in read_run(path).rows} == {
        "paper.chosen": "inconclusive",
        "paper.strays": None,
        "paper.spent": "inconclusive",
    }
    assert found(path) == []
    forged(path, lambda records: [r.update(verdict="pass", status="decided", flags=[]) for r in records[1:]])
    assert sorted(found(path)) == [
        "paper.chosen on organism: verdict was written as pass and comes out as inconclusive",
        "paper.spent on organism: verdict was written as pass and comes out as inconclusive",
        "paper.strays on organism: executed as registered: False, and its status is decided",
    ]


def test_a_verdict_is_not_forced_without_a_reason_in_the_data(tmp_path, write_run, judged, claim, gap, forged):
    path = write_run(tmp_path, "r1", [judged(claim(), gap(-0.1))])
    forged(path, edit_row(verdict="inconclusive", flags=["exclusions"], limited_by="exclusions"))
    assert found(path) == ["paper.gap on organism: verdict was written as inconclusive and comes out as fail"]


def test_an_edited_line_breaks_the_chain_and_the_torn_run_says_so(mixed_run):
    whole = mixed_run.read_bytes()
    mixed_run.write_bytes(whole.replace(b'"verdict":"pass"', b'"verdict":"fail"', 1))
    assert any("does not follow" in p for p in found(mixed_run))
    mixed_run.write_bytes(whole[:-9])
    assert any("torn" in p for p in found(mixed_run))
