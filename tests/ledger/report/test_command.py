"""``python -m ledger report``: which runs, and where to."""

import html
import json
import re

import pytest

from ledger.cli import main
from ledger.report import command
from ledger.report.command import write_report


@pytest.fixture
def seen(monkeypatch):
    """Runs that the page is made of: shown, earlier, compared, and why others were left out."""
    calls = []

    def render(run, earlier, compared, store, left_out):
        calls.append((run.id, [r.id for r in earlier], [r.id for r in compared], *left_out))
        return b"<!doctype html>"

    monkeypatch.setattr(command, "render", render)
    return calls


@pytest.fixture
def three(tmp_path, mixed, write_run):
    ids = [f"2026-11-2{k}T120000Z-{c * 6}" for k, c in enumerate("abc")]
    for run_id in ids:
        write_run(tmp_path / ".ledger/runs", run_id, mixed[:3])
    return ids


def test_the_last_run_beside_it(tmp_path, three, seen, capsys):
    assert main(["--root", str(tmp_path), "report"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / ".ledger/runs/report.html")
    assert (tmp_path / ".ledger/runs/report.html").read_bytes() == b"<!doctype html>"
    assert seen == [(three[2], three[:2], [three[1]])]


def test_one_run_by_name(tmp_path, three, seen):
    write_report(tmp_path, [three[1]], tmp_path / "a.html")
    assert seen == [(three[1], [three[0]], [three[0]])]


def test_several_whatever_their_order(tmp_path, three, seen):
    write_report(tmp_path, [three[2], three[0]], tmp_path / "a.html")
    assert seen == [(three[2], three[:2], [three[0]])]


def test_an_earlier_run_that_cannot_be_read_is_left_out(tmp_path, three, seen):
    (tmp_path / f".ledger/runs/{three[0]}.jsonl").write_text("not a run\n")
    write_report(tmp_path)
    ((*runs, why),) = seen
    assert runs == [three[2], [three[1]], [three[1]]]
    assert f"{three[0]}.jsonl" in why


def island_of(page):
    return json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


KEY = "hf_" + "aB3" * 10
ODD = {
    "a row": (1, {"limits": {"95": [2.0, 1.0]}}, " paper.wins on organism (row 0) cannot be drawn"),
    "a point": (1, {"hi": 1e308}, " paper.wins on organism (row 0) cannot be drawn"),
    "the run record": (0, {"command": [1]}, " the run record cannot be drawn"),
    "nothing where the commit was": (0, {"git": None}, "1"),
    "a key": (1, {"nodeid": KEY}, " paper.wins on organism, nodeid holds something that looks like an access key"),
    "a key in the run record": (0, {"command": [KEY]}, " the run record, command holds something that looks"),
}


@pytest.mark.parametrize(("at", "odd", "words"), ODD.values(), ids=ODD)
def test_an_earlier_run_that_cannot_be_drawn_or_passed_on_is_left_out_and_named(
    tmp_path, three, forged, at, odd, words
):
    damaged = tmp_path / f".ledger/runs/{three[1]}.jsonl"
    forged(damaged, lambda records: records[at].update(odd))
    page = write_report(tmp_path).read_text("utf-8")
    (said,) = re.findall("left out</span> an earlier run, from every history: (.*)</p>", page)
    assert said.startswith(f"{damaged.name}:{words}")
    assert KEY not in page
    assert island_of(page)["left_out"] == [html.unescape(said)]
    assert [then["id"] for then in island_of(page)["earlier"]] == [three[0]]
    assert [one["with"] for one in island_of(page)["compare"]] == [three[0]]


def test_nothing_is_compared_where_every_earlier_run_holds_a_key(tmp_path, three, seen, forged):
    for name in three[:2]:
        forged(tmp_path / f".ledger/runs/{name}.jsonl", lambda records: records[1].update(nodeid=KEY))
    write_report(tmp_path)
    ((shown, earlier, compared, *why),) = seen
    assert (shown, earlier, compared) == (three[2], [], [])
    assert [words.partition(".jsonl: ")[0] for words in why] == three[:2]


def test_a_run_asked_for_by_name_that_cannot_be_drawn_stops_the_report(tmp_path, three, forged, capsys):
    forged(tmp_path / f".ledger/runs/{three[1]}.jsonl", lambda records: records[1].update(hi=1e308))
    assert main(["--root", str(tmp_path), "report", three[1], three[2]]) == 2
    assert f"{three[1]}.jsonl: paper.wins on organism (row 0) cannot be drawn" in capsys.readouterr().err
    assert not (tmp_path / ".ledger/runs/report.html").exists()


def test_a_report_that_fails_leaves_the_old_one(tmp_path, three, forged, capsys):
    target = tmp_path / ".ledger/runs/report.html"
    target.write_text("the old one")
    forged(target.with_name(f"{three[2]}.jsonl"), lambda records: records[1].update(limits={"95": [2.0, 1.0]}))
    assert main(["--root", str(tmp_path), "report"]) == 2
    assert "paper.wins on organism (row 0) cannot be drawn" in capsys.readouterr().err
    assert target.read_text() == "the old one"
    assert [p.name for p in target.parent.glob(".*")] == []


def test_no_runs(tmp_path, capsys):
    assert main(["--root", str(tmp_path), "report"]) == 2
    assert "no runs in" in capsys.readouterr().err
