"""What the ledger remembers of a claim: attempts, replays, changed promises."""

import dataclasses
import json

import pytest

from ledger.attempts import FIRST
from ledger.claim import EXAMPLE_SUBJECT
from ledger.folders import LOCAL, RECORDED, run_files
from ledger.history import History
from ledger.verdict import Bound


@pytest.fixture
def remember(tmp_path, judged, write_run):
    """``remember(day, *rows, folder)`` keeps a run of one day."""

    def keep(day, *rows, folder=LOCAL):
        return write_run(tmp_path / folder, f"2026-11-{day:02d}T000000Z-{day:06d}", rows)

    return keep


@pytest.fixture
def history(tmp_path):
    return lambda: History(run_files(tmp_path))


def test_a_claim_without_a_past(history, claim):
    found = history().attempt(claim(), "digest")
    assert (found.number, found.replay, found.first_run, found.changed) == (1, False, None, None)


def test_every_new_digest_is_an_attempt_and_a_known_one_a_replay(remember, history, judged, claim, gap):
    data = [gap(0.0, seed=s) for s in range(3)]
    remember(1, judged(claim(), data[0]))
    remember(2, judged(claim(), data[1]))
    remember(3, judged(claim(), data[0]))  # a replay counts once
    past = history()
    first = "2026-11-01T000000Z-000001"
    for contrast, number, replay in ((data[0], 1, True), (data[1], 2, True), (data[2], 3, False)):
        found = past.attempt(claim(), contrast.digest)
        assert (found.number, found.replay, found.first_run) == (number, replay, first)


def test_cells_are_counted_apart(remember, history, judged, claim, gap):
    seen = gap(0.0)
    remember(1, judged(claim(params={"k": 8}), seen), judged(claim(subject="gpt2"), seen), judged(claim("other"), seen))
    past = history()
    assert past.attempt(claim(params={"k": 8}), "new").number == 2
    assert past.attempt(claim(params={"k": 16}), "new").number == 1
    assert past.attempt(claim(), "new").number == 1
    assert past.attempt(claim(subject="gpt2"), "new").number == 2


def test_parameters_are_a_cell_in_any_order(remember, history, judged, claim, gap):
    remember(1, judged(claim(params={"k": 8, "noise": 0.5}), gap(0.0)))
    assert history().attempt(claim(params={"noise": 0.5, "k": 8}), "new").number == 2


def test_rows_that_saw_no_data_spend_nothing(remember, history, undecided, claim):
    remember(1, *(undecided(claim(), status) for status in ("refused", "error", "crashed", "not_run")))
    assert history().attempt(claim(), "new").number == 1


def test_a_deviated_look_is_a_look(remember, history, judged, claim, gap):
    strayed = judged(claim(measured={"k": 16}), gap(0.0, params={"k": 8}))
    assert strayed.row["status"] == "deviated"
    remember(1, strayed)
    assert history().attempt(claim(measured={"k": 16}), "new").number == 2


@pytest.mark.parametrize("folder", [LOCAL, RECORDED])
def test_a_changed_promise_is_found(remember, history, judged, claim, gap, folder):
    remember(1, judged(claim(above=0.05), gap(0.1)), folder=folder)
    found = history().attempt(claim(above=0.02), "new")
    assert found.changed == {"bound": (0.05, 0.02)}
    assert found.changed_in == "2026-11-01T000000Z-000001"
    assert found.changed_recorded is (folder == RECORDED)


CHANGES = {
    "rule": {"bound": Bound("below", 0.0)},
    "measured": {"measured": {"k": 16}},
    "n": {"n": 40},
    "alpha": {"alpha": 0.01},
    "looks": {"looks": "one"},
    "rope": {"rope": 0.1},
    "role": {"role": "headline"},
    "family": {"family": "other"},
    "controls": {"controls": ("paper.null",)},
    "unit": {"unit": "document"},
    "quantity": {"quantity": "loss"},
    "design": {"design": "mean"},
    "scope": {"scope": "method"},
}


@pytest.mark.parametrize("key", CHANGES)
def test_whatever_can_move_a_verdict_is_a_change(remember, history, judged, claim, gap, key):
    remember(1, judged(claim(), gap(0.1)))
    found = history().attempt(dataclasses.replace(claim(), **CHANGES[key]), "new")
    assert set(found.changed) == {key}


