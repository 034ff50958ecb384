"""What a reader can see: nothing beside the screen, over other text or cut off, at five widths and in four modes."""

import pytest
from ledgers import every_state
from opened import opened, visit

from ledger.ruling import rulings

SIZES = ((320, 640), (380, 800), (768, 1024), (1280, 800), (1920, 1080))
MODES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "print": {},
}
# Boxes of text that lie over another, leave the screen, or are cut by their own element.
FAULTS = """() => {
  const found = [];
  const named = (node) => node.textContent.trim().slice(0, 40);
  const hidden = (element) => !element.checkVisibility({ visibilityProperty: true }) || element.closest('.skip, .offscreen, [aria-hidden=true] .offscreen');
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over > 0) found.push(`${over} px beside the screen`);
  const boxes = (root) => {
    const kept = [];
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (!node.textContent.trim() || hidden(node.parentElement)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) if (box.width > 0) kept.push([node, box]);
    }
    return kept;
  };
  for (const [node, box] of boxes(document.body)) {
    if (box.left < -1 || box.right > innerWidth + 1) found.push(`leaves the screen: ${named(node)}`);
    for (let e = node.parentElement; e && e !== document.body; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.overflowX === 'visible' || style.overflowX === 'auto' || e instanceof SVGElement) continue;
      if (e.scrollWidth > e.clientWidth + 1) found.push(`cut by <${e.localName} class="${e.className}">: ${named(node)}`);
    }
    const drawing = node.parentElement.closest('svg');
    const frame = drawing && drawing.getBoundingClientRect();
    if (frame && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 2)) found.push(`leaves its drawing: ${named(node)}`);
  }
  for (const row of document.querySelectorAll('tr, section > p, nav, dl, .filters')) {
    const all = boxes(row);
    all.forEach(([a, p], i) => all.slice(i + 1).forEach(([b, q]) => {
      const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (a !== b && wide > 1 && high > 4) found.push(`over each other: ${named(a)} | ${named(b)}`);
    }));
  }
  return [...new Set(found)].slice(0, 12);
}"""


@pytest.fixture(scope="module", params=MODES)
def shown(request, browser, every_page):
    with opened(browser, every_page, **MODES[request.param]) as found:
        if request.param == "print":
            found.page.emulate_media(media="print")
        found.mode = request.param
        yield found


def at(shown, size, route="#/"):
    shown.page.set_viewport_size({"width": size[0], "height": size[1]})
    visit(shown.page, route)
    return shown.page


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nothing_overlaps_or_is_cut(shown, size):
    assert at(shown, size).evaluate(FAULTS) == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_route_fits(shown, size, routes):
    faults = {route: at(shown, size, route).evaluate(FAULTS) for route in routes}
    assert {route: found for route, found in faults.items() if found} == {}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_first_unexpected_row_is_above_the_fold(shown, size):
    box = at(shown, size).locator("#summary tr.attention").first.bounding_box()
    assert box["y"] + min(box["height"], 120) <= size[1]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_intervals_are_long_enough_to_read(shown, size):
    widths = at(shown, size).evaluate(
        "() => [...document.querySelectorAll('#rows svg.forest .own')].map((e) => e.getBoundingClientRect().width)"
    )
    assert len(widths) > 15
    assert sorted(widths)[len(widths) // 2] >= 24


def test_alarms_keep_a_border(shown):
    """Forced colours drop backgrounds and shadows; a badge that is only a background is gone."""
    borders = at(shown, SIZES[3]).evaluate(
        """() => [...document.querySelectorAll('.badge')].map((e) => getComputedStyle(e))
        .map((s) => (['none', 'hidden'].includes(s.borderTopStyle) ? 0 : parseFloat(s.borderTopWidth)))"""
    )
    assert borders
    assert min(borders) >= 1


def test_targets_can_be_hit(shown):
    small = at(shown, SIZES[1]).evaluate(
        """() => [...document.querySelectorAll('button, select, input, summary')].filter((e) => e.checkVisibility())
        .map((e) => [e.outerHTML.slice(0, 60), e.getBoundingClientRect()]).filter(([, b]) => b.width < 24 || b.height < 24).map(([t]) => t)"""
    )
    assert small == []


def test_nothing_was_asked_for(shown):
    assert shown.complaints() == []


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_stands_there_before_the_script_fits(browser, static_page, size):
    with opened(browser, static_page, viewport={"width": size[0], "height": size[1]}) as found:
        assert found.page.evaluate(FAULTS) == []


@pytest.mark.parametrize("kind", ["overlap", "beside", "cut"])
def test_the_checks_can_fail(browser, every_page, kind):
    style = {
        "overlap": "#summary td:first-child { position: relative; left: 180px; }",
        "beside": "body { width: 140vw; }",
        "cut": "#summary th p { white-space: nowrap; overflow: hidden; width: 90px; }",
    }[kind]
    with opened(browser, every_page, bypass_csp=True) as found:
        found.page.add_style_tag(content=style)
        assert found.page.evaluate(FAULTS)


def test_the_ledger_has_every_state():
    found = rulings([j.row for j in every_state()])
    assert {r.state for r in found} == {"pass", "fail", "inconclusive", "refused", "deviated", "broken"}
    assert {r.row["status"] for r in found} == {
        "decided",
        "drift",
        "deviated",
        "refused",
        "error",
        "crashed",
        "not_run",
    }
    assert any(r.row["family_verdict"] != r.row["verdict"] for r in found)
    assert any(r.row["control_problems"] for r in found)
