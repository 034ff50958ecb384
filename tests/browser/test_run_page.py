"""The run page, and what the page says about itself."""

import csv
import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from ledgers import HEADER, RUN, Judged, changed, claim, every_state, gap, judge, unjudged, write_run
from opened import opened, visit

from ledger.report.page import render
from ledger.ruling import rulings
from ledger.run import read_run


def rows():
    idle = [
        unjudged(claim(f"idle-{k}", subject="gpt2"), "not_run", "the model is not here", "Fetch it.") for k in range(5)
    ]
    slow = changed(judge(claim("slow"), gap(0.1)), lambda row: row.update(seconds=100.0))
    quick = changed(judge(claim("quick"), gap(0.1, seed=1)), lambda row: row.update(seconds=0.02))
    paid = {"estimated_usd": 0.6, "spent_usd": 0.42}
    return [slow, changed(quick, lambda row: row.update(cost=paid)), *idle, *every_state()]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    header = {**HEADER, "git": {"commit": "c" * 40, "dirty": True}}
    run = read_run(write_run(folder, rows(), RUN, header))
    about = {"builder": "mi.activations.harvest:harvest", "inputs": [], "runner": "local", "device": "cpu"}
    run.seal["artifacts"] = {
        c * 64: {"label": f"artifact {c}", "seconds": s, **about} for c, s in (("a", 30.0), ("b", 90.0))
    }
    path = folder / "report.html"
    path.write_bytes(render(run))
    return path


@pytest.fixture
def page(browser, report):
    with opened(browser, report, "#/run", accept_downloads=True) as found:
        yield found.page
        assert [c for c in found.complaints() if "blob:" not in c] == []


def test_who_ran_what_on_which_code_and_machine(page):
    text = page.inner_text("#page")
    for words in (RUN, "c" * 40, "pytest -m smoke claims", "cpu a CPU", "numpy 1.26.4", "2df01c17b1232401", "spent $0.42 of an estimated $0.60", "1 s"):  # fmt: skip
        assert words in text, words
    assert page.locator("dd", has=page.locator(".badge")).all_inner_texts() == [
        "dirty this is not the code of the commit"
    ]


def test_verdicts_are_counted_by_subject_and_not_added_up(page):
    table = page.locator("section section", has_text="Verdicts by subject").locator("table")
    heads = table.locator("thead th").all_inner_texts()
    lines = {line[0]: dict(zip(heads[1:], line[1:], strict=True)) for line in (
        [c.strip() for c in row.locator("th, td").all_inner_texts()] for row in table.locator("tbody tr").all())}  # fmt: skip
    assert set(lines) == {"organism", "gpt2", "pythia-70m"}
    assert lines["gpt2"]["not run"] == "5"
    states = [(r.row["subject"], r.state) for r in rulings([j.row for j in rows()])]
    assert lines["organism"]["● pass"] == str(states.count(("organism", "pass")))


def test_what_broke_is_told_in_full(page):
    text = page.locator("section section", has_text="Broken or deviated").inner_text()
    assert "BOS is missing in 3 of 64 documents. Tokenise with prepend_bos=True." in text
    assert "paper.strays" in text
    assert "the worker was killed (signal 9)" in text


def test_what_was_left_out_is_folded_by_its_reason(page):
    part = page.locator("section section", has_text="Not run (6)")
    fold = part.locator("summary", has_text="5 rows: the model is not here. Fetch it.")
    assert part.locator("li").count() == 0
    fold.click()
    part.locator("li").first.wait_for()
    assert part.locator("li").count() == 5


def test_bars_are_as_long_as_it_took(page):
    bars = page.locator("section section", has_text="Slowest builds").locator(".bar")
    names = page.locator("section section", has_text="Slowest builds").locator("tbody th").all_inner_texts()
    assert names == ["artifact b local on cpu", "artifact a local on cpu"]
    wide = [b.bounding_box()["width"] for b in bars.all()]
    assert wide[1] / wide[0] == pytest.approx(1 / 3, abs=0.01)
    assert (
        page.locator("section section", has_text="Slowest rows").locator("tbody th").first.inner_text()
        == "paper.slow on organism"
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda run: setattr(run, "seal", None), "not sealed the session did not end"),
        (lambda run: run.problems.append("line 9: torn"), "damaged line 9: torn"),
    ],
)
def test_a_file_that_is_not_whole_says_so(browser, tmp_path, edit, words):
    run = read_run(write_run(tmp_path, rows()[:2]))
    edit(run)
    path = tmp_path / "report.html"
    path.write_bytes(render(run))
    with opened(browser, path, "#/run") as found:
        assert words in found.page.inner_text("#page")


def test_the_rows_can_be_taken_away(page, tmp_path):
    visit(page, "#/about")
    saved = {}
    for name in ("rows.csv", "rows.json"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"save {name}").click()
        assert download.value.suggested_filename == f"{RUN}.{name}"
        saved[name] = tmp_path / name
        download.value.save_as(saved[name])
    found = json.loads(saved["rows.json"].read_text("utf-8"))
    with saved["rows.csv"].open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(found) == len(table) == len(rows())
    for row, line in zip(found, table, strict=True):
        assert (line["claim"], line["subject"]) == (row["claim"], row["subject"])
        assert line["estimate"] == "" if row.get("estimate") is None else float(line["estimate"]) == row["estimate"]
        assert json.loads(line["limits"] or "null") == row.get("limits")


def test_a_spreadsheet_shows_the_rows_and_runs_nothing(browser, tmp_path):
    formulas = ["=HYPERLINK(1)", "+1+1", "@SUM(A1)", "\t=1", '-"x",1', "-1.5e3", "a\nb"]
    made = [
        Judged(*changed(judge(claim(f"c{k}"), gap(0.1)), lambda row, t=t: row.update(section=t)))
        for k, t in enumerate(formulas)
    ]
    path = tmp_path / "report.html"
    path.write_bytes(render(read_run(write_run(tmp_path, made))))
    with opened(browser, path, "#/about", accept_downloads=True) as found:
        with found.page.expect_download() as download:
            found.page.get_by_role("button", name="save rows.csv").click()
        download.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        cells = [line["section"] for line in csv.DictReader(file)]
    assert cells == ["'=HYPERLINK(1)", "'+1+1", "'@SUM(A1)", "'=1", '\'-"x",1', "-1.5e3", "a b"]


def test_how_to_read_a_verdict_is_there_without_scripts(browser, report):
    with opened(browser, report, java_script_enabled=False) as found:
        assert found.page.get_by_role("heading", name="How to read a verdict").is_visible()


def test_with_scripts_it_is_a_page_of_its_own(page):
    assert page.get_by_role("heading", name="How to read a verdict").count() == 0
    page.get_by_role("link", name="about").click()
    page.get_by_role("heading", name="How to read a verdict").wait_for()
    for mark in ("● pass", "◆ fail", "○ inconclusive", "⊘ refused", "≠ deviated"):
        assert page.locator("#about").get_by_text(mark, exact=True).is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("route", ["#/run", "#/about"])
def test_axe_finds_nothing(browser, report, route, scheme):
    with opened(browser, report, route, color_scheme=scheme) as found:
        violations = Axe().run(found.page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] != "minor"] == []


@pytest.mark.parametrize("route", ["#/run", "#/about"])
@pytest.mark.parametrize("width", [320, 768])
def test_nothing_scrolls_sideways(browser, report, route, width):
    with opened(browser, report, route, viewport={"width": width, "height": 800}) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
