"""Damaged and doctored run files: survived and reported, or refused with the line."""

import json
import re

import pytest

from ledger.errors import LedgerError
from ledger.run import MAX_LINE, check_chain, read_run


@pytest.fixture
def path(tmp_path, write_run, undecided, claim):
    rows = [undecided(claim(name), "not_run", index=index) for index, name in enumerate("abc")]
    return write_run(tmp_path, "r1", rows)


def test_a_line_torn_at_any_byte_is_dropped_and_reported(path):
    whole = path.read_bytes()
    *kept, row, _seal = whole.splitlines(keepends=True)
    before = b"".join(kept)
    for cut in range(1, len(row)):
        path.write_bytes(before + row[:cut])
        run = read_run(path)
        assert [r["claim"] for r in run.rows] == ["paper.a", "paper.b"], cut
        assert run.problems[0].startswith(f"line 4: torn ({cut} bytes"), cut
        assert run.problems[1].startswith("not sealed"), cut
    assert check_chain(path) == []


def test_a_torn_seal_leaves_every_row(path):
    *kept, seal = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(kept) + seal[:-1])
    run = read_run(path)
    assert len(run.rows) == 3
    assert [p.split(":")[0] for p in run.problems] == ["line 5", "not sealed"]


def test_a_torn_header_is_a_run_without_anything(path):
    path.write_bytes(path.read_bytes()[:20])
    run = read_run(path)
    assert (run.rows, run.id) == ([], "r1")
    assert run.problems[0].startswith("line 1: torn")


DOCTORED = {
    "a row edited": (lambda x: [x[0], x[1].replace(b"Ours", b"Hers"), *x[2:]], r"line 3: does not follow from line 2"),
    "the header edited": (
        lambda x: [x[0].replace(b"2026-11", b"2026-12"), *x[1:]],
        r"line 2: does not follow from line 1",
    ),
    "the last row edited": (lambda x: [*x[:3], x[3].replace(b"Ours", b"Hers"), x[4]], r"line 5: does not follow"),
    "a row removed": (lambda x: [*x[:2], *x[3:]], r"line 3: does not follow from line 2"),
    "the last row removed": (lambda x: [*x[:3], x[4]], r"line 4: does not follow from line 3"),
    "rows swapped": (lambda x: [x[0], x[2], x[1], *x[3:]], r"line 2: does not follow from line 1"),
    "a row doubled": (lambda x: [*x[:2], x[1], *x[2:]], r"line 3: does not follow from line 2"),
    "a row after the seal": (lambda x: [*x, x[1]], r"line 6: stands after the seal"),
    "a seal of fewer rows": (
        lambda x: [*x[:4], x[4].replace(b'"rows":3', b'"rows":2')],
        r"line 5: the seal does not fit",
    ),
    "a seal of other bytes": (
        lambda x: [*x[:4], re.sub(rb'"sha256":"..', b'"sha256":"zz', x[4])],
        r"line 5: the seal does not fit",
    ),
    "a seal of another run": (
        lambda x: [*x[:4], re.sub(rb'"prev":"..', b'"prev":"zz', x[4])],
        r"line 5: does not follow",
    ),
    "two seals": (lambda x: [*x, x[4]], r"line 6: stands after the seal"),
}


@pytest.mark.parametrize("case", DOCTORED)
def test_the_chain_shows_what_was_doctored(path, case):
    edit, words = DOCTORED[case]
    lines = path.read_bytes().splitlines(keepends=True)
    doctored = edit(lines)
    assert doctored != lines
    path.write_bytes(b"".join(doctored))
    found = check_chain(path)
    assert any(re.match(words, problem) for problem in found), found


def test_rows_chained_anew_do_not_fit_the_old_seal(path, chained):
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    records[1]["statement"] = "Hers beats ours."
    path.write_bytes(chained(records))
    assert check_chain(path) == ["line 5: the seal does not fit what it seals"]


ROW = 1  # the line to break, from 0


