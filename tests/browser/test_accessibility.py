"""axe-core on every page, both themes; keys; what assistive technology is told."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from opened import opened, visit

COUNTED = {"moderate", "serious", "critical"}


@pytest.fixture(scope="module", params=["light", "dark"])
def shown(request, browser, every_page):
    with opened(browser, every_page, color_scheme=request.param) as found:
        yield found


def violations(page):
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:120]} {v['nodes'][0].get('failureSummary', '')[:200]}"
        for v in found
        if v["impact"] in COUNTED
    ]


def test_axe_finds_nothing(shown, routes):
    found = {}
    for route in routes:
        visit(shown.page, route)
        shown.page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        found |= {route: v} if (v := violations(shown.page)) else {}
    assert found == {}


def test_axe_finds_nothing_where_the_script_did_not_run(browser, static_page):
    with opened(browser, static_page) as found:
        assert violations(found.page) == []


def test_axe_can_fail(browser, every_page):
    with opened(browser, every_page, bypass_csp=True) as found:
        found.page.add_style_tag(content="main p { color: #bbb; } html { background: #fff; }")
        assert any(v.startswith("color-contrast") for v in violations(found.page))


def test_every_plot_says_in_words_what_it_shows(shown):
    visit(shown.page, "#/?subject=organism")
    labels = shown.page.eval_on_selector_all(
        "#rows tr.row svg.forest", "all => all.map((e) => [e.getAttribute('role'), e.getAttribute('aria-label')])"
    )
    assert len(labels) > 15
    assert [x for x in labels if x[0] != "img" or "[" not in x[1] or not re.search("needs|registered", x[1])] == []


def test_enter_opens_and_back_returns_to_the_row(shown):
    page = shown.page
    visit(page, "#/?subject=organism")
    link = page.locator("#rows tr.row th a").nth(12)
    name = link.text_content()
    link.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    before = page.evaluate("() => scrollY")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash.startsWith('#/claim/')")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.getElementById('overview').hidden")
    assert page.evaluate("() => document.activeElement.textContent") == name
    assert abs(page.evaluate("() => scrollY") - before) < 40


def test_escape_goes_back_also_before_the_page_just_chosen_is_drawn(shown):
    page = shown.page
    visit(page, "#/?subject=organism")
    link = page.locator("#rows tr.row th a").nth(3)
    name = link.text_content()
    link.focus()
    link.evaluate(
        """(link) => {
        link.click();
        if (!location.hash.startsWith('#/claim/') || document.getElementById('overview').hidden) throw Error('nothing to be early for');
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
        }"""
    )
    page.wait_for_function("() => location.hash.startsWith('#/?') && !document.getElementById('overview').hidden")
    page.wait_for_function("(name) => document.activeElement.textContent === name", arg=name)


def test_everything_that_works_can_be_reached_by_tab(shown):
    page = shown.page
    visit(page, "#/?subject=gpt2")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, select, input, summary')]
        .filter((e) => e.checkVisibility() && !e.disabled).length"""
    )
    page.evaluate("() => document.activeElement.blur()")
    reached = set()
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("() => { const e = document.activeElement; return e === document.body ? '' : e.outerHTML; }")
        )
        ring = page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2; }"
        )
        assert ring or page.evaluate("() => document.activeElement === document.body")
    assert len(reached - {""}) >= wanted - 2
