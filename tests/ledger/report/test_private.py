"""What does not travel with a report."""

import copy

import pytest

from ledger.errors import LedgerError
from ledger.report.private import passable, without_secrets
from ledger.run import read_run


@pytest.mark.parametrize(
    "key",
    [
        "hf_" + "aB3" * 10,
        "sk-" + "proj-a1b2c3" * 3,
        "ghp_" + "a1" * 18,
        "ak-" + "Z9" * 12,
        "AKIA" + "A1B2" * 4,
    ],
)
def test_a_key_stops_the_report_and_is_not_repeated(key):
    with pytest.raises(LedgerError, match="looks like an access key") as caught:
        without_secrets({"params": {"model": f"https://x/{key}"}}, "paper.a on gpt2")
    assert "params" in str(caught.value)
    assert key not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["task-specific-something-quite-long-indeed", "sk-learn", "hf_hub", "ask-me-anything-about-this-text"]
)
def test_words_are_no_keys(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/home/ann/project/x.py: line 3", "~/project/x.py: line 3"),
        ("see /Users/ann/x", "see ~/x"),
        (r"C:\Users\Ann\x", r"~\x"),
        ("/root/x and data/root/x", "~/x and data/root/x"),
        ("https://example.org/home/page", "https://example.org/home/page"),
    ],
)
def test_home_folders_are_a_tilde(given, kept):
    assert without_secrets([given]) == [kept]


def test_only_rows_that_need_it_are_made_anew(mixed_run):
    run = read_run(mixed_run)
    run.rows[3] = {**copy.deepcopy(run.rows[3]), "nodeid": "/home/ann/test_x.py::test_y"}
    found = passable(run)
    assert found.rows[0] is run.rows[0]
    assert found.rows[3]["nodeid"] == "~/test_x.py::test_y"
    assert run.rows[3]["nodeid"].startswith("/home")


def test_the_run_record_is_searched_too(mixed_run):
    run = read_run(mixed_run)
    run.header["command"] = ["pytest", "--scorer", "sk-" + "a1b2c3" * 5]
    with pytest.raises(LedgerError, match="command"):
        passable(run)
