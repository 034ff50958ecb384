"""The claim page: twelve blocks in order, each verdict told truly, and what a reader must not miss."""

import csv
import io
import random
import re
from importlib.resources import files
from itertools import pairwise
from urllib.parse import quote

import ledgers
import numpy as np
import pytest
from ledgers import claim, gap, judge, unjudged, write_run
from opened import opened, visit

from ledger.deciding import because
from ledger.report.page import render
from ledger.run import read_run
from ledger.scores import read_scores
from ledger.verdict import RULES, Bound
from mi import claimable

BLOCKS = (
    "Verdict",
    "Interval",
    "What would decide it",
    "Controls",
    "Registered against executed",
    "Per-unit scores",
    "History",
    "Provenance",
    "Other subjects",
    "Reproduce",
    "Another bound",
)
JUDGED_ONLY = {"Interval", "Per-unit scores"}
ROWS = ledgers.every_state()
CELLS = {(f"{row['claim']}{_params}", row["subject"]): row for row, _ in ROWS for _params in [
    "[" + ", ".join(f"{k}={v}" for k, v in row["params"].items()) + "]" if row["params"] else ""
]}  # fmt: skip


def artifact(label, *inputs):
    return {
        "label": label,
        "builder": "build:make",
        "inputs": [d[:12] for d in inputs],
        "bytes": 1_500_000,
        "seconds": 2.5,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A row of every state, with two earlier runs and known artifacts."""
    folder = tmp_path_factory.mktemp("claims")
    found = read_run(write_run(folder, ROWS))
    found.seal["artifacts"] = {"ab" * 32: artifact("scores", "cd" * 32), "cd" * 32: artifact("coder", "ef" * 32)}
    first = [judge(claim("above-pass", expected="pass"), gap(0.03, seed=91)), judge(claim("drifts"), gap(0.1, seed=31))]
    second = [judge(claim("above-pass", above=0.02), gap(0.1, seed=1)), unjudged(claim("drifts"), "error", "a", "b")]
    earlier = [
        read_run(write_run(folder, rows, run_id=f"2026-11-1{k}T120000Z-bbbbbb"))
        for k, rows in enumerate((first, second))
    ]
    (folder / "report.html").write_bytes(render(found, earlier))
    return found


@pytest.fixture(scope="module")
def shown(run, browser):
    with opened(browser, run.path.with_name("report.html")) as found:
        yield found
        assert found.complaints() == []


def address(label, subject="organism"):
    return f"#/claim/{quote(label, safe='')}/{quote(subject, safe='')}"


def page_of(shown, label, subject="organism"):
    name = label if label.partition("[")[0].count(".") else f"paper.{label}"
    visit(shown.page, address(name, subject))
    assert name in shown.page.locator(".claim h1").inner_text()
    return shown.page


def text_of(page, block):
    return page.locator(f".claim section:has(> h2:text-is('{block}'))").inner_text()


def boxes(page, selector):
    return page.locator(selector).evaluate_all("found => found.map((e) => e.getBoundingClientRect().toJSON())")


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c[0]}-{c[1]}")
def test_every_block_is_there_in_order(shown, cell):
    row = CELLS[cell]
    page = page_of(shown, *cell)
    assert page.locator(".statement").inner_text() == row["statement"]
    wanted = [
        b
        for b in BLOCKS
        if (b != "What would decide it" or row["verdict"] == "inconclusive")
        and (b not in JUDGED_ONLY or row["estimate"] is not None)
        and (b != "Another bound" or row["verdict"] is not None)
    ]
    assert page.locator(".claim h2").all_inner_texts() == wanted
    assert page.locator(".claim h1").count() == 1


def plain(row, page):
    """Whether the row has its own verdict, and nothing overrules it."""
    return row["verdict"] and page.locator(".big .verdict").inner_text().split()[1:] == [row["verdict"]]


def test_the_sentence_is_pythons_and_true_of_the_figure_beside_it(shown):
    told = 0
    for cell, row in CELLS.items():
        page = page_of(shown, *cell)
        if not plain(row, page) or row.get("limited_by") in row["flags"]:
            continue
        told += 1
        assert f"The claim {because(row)}." in text_of(page, "Verdict")
        (own,), bounds = boxes(page, "figure .own"), [b["x"] for b in boxes(page, "figure .bound")]
        left, right = own["left"], own["right"]
        if row["rule"] == "within":
            verdict = "pass" if bounds[0] < left and right < bounds[1] else "fail" if left > bounds[1] or right < bounds[0] else "inconclusive"  # fmt: skip
        else:
            above = "pass" if row["rule"] == "above" else "fail"
            below = "fail" if above == "pass" else "pass"
            verdict = above if left > bounds[0] else below if right < bounds[0] else "inconclusive"
        assert verdict == row["verdict"], cell
    assert told > 12


def test_javascript_decides_and_reasons_as_python_does(browser):
    source = "".join(
        files("ledger.report").joinpath("assets", name).read_text("utf-8") for name in ("text.js", "judge.js")
    )
    rng = random.Random(3)
    cases, wanted = [], []
    while len(cases) < 1000:
        rule, scale = rng.choice(RULES), 10.0 ** rng.randint(-4, 4)
        lo, hi = sorted(rng.choice((rng.gauss(0, scale), round(rng.gauss(0, scale), 2))) for _ in range(2))
        bound = rng.choice((0.0, lo, hi, abs(hi), round(rng.gauss(0, scale), 3), lo + 1e-6))
        if lo < hi and (rule != "within" or bound > 0):
            verdict = str(Bound(rule, bound).decide(lo, hi))
            cases.append([rule, bound, lo, hi])
            wanted.append(
                [
                    verdict,
                    because(dict(zip(("rule", "bound", "lo", "hi"), cases[-1], strict=True)) | {"verdict": verdict}),
                ]
            )
    assert {verdict for verdict, _ in wanted} == {"pass", "fail", "inconclusive"}
    with browser.new_context() as context:
        found = context.new_page().evaluate(
            f"cases => {{ {source}; return cases.map(([rule, b, lo, hi]) => {{"
            "const v = decide(rule, b, lo, hi); return [v, because(rule, b, lo, hi, v)]; }); }",
            cases,
        )
    assert [(c, f) for c, f, w in zip(cases, found, wanted, strict=True) if f != w] == []


def test_what_deviated_is_on_screen_without_scrolling(shown):
    page = page_of(shown, "strays")
    assert page.viewport_size == {"width": 1280, "height": 800}
    assert page.evaluate("() => scrollY") == 0
    assert boxes(page, "section:has(h2:text-is('Verdict')) tbody tr")[0]["bottom"] < 800
    for block in ("Verdict", "Registered against executed"):
        row = page.locator(f"section:has(h2:text-is('{block}')) tbody tr")
        assert row.all_inner_texts() == ["measured.context\t1024\t128"]
    assert "no verdict" in text_of(page, "Verdict")


@pytest.mark.parametrize(("label", "verdict"), [("above-unsure", "about"), ("within-unsure", "No number"), ("chosen", CELLS["paper.chosen", "organism"]["reason"]["fix"])])  # fmt: skip
def test_an_inconclusive_page_says_what_would_decide_it(shown, label, verdict):
    row = CELLS[f"paper.{label}", "organism"]
    said = text_of(page_of(shown, label), "What would decide it")
    assert verdict.lower() in said.lower()
    if row["units_needed"]:
        assert f"{row['units_needed']:,} prompts" in said


def test_reported_and_ours_differ_in_shape_and_not_in_colour_only(shown):
    page = page_of(shown, "above-pass")
    ours, theirs = page.locator("figure .mark"), page.locator("figure .reported")
    assert (ours.evaluate("e => e.tagName"), theirs.evaluate("e => e.tagName")) == ("circle", "path")
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert theirs.evaluate("e => getComputedStyle(e).fill") == background
    assert ours.evaluate("e => getComputedStyle(e).fill") != background


@pytest.mark.parametrize(
    ("label", "subject", "words"),
    [
        ("head-b", "organism", ["On its own the claim passes", "Adjusted for its family (Holm, m=5) it is inconclusive"]),
        ("old", "organism", ["superseded by paper.newer", "Judged with its family (BH, m="]),
        ("leans-on-a-fail", "organism", ["unsupported", "control paper.above-fail is fail"]),
        ("leans-on-nothing", "organism", ["control paper.absent did not run"]),
        ("chosen", "organism", ["whatever the interval says (selected on test)", "it passes because"]),
        ("unfit", "organism", ["refused to judge this, as expected: tokens as the independent unit. Name documents."]),
        ("unfit-too", "organism", ["refused to judge this: a bound of 3"]),
        ("breaks", "organism", ["The test broke: BOS is missing", "Tokenise with"]),
        ("dies", "organism", ["The test died: the worker was killed"]),
        ("idle", "pythia-70m", ["It was not run: the model is not here."]),
        ("drifts", "organism", ["drift", "fail (expected pass)", "pass: the report says so"]),
        ("moved", "organism", ["promise changed"]),
    ],
)  # fmt: skip
def test_what_overrules_a_verdict_is_told(shown, label, subject, words):
    said = " ".join(text_of(page_of(shown, label, subject), "Verdict").split())
    assert [w for w in words if w not in said] == []


def test_a_control_that_is_missing_or_fails_is_loud(shown):
    assert (
        page_of(shown, "leans-on-nothing").locator("section:has(h2:text-is('Controls')) .badge").inner_text()
        == "missing"
    )
    assert "◆ fail" in text_of(page_of(shown, "leans-on-a-fail"), "Controls")


def test_a_moved_promise_shows_then_and_now(shown):
    said = text_of(page_of(shown, "moved"), "Registered against executed")
    assert "promise changed" in said
    assert "bound\t0.2\t0" in said


def test_identical_parameters_are_one_line_and_all_are_a_click_away(shown):
    page = page_of(shown, "above-pass")
    block = page.locator("section:has(h2:text-is('Registered against executed'))")
    assert block.locator("p").count() == 1
    block.locator("summary").click()
    for key, value in CELLS["paper.above-pass", "organism"]["registered"].items():
        if value not in (None, [], {}):
            assert block.locator(f"dt:text-is('{key}') + dd").inner_text() == (value if isinstance(value, str) else f"{value:g}")  # fmt: skip


def test_the_dots_are_the_scores(shown, run):
    page = page_of(shown, "above-pass")
    row = CELLS["paper.above-pass", "organism"]
    page.evaluate(
        "() => { document.execCommand = () => { window.copied = document.activeElement.value; return true; }; }"
    )
    page.get_by_role("button", name="copy the scores as CSV").click()
    head, *lines = csv.reader(io.StringIO(page.evaluate("() => window.copied")))
    stored = dict(read_scores(run.scores_path))[row["data"]]
    exact = sorted((a - b, unit) for a, b, unit in zip(*(arm["values"] for arm in stored["arms"]), stored["units"], strict=True))  # fmt: skip
    half = (exact[-1][0] - exact[0][0]) / 255 / 2
    assert head[2].startswith("score")
    assert len(lines) == len(exact) == 60
    assert all(abs(float(line[2]) - value) <= half + 1e-6 for line, (value, _) in zip(lines, exact, strict=True))
    assert [line[1] for line in lines[:3]] == [unit for _, unit in exact[:3]]
    assert [line[1] for line in lines[-3:]] == [unit for _, unit in exact[-3:]]
    assert not any(line[1] for line in lines[3:-3])
    said = text_of(page, "Per-unit scores")
    assert f"{sum(v > 0 for v, _ in exact)} / 0 / {sum(v < 0 for v, _ in exact)}" in said
    assert exact[0][1] in said


def test_a_copied_cell_is_never_a_formula(browser, page_of):
    names = ["=1+1", "+a", "@b", "\tc", "-d", 'e"f,g']
    ids = names + [f"unit {i}" for i in range(34)]
    made = claimable.mean(
        claimable.Sample(np.r_[np.arange(-3.0, 0.0), np.arange(40.0, 43.0), np.linspace(1, 2, 34)], ids)
    )
    path = page_of([judge(claim("one", design="mean"), made)])
    with opened(browser, path, address("paper.one")) as found:
        found.page.evaluate(
            "() => { document.execCommand = () => { window.copied = document.activeElement.value; return true; }; }"
        )
        found.page.get_by_role("button", name="copy the scores as CSV").click()
        lines = list(csv.reader(io.StringIO(found.page.evaluate("() => window.copied"))))
    assert {line[1] for line in lines[1:] if line[1]} == {"'=1+1", "'+a", "'@b", "'c", "'-d", 'e"f,g'}
    assert float(lines[1][2]) == -3


def test_history_tells_measured_again_from_judged_again(shown):
    page = page_of(shown, "above-pass")
    rows = page.locator("section:has(h2:text-is('History')) tbody tr").all_inner_texts()
    assert len(rows) == 3
    assert "inconclusive" in rows[0]
    assert "re-measured" in rows[1]
    assert "promise moved" in rows[1]
    assert "re-judged, same scores" in rows[2]
    assert "promise moved" in rows[2]
    assert "Attempt 1" in text_of(page, "History")
    broken = page_of(shown, "drifts").locator("section:has(h2:text-is('History')) tbody tr").all_inner_texts()
    assert "error" in broken[1]
    assert "re-measured" in broken[2]


def test_provenance_shows_what_each_artifact_was_made_from(shown):
    page = page_of(shown, "sourced")
    top = page.locator(".tree > li")
    assert top.count() == 1
    assert "scores abababababab build:make · 1.5 MB · 2.5 s" in top.first.inner_text()
    assert "coder" in top.locator("> ul > li").inner_text()
    assert "efefefefefef origin not known" in top.locator("ul ul > li").inner_text()


def test_other_subjects_come_with_their_warning(shown):
    said = text_of(page_of(shown, "above-pass"), "Other subjects")
    assert "gpt2" in said
    assert "A verdict on one subject says nothing about another." in said


def test_a_deep_link_opens_the_same_page(shown, browser, run):
    route = address("paper.every[k=16]")
    with opened(browser, run.path.with_name("report.html"), route) as direct:
        there = direct.page.locator("#page").inner_text()
        direct.page.reload()
        assert direct.page.locator("#page").inner_text() == there
        assert direct.page.title().startswith("paper.every[k=16]")
    visit(shown.page, route)
    assert shown.page.locator("#page").inner_text() == there
    visit(shown.page, address("paper.never"))
    assert "no page" in shown.page.locator("#page").inner_text()


@pytest.mark.parametrize("leave", ["Back", "Escape"])
def test_leaving_returns_to_the_same_row(shown, leave):
    page = shown.page
    visit(page, "#/?subject=organism")
    link = page.locator("#rows tr.row th a", has_text="paper.head-c")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".claim h1")
    assert page.evaluate("() => scrollY") == 0
    page.go_back() if leave == "Back" else page.keyboard.press("Escape")
    page.wait_for_selector("#overview:not([hidden])")
    assert page.evaluate("() => document.activeElement.textContent") == "paper.head-c"


def test_two_rows_of_one_name_can_both_be_read(browser, page_of):
    twins = [judge(claim("twin"), gap(shift, seed=1)) for shift in (0.1, -0.1)]
    with opened(browser, page_of(twins), address("paper.twin")) as found:
        first = found.page.locator(".big").inner_text()
        found.page.get_by_role("link", name="row 2").click()
        found.page.wait_for_function("before => document.querySelector('.big').innerText !== before", arg=first)


@pytest.mark.parametrize("width", [320, 380, 768])
def test_nothing_makes_the_page_wider_than_the_screen(run, browser, width):
    with opened(browser, run.path.with_name("report.html"), viewport={"width": width, "height": 800}) as found:
        for cell in CELLS:
            visit(found.page, address(*cell))
            found.page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            assert found.page.evaluate("() => document.documentElement.scrollWidth") <= width, cell


# ---- what a reader must not be told wrongly -------------------------------------------------------


def words_of(page, block):
    return " ".join(text_of(page, block).split())


@pytest.mark.parametrize(
    ("label", "note"),
    [
        ("paper.within-pass", "negligible: the whole interval lies within ±0.2"),
        ("paper.again", "attempt 2, judged at"),
        ("paper.moved", "PROMISE CHANGED since run"),
    ],
)
def test_what_a_reader_must_know_stands_beside_the_verdict(shown, label, note):
    assert note in words_of(page_of(shown, label), "Verdict")
    visit(shown.page, "#/?subject=organism")
    assert note in shown.page.locator("#rows tr.row", has=shown.page.get_by_text(label, exact=True)).inner_text()


def test_a_note_repeats_nothing_that_is_told(shown):
    for cell, row in CELLS.items():
        said = words_of(page_of(shown, *cell), "Verdict")
        assert said.count("about ") == 0, cell
        for text in ("on its own,", *(c["id"] + " is fail" for c in row["controls"])):
            assert said.count(text) <= 1, cell
        assert not row["reason"] or said.count(row["reason"]["fix"].rstrip(".")) <= 1, cell


def test_p_is_no_probability_of_the_claim(shown):
    said = words_of(page_of(shown, "above-pass"), "Interval")
    assert "by chance" not in said
    row = CELLS["paper.above-pass", "organism"]
    assert f'{row["p_pass"]:.3g} against "it fails", {row["p_fail"]:.3g} against "it passes"' in said


@pytest.mark.parametrize("label", ["leans-on-a-fail", "drifts", "head-b", "above-pass", "far.drifts-wide"])
def test_the_figure_is_marked_as_the_chip_is(shown, label):
    """An unsupported pass is hollow; what drifted is drawn by its own verdict, as its chip says."""
    page = page_of(shown, label)
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


def test_an_executed_bound_is_not_called_the_bound(shown):
    page = page_of(shown, "far.strays-far")
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


def test_a_badge_and_a_number_do_not_run_together(shown):
    visit(shown.page, "#/")
    tabs = shown.page.locator("#rows nav li").all_inner_texts()
    assert [t for t in tabs if "unexpected" in t and not re.search(r"\d \d+ unexpected", t)] == []
    row = shown.page.locator("#rows tr.row", has=shown.page.get_by_text("paper.strays", exact=True))
    assert row.locator("td").first.inner_text().split() == ["deviated"]
