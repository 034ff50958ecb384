"""New claims: registered, with a test that runs at once; or nothing is changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.registry import load_report
from ledger.run import read_run
from ledger.scaffold import new_claim

ROOT = Path(__file__).resolve().parents[2]


def test_new_claims_run_at_once_and_leave_rows(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nmarkers =\n    smoke: x\n    gpu: x\n")
    folder = tmp_path / "claims"
    statements = ('Ours "beats" \\theirs\\: on # all — prompts', None)
    made = [new_claim(f"my-paper.claim_{i}", s, folder) for i, s in enumerate(statements)]
    assert {y for y, _ in made} == {folder / "my-paper.yaml"}
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "ledger.plugin",
            "-p",
            "no:mi_assay",
            "--ledger",
            "kept",
            "claims",
        ],
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "kept").glob("*.jsonl")
    rows = read_run(path).rows
    assert [(r["claim"], r["verdict"], r["status"]) for r in rows] == [
        ("my-paper.claim_0", "pass", "decided"),
        ("my-paper.claim_1", "pass", "decided"),
    ]
    assert rows[0]["statement"] == statements[0]


def test_a_second_claim_leaves_the_first_as_it_was(tmp_path):
    new_claim("paper.a", "A is so.", tmp_path)
    before = (tmp_path / "paper.yaml").read_text()
    new_claim("paper.b", "B is so.", tmp_path)
    assert (tmp_path / "paper.yaml").read_text().startswith(before)
    assert list(load_report(tmp_path / "paper.yaml").claims) == ["paper.a", "paper.b"]


@pytest.mark.parametrize(
    "claim_id", ["", "paper", "paper.", ".a", "a.b.c", "a b.c", "../x.y", "a/b.c", "-a.b", "a.b\n", "päper.a", "a.ü"]
)
def test_ids_that_are_none(tmp_path, claim_id):
    with pytest.raises(LedgerError):
        new_claim(claim_id, "S", tmp_path / "claims")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("claim_id", ["paper.no", "paper.1", "paper.1e3", "paper.null", "2024.on"])
def test_ids_that_yaml_would_read_otherwise(tmp_path, claim_id):
    yaml_path, _ = new_claim(claim_id, "S", tmp_path)
    assert list(load_report(yaml_path).claims) == [claim_id]


def test_a_claim_that_exists(tmp_path):
    yaml_path, test_path = new_claim("paper.a", "A", tmp_path)
    before = yaml_path.read_bytes(), test_path.read_bytes()
    with pytest.raises(LedgerError, match="exists already"):
        new_claim("paper.a", "Another", tmp_path)
    test_path.rename(tmp_path / "test_renamed.py")
    with pytest.raises(LedgerError, match="is registered already"):
        new_claim("paper.a", "Another", tmp_path)
    assert (yaml_path.read_bytes(), (tmp_path / "test_renamed.py").read_bytes()) == before


BROKEN = {
    "not valid": b"report: paper\nclaims:\n  a: {statement: A}\n",
    "not YAML": b"report: [\n",
    "not UTF-8": b"report: paper # \xff\n",
    "claims not last": b"report: paper\nclaims:\n  a: {statement: A, quantity: q, unit: u, design: mean, above: 0, subjects: {s: }}\ntitle: T\n",
    "empty": b"",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_takes_no_entry_is_left_alone(tmp_path, case):
    path = tmp_path / "paper.yaml"
    path.write_bytes(BROKEN[case])
    with pytest.raises(LedgerError, match=r"paper\.yaml"):
        new_claim("paper.b", "B", tmp_path)
    assert path.read_bytes() == BROKEN[case]
    assert [p.name for p in tmp_path.iterdir()] == ["paper.yaml"]


@pytest.mark.parametrize("statement", ["bell \x07", "x" * 501, "nul \x00"])
def test_a_statement_that_cannot_be_registered(tmp_path, statement):
    with pytest.raises(LedgerError, match="Nothing was changed"):
        new_claim("paper.a", statement, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "statement", ['ends in "', '"""', "ends in \\", "{braces} {0}", "'''", "# x: - y", "%d & *a", "日本語 ≥"]
)
def test_any_sentence_comes_back_as_it_was(tmp_path, statement):
    yaml_path, test_path = new_claim("paper.a", statement, tmp_path)
    assert load_report(yaml_path).claims["paper.a"][0].statement == statement
    compile(test_path.read_text("utf-8"), "test", "exec")
    assert json.dumps(statement)
