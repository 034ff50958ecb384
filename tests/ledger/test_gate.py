"""The gate: each reason to close it, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.attempts import Attempt
from ledger.claim import EXAMPLE_SUBJECT
from ledger.errors import LedgerError
from ledger.gate import ALLOWABLE, parse_age, problems
from ledger.run import read_run

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def gated(tmp_path, write_run):
    """``gated(rows, **header)`` are the gate's reasons for a run of these rows."""

    def gate(rows, *, sealed=True, header=None, **policy):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return problems(read_run(write_run(folder, "r1", rows, sealed=sealed, **(header or {}))), now=NOW, **policy)

    return gate


@pytest.fixture(scope="module")
def win(judged, claim, gap):
    return judged(claim("win", expected="pass"), gap(0.1))


def test_an_open_gate(clean_run):
    assert (
        problems(read_run(clean_run), require=["paper.wins", "paper.every"], max_age=timedelta(days=9), now=NOW) == []
    )


def test_an_expected_refusal_is_fine(gated, win, undecided, claim):
    assert gated([win, undecided(claim("unfit", expected="refused"), "refused")]) == []


CLOSED = {
    "an unexpected refusal": ("refused", {}, "refused"),
    "an error": ("error", {}, "error"),
    "a crash": ("crashed", {}, "crashed"),
    "a claim that did not run": ("not_run", {}, "not run"),
}


@pytest.mark.parametrize("case", CLOSED)
def test_rows_without_a_verdict(gated, win, undecided, claim, case):
    status, about, words = CLOSED[case]
    (found,) = gated([win, undecided(claim("odd", **about), status)])
    assert found.startswith(f"paper.odd on organism: {words}: it was {status}. Mend it")
    assert gated([win, undecided(claim("odd"), status)], allow=ALLOWABLE) == [found]


def test_drift(gated, win, judged, claim, gap):
    drift = judged(claim("odd", expected="pass"), gap(-0.1))
    (found,) = gated([win, drift])
    assert found.startswith("paper.odd on organism: fail (expected pass)")
    assert gated([win, drift], allow=["drift"]) == []
    assert len(gated([win, drift], allow=["drift"], require=["paper.odd"])) == 1


def test_a_deviation_is_never_allowed(gated, win, judged, claim, gap):
    (found,) = gated([win, judged(claim("odd", measured={"k": 16}), gap(0.1))], allow=ALLOWABLE)
    assert found.startswith("paper.odd on organism: deviated: measured.k: registered 16, executed None")


def test_an_unexpected_fail(gated, win, judged, claim, gap):
    fail = judged(claim("odd"), gap(-0.1))
    assert gated([win, fail]) == ["paper.odd on organism: fail"]
    assert gated([win, fail], allow=["unexpected"]) == []
    assert gated([win, judged(claim("odd", expected="fail"), gap(-0.1))]) == []
    assert gated([win, judged(claim("odd"), gap(0.0))]) == []  # inconclusive says nothing against it


@pytest.mark.parametrize(
    ("git", "words"),
    [
        ({"commit": "4f1c2ab", "dirty": True}, "run: made from a dirty tree"),
        ({"commit": None, "dirty": None}, "run: made outside a git repository"),
        ({}, "run: made outside a git repository"),
        ({"commit": None, "dirty": True}, "run: made before the first commit"),
    ],
)
def test_code_that_nobody_can_get(gated, win, git, words):
    (found,) = gated([win], header={"git": git})
    assert found.startswith(words)
    assert gated([win], header={"git": git}, allow=["dirty"]) == []


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("2026-11-24T13:00:00Z", None),
        ("2026-11-18T12:00:00Z", None),
        ("2026-11-18T11:00:00Z", "run: 7.04 days old, at most 7 days are allowed"),
        ("2026-11-25T12:04:00Z", None),
        ("2026-11-25T12:06:00Z", "run: made in the future (2026-11-25T12:06:00Z)"),
        ("yesterday", "run: its time 'yesterday' cannot be read"),
        ("2026-11-24T13:00:00", "run: its time '2026-11-24T13:00:00' cannot be read"),
        (None, "run: its time None cannot be read"),
    ],
)
def test_age(gated, win, time, words):
    assert gated([win], header={"time": time}, max_age=timedelta(days=7)) == ([words] if words else [])
    assert gated([win], header={"time": time}) == []