@pytest.mark.parametrize(
    "mended", [{"statement": "Better words."}, {"supersedes": "paper.old"}, {"expected": "pass"}, {"tier": "gpu"}]
)
def test_wording_may_be_mended(remember, history, judged, claim, gap, mended):
    remember(1, judged(claim(), gap(0.1)))
    assert history().attempt(claim(**mended), "new").changed is None


def test_a_recorded_promise_weighs_more_than_a_later_local_one(remember, history, judged, claim, gap):
    remember(1, judged(claim(above=0.05), gap(0.1)), folder=RECORDED)
    remember(2, judged(claim(above=0.04), gap(0.1)))
    found = history().attempt(claim(above=0.02), "new")
    assert (found.changed, found.changed_recorded) == ({"bound": (0.05, 0.02)}, True)


def test_a_bound_tried_out_and_put_back_is_no_change(remember, history, judged, claim, gap):
    for day, bound in ((1, 0.05), (2, 0.02), (3, 0.05)):
        remember(day, judged(claim(above=bound), gap(0.1)))
    assert history().attempt(claim(above=0.05), "new").changed is None
    assert history().attempt(claim(above=0.02), "new").changed == {"bound": (0.05, 0.02)}


def test_data_that_a_superseded_claim_has_seen(remember, history, judged, claim, gap):
    remember(1, judged(claim("old"), gap(0.1)), judged(claim("old", subject="gpt2"), gap(0.1, seed=1)))
    new = claim("new", supersedes="paper.old", replaces=("paper.old",))
    found = history().attempt(new, gap(0.1).digest)
    assert (found.number, found.seen_before) == (1, ("paper.old", "2026-11-01T000000Z-000001"))
    assert history().attempt(new, gap(0.1, seed=1).digest).seen_before is None  # on another subject
    assert history().attempt(claim("new"), gap(0.1).digest).seen_before is None
    row = judged(new, gap(0.1), found).row
    assert row["seen_before"] == {"claim": "paper.old", "run": "2026-11-01T000000Z-000001"}


def test_the_scaffold_s_example_numbers_are_no_look(remember, history, judged, claim, gap):
    example = claim(subject=EXAMPLE_SUBJECT)
    remember(1, judged(example, gap(0.0)))
    assert history().attempt(example, "new") == FIRST


def test_broken_lines_are_no_evidence(remember, history, judged, claim, gap):
    path = remember(1, judged(claim(), gap(0.0)))
    good = next(line for line in path.read_bytes().splitlines() if b'"record":"row"' in line)
    row = json.loads(good)
    wrong = [
        good[:-20],
        good.replace(b'"record":"row"', b'"record":"note"'),
        b'{"claim":"paper.gap"' + b"[" * 5000 + b"}",
        b'{"claim":"paper.gap",}',
        b'\xff{"claim":"paper.gap"}',
        *(
            json.dumps({**row, "data": f"d{i}", **broken}, separators=(",", ":")).encode()
            for i, broken in enumerate(({"params": None}, {"params": "k"}, {"subject": ["organism"]}))
        ),
    ]
    path.with_name("2026-11-02.jsonl").write_bytes(b"\n".join(wrong))
    (path.with_name("2026-11-03.jsonl")).mkdir()
    assert history().attempt(claim(), "new").number == 2


def test_twenty_runs(tmp_path, remember, history, judged, claim, gap):
    for day in range(1, 21):
        remember(day, judged(claim(), gap(0.0, seed=day)), judged(claim("other"), gap(0.0, seed=-day % 97)))
    past = history()
    assert past.attempt(claim(), "new").number == 21
    oldest_first = [p.stem for p, _ in past.rows("paper.gap")]
    assert oldest_first == sorted(oldest_first)
    run_files(tmp_path)[0].unlink()  # by another session, meanwhile
    assert past.attempt(claim("other"), "new").number == 20


def test_looks_of_superseded_claims_count(write_run, judged, claim, gap, tmp_path):
    """Twenty ids in a row would otherwise be twenty first looks."""
    old, new = claim(id="paper.a"), claim(id="paper.b", supersedes="paper.a", replaces=("paper.a",))
    path = write_run(tmp_path, "r1", [judged(old, gap(0.1, seed=1))])
    attempt = History([path]).attempt(new, gap(0.1, seed=2).digest)
    assert (attempt.number, attempt.replay) == (2, False)
    assert History([path]).attempt(new, gap(0.1, seed=1).digest).seen_before == ("paper.a", "r1")
