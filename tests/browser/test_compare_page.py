"""Two runs side by side: flips first, moved goalposts loudly, and nothing that is the same."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import PAYLOADS, hostile_header, hostile_rows
from ledgers import HEADER, changed, claim, gap, judge, unjudged, write_run
from opened import opened, visit
from test_escape_matrix import FAULTS

from ledger.report.compare import comparison
from ledger.report.page import render
from ledger.run import read_run

EARLIER, NOW = "2026-11-19T120000Z-bbbbbb", "2026-11-20T120000Z-aaaaaa"


def before():
    return [
        judge(claim("steady"), gap(0.1, seed=1)),
        judge(claim("falls", expected="pass"), gap(0.1, seed=2)),
        judge(claim("fades"), gap(0.1, seed=3)),
        judge(claim("fades-too"), gap(0.1, seed=4)),
        judge(claim("rejudged", above=0.02), gap(0.08, seed=5)),
        judge(claim("bound-moved", above=0.05), gap(0.2, seed=6)),
        judge(claim("recovers", expected="pass"), gap(-0.1, seed=7)),
        judge(claim("shifts"), gap(0.1, seed=8)),
        judge(claim("wanders"), gap(0.1, seed=9)),
        judge(claim("leaves"), gap(0.1, seed=10)),
        judge(claim("breaks"), gap(0.1, seed=11)),
    ]


def after():
    return [
        judge(claim("steady"), gap(0.1, seed=1)),
        judge(claim("falls", expected="pass"), gap(-0.1, seed=102)),
        judge(claim("fades"), gap(0.01, seed=103)),
        judge(claim("fades-too"), gap(0.012, seed=104)),
        judge(claim("rejudged", above=0.09), gap(0.08, seed=5)),
        judge(claim("bound-moved", above=0.02), gap(0.2, seed=6)),
        judge(claim("recovers", expected="pass"), gap(0.1, seed=107)),
        judge(claim("shifts"), gap(0.2, seed=108)),
        judge(claim("wanders"), gap(0.101, seed=109)),
        judge(claim("arrives"), gap(0.1, seed=12)),
        unjudged(claim("breaks"), "error", "BOS is missing in 3 of 64 documents", "Tokenise with prepend_bos=True."),
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    older = {**HEADER, "time": "2026-11-19T12:00:00Z", "git": {"commit": "b" * 40, "dirty": True}}
    return [read_run(write_run(folder, rows, run_id, header)) for rows, run_id, header in (
        (before(), EARLIER, older), (after(), NOW, HEADER))]  # fmt: skip


@pytest.fixture(scope="module")
def report(runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(render(runs[1], compared=[runs[0], runs[1]]))
    return path


@pytest.fixture
def page(browser, report):
    with opened(browser, report, "#/compare/0") as found:
        yield found.page
        assert found.complaints() == []


def parts(page):
    """What each part of the page names, by its heading."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('#page > section > section')].map((part) => [
            part.querySelector('h2').textContent, [...part.querySelectorAll('h3, li')].map((e) => e.textContent.trim().split(' ')[0])]))"""
    )


def test_one_look_gives_the_number_and_the_direction(page):
    assert page.locator(".big").inner_text() == (
        "6 of 10 rows changed: 3 pass → inconclusive, 1 pass → fail, 1 fail → pass, 1 pass → error."
    )
    assert "1 drift appeared · 1 drift resolved · 1 new · 1 gone · 1 moved a little, re-measured" in page.inner_text(
        "#page"
    )


def test_flips_come_first_and_what_is_the_same_is_not_there(page):
    found = parts(page)
    assert found.pop("Environment") == []
    assert found.pop("Other comparisons") == ["against"]
    assert found == {
        "Verdict changed, measured again (4)": ["paper.falls", "paper.fades", "paper.fades-too", "paper.recovers"],
        "Verdict changed, the same scores judged again (1)": ["paper.rejudged"],
        "Verdict changed, no scores on one side (1)": ["paper.breaks"],
        "Goalposts moved, the verdict did not (1)": ["paper.bound-moved"],
        "The same verdict, moved by more than half an interval (1)": ["paper.shifts"],
        "New (1)": ["paper.arrives"],
        "Gone (1)": ["paper.leaves"],
    }
    assert "paper.steady" not in page.inner_text("#page")


def test_moved_goalposts_are_loud(page):
    badges = [b.inner_text() for b in page.locator("#page .badge").all()]
    assert badges[0] == "goalposts moved in 2 cells"
    assert badges.count("goalposts moved") == 2
    card = page.locator(".change", has_text="paper.bound-moved")
    assert re.search(r"bound\s+0\.05\s+0\.02", card.inner_text())


def test_both_intervals_lie_on_one_axis(page, runs):
    """The same number has the same place in both figures, whatever bound each was judged by."""
    card = page.locator(".change", has_text="paper.falls")
    lines = card.locator("svg .own").evaluate_all(
        "(all) => all.map((e) => [e.getAttribute('x1'), e.getAttribute('x2')].map(Number))"
    )
    cell = next(c for c in comparison(*runs)["cells"] if c["claim"] == "paper.falls")
    scales = [
        (b - a) / (cell[side]["hi"] - cell[side]["lo"]) for side, (a, b) in zip(("before", "after"), lines, strict=True)
    ]
    assert scales[0] == pytest.approx(scales[1])
    bounds = card.locator("svg .bound").evaluate_all("(all) => all.map((e) => e.getAttribute('x1'))")
    assert len(bounds) == 2
    assert bounds[0] == bounds[1]
    assert lines[1][1] < float(bounds[0]) < lines[0][0]


def test_the_paired_difference_is_the_librarys(page, runs):
    cell = next(c for c in comparison(*runs)["cells"] if c["claim"] == "paper.falls")
    found = cell["paired"]
    expected = f"{found['estimate']:+.3f} [{found['lo']:+.3f}, {found['hi']:+.3f}] n={found['n']}"
    assert (
        f"Now minus earlier, unit by unit: {expected}" in page.locator(".change", has_text="paper.falls").inner_text()
    )
    assert (
        "the same scores: nothing was measured again" in page.locator(".change", has_text="paper.rejudged").inner_text()
    )
    assert (
        "No paired difference (one of the two has no scores)"
        in page.locator(".change", has_text="paper.breaks").inner_text()
    )


def test_counts_lead_to_their_cells(page):
    table = page.locator(".transitions")
    assert table.get_by_role("link", name="3 from pass to inconclusive").inner_text() == "3"
    assert table.get_by_role("link").count() == 6
    table.get_by_role("link", name="3 from pass to inconclusive").click()
    page.get_by_text("Only pass → inconclusive").wait_for()
    assert sum(map(len, parts(page).values())) == 3
    page.get_by_role("link", name="all differences").click()
    page.locator(".transitions").wait_for()


def test_only_what_differs_of_the_environment(page):
    text = page.locator("section", has=page.get_by_role("heading", name="Environment")).last.inner_text()
    assert "git.commit" in text
    assert "git.dirty" in text
    assert "numpy" not in text


def test_a_run_against_itself_has_no_differences_and_nothing_else(page):
    visit(page, "#/compare/1")
    assert page.locator("#page").inner_text().split("\n\n") == [f"This run against {NOW}", "No differences."]


def test_a_page_without_comparisons_has_no_link_to_one(browser, every_page):
    with opened(browser, every_page, "#/compare/0") as found:
        assert "This report has no page /compare/0" in found.page.inner_text("#page")
        assert found.page.locator("#pages a[href*=compare]").count() == 0


def test_an_earlier_runs_home_folder_stays_at_home(runs, tmp_path):
    rows = [changed(before()[0], lambda row: row.update(statement="measured in /home/ada-l/secrets"))]
    older = read_run(write_run(tmp_path, rows, EARLIER, {**HEADER, "command": ["pytest", "/home/ada-l/claims"]}))
    found = render(runs[1], compared=[older]).decode()
    assert "ada-l" not in found
    assert "~/claims" in found


def test_a_thousand_changes_are_drawn_a_hundred_at_a_time(browser, tmp_path):
    rows = [judge(claim(f"claim-{k}"), gap(0.1, n=10, seed=k)) for k in range(230)]
    now = read_run(write_run(tmp_path, rows, NOW))
    path = tmp_path / "report.html"
    path.write_bytes(render(now, compared=[read_run(write_run(tmp_path, [before()[0]], EARLIER))]))
    with opened(browser, path, "#/compare/0") as found:
        items = found.page.locator("#page li", has_text="paper.claim-")
        assert items.count() == 100
        found.page.get_by_text("130 more").click()
        items.nth(199).wait_for()
        assert items.count() == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, report, scheme):
    with opened(browser, report, "#/compare/0", color_scheme=scheme) as found:
        violations = Axe().run(found.page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] != "minor"] == []


@pytest.mark.parametrize("width", [320, 380, 768, 1280])
def test_nothing_scrolls_sideways(browser, report, width):
    with opened(browser, report, "#/compare/0", viewport={"width": width, "height": 800}) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_only_text(browser, tmp_path, payload):
    sides = (
        [*hostile_rows(payload, cases=("paper.above-pass",)), *before()],
        [*hostile_rows(payload, cases=("paper.drifts",)), *after()],
    )
    earlier = read_run(write_run(tmp_path, sides[0], EARLIER, hostile_header(payload)))
    path = tmp_path / "report.html"
    path.write_bytes(render(read_run(write_run(tmp_path, sides[1], NOW)), compared=[earlier]))
    with opened(browser, path, "#/compare/0") as found:
        assert found.page.locator(".change").count() > 5
        assert found.page.evaluate(FAULTS) == []
        assert found.complaints() == []
