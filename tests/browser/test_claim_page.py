"""The claim page: its blocks in order, its figures, and the ways to it and back."""

import csv
import io
import random
from importlib.resources import files

import numpy as np
import pytest
from claim_page import CELLS, address, boxes, claim_page, text_of
from ledgers import claim, gap, judge
from opened import opened, visit

from ledger.deciding import because
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


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c[0]}-{c[1]}")
def test_every_block_is_there_in_order(claim_pages, cell):
    row = CELLS[cell]
    page = claim_page(claim_pages, *cell)
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


def test_the_sentence_is_pythons_and_true_of_the_figure_beside_it(claim_pages):
    told = 0
    for cell, row in CELLS.items():
        page = claim_page(claim_pages, *cell)
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


def test_what_deviated_is_on_screen_without_scrolling(claim_pages):
    page = claim_page(claim_pages, "strays")
    assert page.viewport_size == {"width": 1280, "height": 800}
    assert page.evaluate("() => scrollY") == 0
    assert boxes(page, "section:has(h2:text-is('Verdict')) tbody tr")[0]["bottom"] < 800
    for block in ("Verdict", "Registered against executed"):
        row = page.locator(f"section:has(h2:text-is('{block}')) tbody tr")
        assert row.all_inner_texts() == ["measured.context\t1024\t128"]
    assert "no verdict" in text_of(page, "Verdict")


@pytest.mark.parametrize(("label", "verdict"), [("above-unsure", "about"), ("within-unsure", "No number"), ("chosen", CELLS["paper.chosen", "organism"]["reason"]["fix"])])  # fmt: skip
def test_an_inconclusive_page_says_what_would_decide_it(claim_pages, label, verdict):
    row = CELLS[f"paper.{label}", "organism"]
    said = text_of(claim_page(claim_pages, label), "What would decide it")
    assert verdict.lower() in said.lower()
    if row["units_needed"]:
        assert f"{row['units_needed']:,} prompts" in said


def test_reported_and_ours_differ_in_shape_and_not_in_colour_only(claim_pages):
    page = claim_page(claim_pages, "above-pass")
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
def test_what_overrules_a_verdict_is_told(claim_pages, label, subject, words):
    said = " ".join(text_of(claim_page(claim_pages, label, subject), "Verdict").split())
    assert [w for w in words if w not in said] == []


def test_a_control_that_is_missing_or_fails_is_loud(claim_pages):
    assert (
        claim_page(claim_pages, "leans-on-nothing").locator("section:has(h2:text-is('Controls')) .badge").inner_text()
        == "missing"
    )
    assert "◆ fail" in text_of(claim_page(claim_pages, "leans-on-a-fail"), "Controls")


def test_a_moved_promise_shows_then_and_now(claim_pages):
    said = text_of(claim_page(claim_pages, "moved"), "Registered against executed")
    assert "promise changed" in said
    assert "bound\t0.2\t0" in said


def test_identical_parameters_are_one_line_and_all_are_a_click_away(claim_pages):
    page = claim_page(claim_pages, "above-pass")
    block = page.locator("section:has(h2:text-is('Registered against executed'))")
    assert block.locator("p").count() == 1
    block.locator("summary").click()
    for key, value in CELLS["paper.above-pass", "organism"]["registered"].items():
        if value not in (None, [], {}):
            assert block.locator(f"dt:text-is('{key}') + dd").inner_text() == (value if isinstance(value, str) else f"{value:g}")  # fmt: skip


def test_the_dots_are_the_scores(claim_pages, claim_run):
    page = claim_page(claim_pages, "above-pass")
    row = CELLS["paper.above-pass", "organism"]
    page.evaluate(
        "() => { document.execCommand = () => { window.copied = document.activeElement.value; return true; }; }"
    )
    page.get_by_role("button", name="copy the scores as CSV").click()
    head, *lines = csv.reader(io.StringIO(page.evaluate("() => window.copied")))
    stored = dict(read_scores(claim_run.scores_path))[row["data"]]
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


def test_history_tells_measured_again_from_judged_again(claim_pages):
    page = claim_page(claim_pages, "above-pass")
    rows = page.locator("section:has(h2:text-is('History')) tbody tr").all_inner_texts()
    assert len(rows) == 3
    assert "inconclusive" in rows[0]
    assert "re-measured" in rows[1]
    assert "promise moved" in rows[1]
    assert "re-judged, same scores" in rows[2]
    assert "promise moved" in rows[2]
    assert "Attempt 1" in text_of(page, "History")
    broken = claim_page(claim_pages, "drifts").locator("section:has(h2:text-is('History')) tbody tr").all_inner_texts()
    assert "error" in broken[1]
    assert "re-measured" in broken[2]


def test_provenance_shows_what_each_artifact_was_made_from(claim_pages):
    page = claim_page(claim_pages, "sourced")
    top = page.locator(".tree > li")
    assert top.count() == 1
    assert "scores abababababab build:make · 1.5 MB · 2.5 s" in top.first.inner_text()
    assert "coder" in top.locator("> ul > li").inner_text()
    assert "efefefefefef origin not known" in top.locator("ul ul > li").inner_text()


def test_other_subjects_come_with_their_warning(claim_pages):
    said = text_of(claim_page(claim_pages, "above-pass"), "Other subjects")
    assert "gpt2" in said
    assert "A verdict on one subject says nothing about another." in said


def test_a_deep_link_opens_the_same_page(claim_pages, browser, claim_run):
    route = address("paper.every[k=16]")
    with opened(browser, claim_run.path.with_name("report.html"), route) as direct:
        there = direct.page.locator("#page").inner_text()
        direct.page.reload()
        assert direct.page.locator("#page").inner_text() == there
        assert direct.page.title().startswith("paper.every[k=16]")
    visit(claim_pages.page, route)
    assert claim_pages.page.locator("#page").inner_text() == there
    visit(claim_pages.page, address("paper.never"))
    assert "no page" in claim_pages.page.locator("#page").inner_text()


@pytest.mark.parametrize("leave", ["Back", "Escape"])
def test_leaving_returns_to_the_same_row(claim_pages, leave):
    page = claim_pages.page
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
def test_nothing_makes_the_page_wider_than_the_screen(claim_run, browser, width):
    with opened(browser, claim_run.path.with_name("report.html"), viewport={"width": width, "height": 800}) as found:
        for cell in CELLS:
            visit(found.page, address(*cell))
            found.page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            assert found.page.evaluate("() => document.documentElement.scrollWidth") <= width, cell