@pytest.mark.parametrize(
    ("text", "hours"), [("30d", 720), ("12h", 12), ("2w", 336), (" 1d ", 24), ("0h", 0), ("9" * 30 + "w", 10**6)]
)
def test_ages_as_text(text, hours):
    assert parse_age(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5d", "30 days", "1y"])
def test_what_is_no_age(text):
    with pytest.raises(LedgerError, match=r"e\.g\. 30d"):
        parse_age(text)


def test_required_claims(gated, win, judged, claim, gap):
    cells = [
        judged(claim("cell", params={"k": k}, expected=e), gap(d, seed=k))
        for k, e, d in ((1, None, 0.1), (2, "inconclusive", 0.0))
    ]
    assert gated([win, *cells], require=["paper.win"]) == []
    assert gated([win], require=["paper.other"]) == ["paper.other: required, and not in this run"]
    assert gated([win], require=["win"]) == ["win: required, and not in this run"]
    assert gated([win, *cells], require=["paper.cell"]) == [
        "paper.cell[k=2] on organism: required to pass, and is inconclusive"
    ]
    assert gated([judged(claim("odd", expected="fail"), gap(-0.1))], require=["paper.odd"]) == [
        "paper.odd on organism: required to pass, and is fail"
    ]


def test_a_required_pass_must_survive_its_family(gated, win, judged, claim, gap):
    head = judged(claim("head", role="headline", family_size=9), gap(0.04))
    assert head.row["verdict"] == "pass"
    assert gated([head]) == []
    assert gated([head], require=["paper.head"]) == [
        "paper.head on organism: required to pass, and is pass → inconclusive"
    ]


def test_a_required_conjunction_needs_every_registered_cell(gated, judged, claim, gap):
    cells = [judged(claim("all", role="conjunction", params={"k": k}, family_size=2), gap(0.1, seed=k)) for k in (1, 2)]
    assert gated(cells, require=["paper.all"]) == []
    assert gated(cells[:1], require=["paper.all"]) == [
        "paper.all on organism: required for every cell, and 1 of 2 cells pass"
    ]


def test_controls(gated, win, judged, claim, gap):
    led = judged(claim("led", controls=("paper.win",)), gap(0.1))
    assert gated([led, win], require=["paper.led"]) == []
    found = gated([led], require=["paper.led"])
    assert found == [
        "paper.led on organism: pass, unsupported: control paper.win did not run",
        "paper.led on organism: required to pass, and is pass, unsupported",
    ]


def test_a_promise_changed_after_a_look(gated, judged, claim, gap):
    moved = judged(claim("odd"), gap(0.1), Attempt(1, changed={"bound": (0.05, 0.0)}, changed_in="r0"))
    assert gated([moved], allow=ALLOWABLE) == [
        "paper.odd on organism: its promise was changed after a look at data (run r0)"
    ]


def test_unsealed(gated, win):
    (found,) = gated([win], sealed=False)
    assert found.startswith("run: not sealed")
    assert gated([win], sealed=False, allow=["unsealed"]) == []


def test_a_broken_chain(clean_run):
    clean_run.write_bytes(clean_run.read_bytes().replace(b"Ours beats", b"Hers beats", 1))
    found = problems(read_run(clean_run), allow=ALLOWABLE)
    assert [p.split(":")[0] for p in found] == ["chain", "chain"]


def test_a_gate_over_nothing_is_closed(gated):
    assert gated([]) == ["run: no rows; a gate over nothing would always be open"]


def test_scores_that_are_gone(clean_run):
    run = read_run(clean_run)
    scores = run.scores_path.read_bytes()
    run.scores_path.write_bytes(scores[: len(scores) // 2])
    assert [p.split(":")[0] for p in problems(run, allow=ALLOWABLE)] == ["scores"]
    run.scores_path.unlink()
    (found,) = problems(run, allow=ALLOWABLE)
    assert found.startswith("scores: ")
    assert "missing" in found


def test_example_numbers_open_no_gate(gated, judged, claim, gap):
    example = judged(claim("odd", subject=EXAMPLE_SUBJECT, expected="pass"), gap(0.1))
    (found,) = gated([example], allow=ALLOWABLE)
    assert found == f"paper.odd on {EXAMPLE_SUBJECT}: judged on the scaffold's example numbers"


def test_with_a_registry_every_cell_needs_a_row(gated, judged, claim, gap):
    cells = [claim("cell", params={"k": k}) for k in (1, 2)]
    rows = [judged(cells[0], gap(0.1))]
    assert gated(rows) == []
    assert gated(rows, registered=cells[:1]) == []
    assert gated(rows, registered=cells) == [
        "paper.cell[k=2] on organism: registered at paper.yaml:7, and not in this run"
    ]


def test_only_some_things_can_be_allowed(gated, win):
    with pytest.raises(LedgerError, match="--allow deviated: expected dirty, drift, unexpected, unsealed"):
        gated([win], allow=["deviated"])
