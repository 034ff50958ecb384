"""One row in full."""

import pytest

from ledger.errors import LedgerError
from ledger.run import read_run, scores_path
from ledger.show import show_text


@pytest.fixture
def shown(mixed_run):
    run = read_run(mixed_run)
    return lambda claim, subject=None: show_text(run, claim, subject)


def test_a_row_in_full(shown, mixed):
    text, row = shown("paper.wins"), mixed[0].row
    assert text.startswith("paper.wins on organism: pass\n  Ours beats theirs on the same prompts.\n")
    assert "accuracy +0.100 [" in text
    assert "n=40: passes because the lower limit +0" in text
    for fact in (
        "expected       pass",
        "reported       value 0.11",
        "hall-t (calibrated), design paired, scope artifact",
    ):
        assert fact in text
    assert f"paper.yaml:7 (hash {row['registered_hash']})" in text
    assert row["data"] in text
    assert row["nodeid"] in text
    assert "commit 4f1c2ab90d" in text


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("loses", "fails because the upper limit -0"),
        ("chosen", "inconclusive; wanted > 0"),
        ("loses", "expected       fail: the known truth"),
        ("wins", "against 'it passes': how often data at least this far out would come if the truth lay on the bound"),
        ("unsure", "contains the bound 0"),
        ("unsure", "prompts would decide (has 40)"),
        ("strays", "DEVIATED       measured.k: registered 16, executed 8"),
        ("strays", "no verdict; wanted > 0"),
        ("broken", "paper.broken on organism: error"),
        ("again", "3, one-sided error 0.00169 of 0.025"),
        ("head-a", "(bonferroni, m=2): pass"),
        ("same", "within ±0.1"),
        ("counts", "also           fisher_p"),
        ("counts", "n=20+22"),
    ],
)
def test_what_else_a_row_says(shown, claim, words):
    assert words in shown(claim)


def test_every_cell_of_a_claim_is_shown(shown):
    text = shown("every")
    assert text.index("paper.every[k=8] on organism") < text.index("paper.every[k=16] on organism")


def test_units_are_those_of_the_scores(shown, mixed):
    text = shown("wins")
    first, last = mixed[0].stored["arms"][0]["values"][0], mixed[0].stored["arms"][1]["values"][11]
    assert "per unit (40 in all, 2 arms)" in text
    assert f"prompt-000                       {first:<10.6g}" in text
    assert f"{last:.6g}\n" in text
    assert "… 28 more in the scores file" in text


def test_without_scores_the_row_still_stands(mixed_run):
    scores_path(mixed_run).write_bytes(b"garbage")
    assert "per unit" not in show_text(read_run(mixed_run), "wins", None)


def test_a_subject_picks(shown):
    assert "on gpt2" in shown("same", "gpt2")
    with pytest.raises(LedgerError, match=r"no row of 'same' on organism in run .*; it has paper\.again, "):
        shown("same", "organism")


@pytest.mark.parametrize("claim", ["", "win", "paper", "PAPER.WINS", "other.wins"])
def test_an_unknown_claim_lists_the_known_ones(shown, claim):
    with pytest.raises(LedgerError, match=r"it has paper\.again, paper\.broken"):
        shown(claim)
