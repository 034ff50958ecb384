"""In greyscale only shapes are left: do the marks of two verdicts still differ as pictures?"""

import io
from itertools import combinations

import numpy as np
import pytest
from opened import opened
from PIL import Image

STATES = ("pass", "fail", "inconclusive")
GLYPHS = (*STATES, "refused", "deviated", "broken")
SIDE = 32
APART = 0.08
"""Share of pixels by which two shapes of the same size have to differ."""


@pytest.fixture(scope="module", params=["light", "dark"])
def grey(request, browser, every_page):
    """The page without hues, four times as large."""
    with opened(browser, every_page, color_scheme=request.param, device_scale_factor=4, bypass_csp=True) as found:
        found.page.add_style_tag(content="html { filter: grayscale(1); } .subject { visibility: hidden; }")
        yield found.page


def shape(page, element):
    """The ink of an element, cut to its own box and scaled to one size: a mask, and its height over its width."""
    shot = Image.open(io.BytesIO(element.screenshot())).convert("L")
    pixels = np.asarray(shot, dtype=float)
    ink = abs(pixels - np.median(np.concatenate([pixels[0], pixels[-1]]))) > 60
    rows, columns = np.where(ink.any(axis=1))[0], np.where(ink.any(axis=0))[0]
    assert len(rows), "no ink"
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(Image.fromarray(cut).resize((SIDE, SIDE))), cut.shape[0] / cut.shape[1]


def apart(one, other):
    (a, tall), (b, wide) = one, other
    return max((a != b).mean(), abs(tall - wide) / max(tall, wide))


def glyph(page, state):
    return shape(
        page, page.locator(f"#summary .verdict.{state} [aria-hidden], #rows .verdict.{state} [aria-hidden]").first
    )


def test_glyphs_differ_in_shape(grey):
    there = [s for s in GLYPHS if grey.locator(f".verdict.{s} [aria-hidden]").count()]
    assert set(STATES) < set(there)
    shapes = {state: glyph(grey, state) for state in there}
    distances = {(a, b): apart(shapes[a], shapes[b]) for a, b in combinations(there, 2)}
    assert min(distances.values()) > APART, distances


def marker(page, state):
    """A marker alone: lines, bands and rings of its plot are taken away."""
    page.evaluate(
        """state => {
        document.querySelectorAll('.alone').forEach((e) => e.remove());
        const mark = document.querySelector(`svg.forest .mark.${state}`).cloneNode(true);
        const box = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        const { x, y, width, height } = document.querySelector(`svg.forest .mark.${state}`).getBBox();
        box.setAttribute('class', 'forest alone');
        box.setAttribute('viewBox', [x - 4, y - 4, width + 8, height + 8].join(' '));
        box.setAttribute('width', 40);
        box.setAttribute('height', 40);
        box.append(mark);
        document.querySelector('#summary').prepend(box);
        }""",
        state,
    )
    return shape(page, page.locator("svg.alone"))


def test_markers_differ_in_shape(grey):
    shapes = {state: marker(grey, state) for state in STATES}
    distances = {(a, b): apart(shapes[a], shapes[b]) for a, b in combinations(STATES, 2)}
    assert min(distances.values()) > APART, distances


def test_one_shape_is_one_shape(grey):
    """Two drawings of one glyph are not apart, so the distance above is one of shapes."""
    two = grey.locator("#rows .verdict.pass [aria-hidden]")
    assert apart(shape(grey, two.nth(0)), shape(grey, two.nth(1))) < APART / 2


@pytest.mark.parametrize(
    "mode", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str
)
def test_the_word_on_a_badge_can_be_read(browser, every_page, mode):
    """Forced colours put a plate behind text, in the colour that a badge gives its letters."""
    with opened(browser, every_page, **mode, device_scale_factor=4) as found:
        for badge in found.page.locator(".badge:visible").all()[:6]:
            pixels = np.asarray(Image.open(io.BytesIO(badge.screenshot())).convert("L"), dtype=float)
            high, wide = pixels.shape
            inside = pixels[high // 4 : -high // 4, wide // 6 : -wide // 6]
            assert 0.06 < (abs(inside - np.median(inside)) > 100).mean() < 0.6, badge.inner_text()


def test_what_was_never_judged_has_a_dashed_badge(browser, every_page):
    with opened(browser, every_page) as found:
        borders = found.page.evaluate(
            "() => [...document.querySelectorAll('.badge')].map((e) => [e.textContent, getComputedStyle(e).borderTopStyle])"
        )
    dashed = {word for word, style in borders if style == "dashed"}
    assert {"error", "crashed", "not run"} <= dashed
    assert not dashed & {"drift", "deviated", "refuted", "unsupported"}
