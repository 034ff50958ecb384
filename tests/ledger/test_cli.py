"""Every command: formats, exit status, one-line errors."""

import json

import pytest

from ledger.cli import main
from ledger.commands.reading import BEGIN, END
from ledger.run import read_run, scores_path


@pytest.fixture
def ledger(tmp_path, mixed_run, clean_run, capsys):
    """``ledger(*argv)`` runs a command over a ledger of two runs: ``(status, out, err)``."""

    def run(*argv):
        status = main(["--root", str(tmp_path), *argv])
        return status, *capsys.readouterr()

    return run


FINE = {
    ("table",): "run 2026-11-21T120000Z-bbbbbb",
    ("table", "2026-11-20"): "paper.drifts",
    ("table", "--attention", "2026-11-20"): "paper.drifts",
    ("table", "--format", "md", "2026-11-20"): "| verdict | claim |",
    ("table", "--format", "md", "--limit", "1"): "4 more rows",
    ("table", "--only", "paper.w*"): "paper.wins",
    ("show", "wins"): "per unit (40 in all, 2 arms)",
    ("show", "paper.drifts", "2026-11-20"): "fail (expected pass)",
    ("show", "same", "2026-11-20", "--subject", "gpt2"): "paper.same on gpt2",
    ("diff",): "only in the first run (12)",
    ("diff", "2026-11-20", "2026-11-20"): "no differences",
    ("diff", "--format", "md"): "### Verdict changes",
    ("gate",): "gate open: run 2026-11-21T120000Z-bbbbbb",
    ("gate", "--format", "md", "--require", "paper.wins,paper.every"): "### Gate: open",
    ("verify",): "run 2026-11-21T120000Z-bbbbbb holds: 5 of 5 rows recomputed",
    ("verify", "2026-11-20"): "holds: 13 of 17 rows",
    ("path",): "2026-11-21T120000Z-bbbbbb.jsonl",
}


@pytest.mark.parametrize("argv", FINE, ids=" ".join)
def test_what_is_fine_exits_0(ledger, argv):
    status, out, err = ledger(*argv)
    assert (status, err) == (0, "")
    assert FINE[argv] in out
    assert "\x1b" not in out


ONE = {
    ("gate", "2026-11-20"): "gate closed: run 2026-11-20T120000Z-aaaaaa, 17 rows\n  paper.broken on organism: error",
    ("gate", "--format", "md", "2026-11-20"): "### Gate: closed\n\n- paper.broken on organism: error",
    ("gate", "--require", "paper.loses"): "  paper.loses on organism: required to pass, and is fail",
}


@pytest.mark.parametrize("argv", ONE, ids=" ".join)
def test_a_closed_gate_exits_1(ledger, argv):
    status, out, err = ledger(*argv)
    assert status == 1
    assert ONE[argv] in out
    assert err == ""


def test_a_run_that_does_not_hold_exits_1(ledger, clean_run):
    scores_path(clean_run).unlink()
    status, out, _ = ledger("verify")
    assert status == 1
    assert "does not hold: 0 of 5 rows" in out
    assert "missing; a run keeps its per-unit scores beside it" in out


TWO = {
    ("table", "1999"): "no run matches '1999'; there are 2026-11-21",
    ("table", "2026"): "several runs match",
    ("show", "nothing"): "no row of 'nothing'",
    ("show", "wins", "--subject", "mars"): "no row of 'wins' on mars",
    ("gate", "--allow", "everything"): "--allow everything: expected",
    ("gate", "--max-age", "soon"): "age 'soon': expected a number with h, d or w",
    ("index",): "no <report>.yaml files",
    ("new", "nodot"): "expected <report>.<name>",
    ("table", "--into", "nowhere.md"): "nowhere.md: cannot be read",
    ("index", "--claims", "."): "no <report>.yaml files",
}


@pytest.mark.parametrize("argv", TWO, ids=" ".join)
def test_bad_input_exits_2_with_one_line(ledger, argv):
    status, out, err = ledger(*argv)
    assert (status, out) == (2, "")
    assert err.startswith("ledger: ")
    assert err.count("\n") == 1
    assert TWO[argv] in err


