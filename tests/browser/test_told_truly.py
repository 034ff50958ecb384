"""The claim page tells nothing wrongly: what a reader must know, bounds, drifts, origins."""

import re
from itertools import pairwise

import ledgers
import pytest
from claim_page import CELLS, address, artifact, boxes, claim_page, words_of
from ledgers import claim, gap, judge, write_run
from opened import opened, visit

from ledger.report.page import render
from ledger.run import read_run


@pytest.mark.parametrize(
    ("label", "note"),
    [
        ("paper.within-pass", "negligible: the whole interval lies within ±0.2"),
        ("paper.again", "attempt 2, judged at"),
        ("paper.moved", "PROMISE CHANGED since run"),
    ],
)
def test_what_a_reader_must_know_stands_beside_the_verdict(claim_pages, label, note):
    assert note in words_of(claim_page(claim_pages, label), "Verdict")
    visit(claim_pages.page, "#/?subject=organism")
    assert (
        note
        in claim_pages.page.locator("#rows tr.row", has=claim_pages.page.get_by_text(label, exact=True)).inner_text()
    )


def test_a_note_repeats_nothing_that_is_told(claim_pages):
    for cell, row in CELLS.items():
        said = words_of(claim_page(claim_pages, *cell), "Verdict")
        assert said.count("about ") == 0, cell
        for text in ("on its own,", *(c["id"] + " is fail" for c in row["controls"])):
            assert said.count(text) <= 1, cell
        assert not row["reason"] or said.count(row["reason"]["fix"].rstrip(".")) <= 1, cell


def test_p_is_no_probability_of_the_claim(claim_pages):
    said = words_of(claim_page(claim_pages, "above-pass"), "Interval")
    assert "by chance" not in said
    row = CELLS["paper.above-pass", "organism"]
    assert f'{row["p_pass"]:.3g} against "it fails", {row["p_fail"]:.3g} against "it passes"' in said


@pytest.mark.parametrize("label", ["leans-on-a-fail", "drifts", "head-b", "above-pass", "far.drifts-wide"])
def test_the_figure_is_marked_as_the_chip_is(claim_pages, label):
    """An unsupported pass is hollow; what drifted is drawn by its own verdict, as its chip says."""
    page = claim_page(claim_pages, label)
    chip = page.locator(".big .verdict").get_attribute("class").split()[1]
    assert page.locator("figure .mark").get_attribute("class") == f"mark {chip}"


def test_a_drift_that_its_family_would_not_bear_has_both_told(browser, page_of):
    about = {"family": "main", "role": "headline", "family_size": 5}
    rows = [judge(claim(f"c{k}", expected="fail", **about), gap(0.05, seed=20)) for k in range(5)]
    with opened(browser, page_of(rows), address("paper.c0")) as found:
        assert found.page.locator(".big .verdict").inner_text() == "● pass (expected fail)"
        assert found.page.locator("figure .mark.pass").count() == 1
        said = words_of(found.page, "Verdict")
    assert "it is inconclusive because" in said
    assert "its own verdict, since that is held against the expectation" in said


def test_an_executed_bound_is_not_called_the_bound(claim_pages):
    page = claim_page(claim_pages, "far.strays-far")
    assert (page.locator("figure .bound").count(), page.locator("figure .registered").count()) == (1, 1)
    executed, registered = (boxes(page, f"figure .{name}")[0]["x"] for name in ("bound", "registered"))
    tint = boxes(page, "figure .passing")[0]["x"]
    assert tint == pytest.approx(registered, abs=2)
    assert executed > registered + 20
    said = words_of(page, "Interval")
    assert "Numbers of the figure; executed > 0.05, registered > 0" in said
    assert "Dashed: the executed bound." in said
    assert "the bound;" not in said
    assert "(executed > 0.05, registered > 0)" in words_of(page, "Verdict")
    units = page.locator("section:has(> h2:text-is('Per-unit scores')) svg")
    assert {"executed", "zero and registered"} <= set(units.first.locator("text").all_text_contents())


def test_a_superseded_row_is_struck_and_leads_to_its_successor(browser, page_of):
    rows = [
        judge(claim("old"), gap(0.1)),
        judge(claim("new", subject="gpt2", supersedes="paper.old"), gap(0.1, seed=1)),
    ]
    with opened(browser, page_of(rows), "#/?subject=organism") as found:
        row = found.page.locator("#rows tr.row")
        assert "line-through" in row.locator(".verdict").evaluate("e => getComputedStyle(e).textDecoration")
        muted = found.page.locator("#rows caption").evaluate("e => getComputedStyle(e).color")
        assert row.locator(".verdict").evaluate("e => getComputedStyle(e).color") == muted
        assert row.inner_text().count("superseded by") == 1
        row.get_by_role("link", name="paper.new").click()
        found.page.wait_for_selector(".claim h1:has-text('paper.new')")


def provenance_of(browser, tmp_path, known, artifacts):
    row, stored = judge(claim("one"), gap(0.1))
    run = read_run(write_run(tmp_path, [ledgers.Judged({**row, "artifacts": artifacts}, stored)]))
    run.seal["artifacts"] = known
    path = tmp_path / "report.html"
    path.write_bytes(render(run))
    with opened(browser, path, address("paper.one")) as found:
        said = words_of(found.page, "Provenance"), found.page.locator(".tree li").count(), found.complaints()
    return said


def test_published_data_and_odd_names_stand_there_whole(browser, tmp_path):
    names = ["microscope_tables.json@sha256:2cfe4a733bc3878d", "__proto__", "constructor"]
    said, listed, complaints = provenance_of(browser, tmp_path, {}, names)
    assert f"{names[0]} published data file" in said
    assert "__proto__ origin not known" in said
    assert (listed, complaints) == (3, [])


def test_a_long_chain_of_artifacts_is_cut_and_says_so(browser, tmp_path):
    names = [f"{k:012x}".ljust(64, "0") for k in range(6001)]
    known = {a: artifact("x", b) for a, b in pairwise(names)}
    said, listed, complaints = provenance_of(browser, tmp_path, known, names[:1])
    assert listed == 500
    assert "5,501 more artifacts" in said
    assert complaints == []


def test_a_badge_and_a_number_do_not_run_together(claim_pages):
    visit(claim_pages.page, "#/")
    tabs = claim_pages.page.locator("#rows nav li").all_inner_texts()
    assert [t for t in tabs if "unexpected" in t and not re.search(r"\d \d+ unexpected", t)] == []
    row = claim_pages.page.locator("#rows tr.row", has=claim_pages.page.get_by_text("paper.strays", exact=True))
    assert row.locator("td").first.inner_text().split() == ["deviated"]