def with_row(**changes):
    def edit(lines):
        row = {**json.loads(lines[ROW]), **changes}
        lines[ROW] = json.dumps({k: v for k, v in row.items() if v != "REMOVED"}).encode() + b"\n"

    return edit


def with_line(text, at=ROW):
    def edit(lines):
        lines[at] = text

    return edit


REFUSED = {
    "not JSON": (with_line(b"{,}\n"), ":2: not JSON"),
    "binary": (with_line(bytes(range(11, 256)) + b"\n"), ":2: not JSON"),
    "NaN": (with_line(b'{"record":"row","lo":NaN}\n'), ":2: not JSON (NaN is not a number"),
    "-Infinity": (with_line(b'{"record":"row","lo":-Infinity}\n'), ":2: not JSON (-Infinity is not"),
    "a number too large": (with_line(b'{"record":"row","lo":1e999}\n'), ":2: not JSON (1e999 is not"),
    "an integer too long": (with_line(b'{"record":"row","n":' + b"9" * 400 + b"}\n"), ":2: not JSON (999"),
    "deep nesting": (with_line(b"[" * 100_000 + b"]" * 100_000 + b"\n"), ":2: not JSON"),
    "a list": (with_line(b"[1]\n"), ":2: a list where an object was expected"),
    "a number": (with_line(b"3\n"), ":2: a int where an object was expected"),
    "an empty line": (with_line(b"\n"), ":2: not JSON"),
    "another record": (with_line(b'{"record":"note"}\n'), ":2: record 'note'; expected row or seal"),
    "a row first": (with_line(b'{"record":"row"}\n', 0), ":1: not a run file"),
    "a header without git": (with_line(b'{"record":"run","run":"r1"}\n', 0), ":1: a run record needs"),
    "a header without id": (with_line(b'{"record":"run","git":{}}\n', 0), ":1: a run record needs"),
    "an endless line": (with_line(b'"' + b"x" * MAX_LINE + b'"\n'), f":2: a line of over {MAX_LINE:,} bytes"),
    "a newer schema": (with_row(schema=2), ":2: not a ledger row: schema 2; this version reads schema 1"),
    "no schema": (with_row(schema="REMOVED"), ":2: not a ledger row: schema None"),
    "no claim": (with_row(claim="REMOVED"), ":2: not a ledger row: 'claim' is missing"),
    "status": (with_row(status="great"), ":2: not a ledger row: status 'great'"),
    "verdict": (with_row(verdict="maybe"), ":2: not a ledger row: verdict 'maybe'"),
    "rule": (with_row(rule="beside"), ":2: not a ledger row: rule 'beside'"),
    "expected": (with_row(expected="![](//x)"), ":2: not a ledger row: expected '![](//x)'"),
    "a verdict from nothing": (with_row(verdict="pass"), ":2: not a ledger row: status not_run with verdict pass"),
    "a number as text": (with_row(bound="0"), ":2: not a ledger row: 'bound' is str '0'"),
    "a boolean as number": (with_row(bound=True), ":2: not a ledger row: 'bound' is bool 'True'"),
    "params a list": (with_row(params=[]), ":2: not a ledger row: 'params' is list"),
    "a huge family": (with_row(family_size=10**9), ":2: not a ledger row: 'family_size' is 1000000000"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_damage_is_refused_with_its_line(path, case):
    edit, words = REFUSED[case]
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerError, match=re.escape(f"r1.jsonl{words}")) as caught:
        read_run(path)
    assert len(str(caught.value)) < len(str(path)) + 300


@pytest.mark.parametrize("content", [b"", b"\n", b"\x1f\x8b\x00garbage\n", b"no ledger at all\n"])
def test_files_that_are_no_runs(path, content):
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"r1\.jsonl"):
        read_run(path)


def test_unreadable_runs(tmp_path):
    for name in ("missing.jsonl", "."):
        with pytest.raises(LedgerError, match="cannot be read"):
            read_run(tmp_path / name)