@pytest.mark.parametrize(
    "argv", [[], ["nonsense"], ["table", "--format", "xml"], ["show"], ["table", "--limit", "few"]]
)
def test_wrong_usage_exits_2(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: python -m ledger" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert all(f"\n    {c} " in out for c in ("table", "show", "diff", "gate", "verify", "index", "new", "path"))


def test_damage_is_told_on_stderr_and_the_rest_is_shown(ledger, clean_run):
    clean_run.write_bytes(clean_run.read_bytes()[:-9])
    status, out, err = ledger("table")
    assert status == 0
    assert "paper.wins" in out
    assert [line.split(": ")[2] for line in err.splitlines()] == ["line 7", "not sealed"]
    clean_run.write_bytes(b"garbage\n")
    assert ledger("table")[0] == 2


def test_rows_as_json(ledger, mixed_run):
    status, out, _ = ledger("table", "--format", "json", "2026-11-20")
    rows = json.loads(out)
    named = "claim subject params verdict expected reported status estimate lo hi n method bound"
    kept = read_run(mixed_run).rows
    assert status == 0
    assert [{k: r[k] for k in named.split()} for r in rows] == [{k: r[k] for k in named.split()} for r in kept]
    assert all({"family_verdict", "family_method", "control_problems"} <= set(r) for r in rows)


def test_the_other_json(ledger):
    assert [r["claim"] for r in json.loads(ledger("show", "every", "--format", "json")[1])] == ["paper.every"] * 2
    assert ledger("show", "wins", "--format", "json", "--subject", "mars")[:2] == (2, "")
    assert {c["kind"] for c in json.loads(ledger("diff", "--format", "json")[1])} == {"removed"}
    status, out, _ = ledger("gate", "--format", "json", "2026-11-20")
    assert (status, json.loads(out)["open"]) == (1, False)
    assert json.loads(ledger("gate", "--format", "json")[1]) == {
        "run": "2026-11-21T120000Z-bbbbbb",
        "open": True,
        "problems": [],
    }
    assert json.loads(ledger("verify", "--format", "json")[1])["recomputed"] == 5


def test_a_table_between_markers(ledger, tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"# Ours\n{BEGIN}\nold\n{END}\nrest\n")
    argv = ("table", "--into", str(page))
    assert ledger(*argv, "--check")[0] == 1
    assert "old" in page.read_text()
    assert ledger(*argv)[0] == 0
    text = page.read_text()
    assert text.startswith(f"# Ours\n{BEGIN}\n**3 of 3 claims")
    assert text.endswith(f"{END}\nrest\n")
    assert "old" not in text
    assert ledger(*argv, "--check") == (0, "", "")
    assert ledger(*argv)[0] == 0
    assert page.read_text() == text
    stale = ledger("table", "--into", str(page), "--check", "2026-11-20")
    assert stale[0] == 1
    assert "is stale; run: python -m ledger table --into" in stale[2]


@pytest.mark.parametrize("content", [b"", b"no markers", f"{END}{BEGIN}".encode(), BEGIN.encode(), b"\xff"])
def test_a_page_without_markers_is_left_alone(ledger, tmp_path, content):
    page = tmp_path / "README.md"
    page.write_bytes(content)
    status, _, err = ledger("table", "--into", str(page))
    assert status == 2
    assert err.count("\n") == 1
    assert page.read_bytes() == content


def test_new_and_index(ledger, tmp_path):
    status, out, _ = ledger("new", "book.gap", "Ours is better.")
    assert status == 0
    assert out.splitlines()[2].endswith("test_book_gap.py --verdicts=all")
    status, out, _ = ledger("index")
    assert status == 0
    assert "| `book.gap` |" in out
    assert ledger("index", "-o", str(tmp_path / "index.md")) == (0, "", "")
    assert (tmp_path / "index.md").read_text() == out
    status, _, err = ledger("index", "-o", str(tmp_path))
    assert status == 2
    assert err.startswith("ledger: ")


def test_a_diff_needs_two_runs(ledger, clean_run, mixed_run):
    mixed_run.unlink()
    status, _, err = ledger("diff")
    assert status == 2
    assert "a diff needs two" in err


def test_an_empty_ledger(tmp_path, capsys):
    for command in (["table"], ["gate"], ["verify"], ["diff"], ["path"], ["show", "x"]):
        assert main(["--root", str(tmp_path), *command]) == 2
        assert capsys.readouterr().err.startswith("ledger: ")
