"""The playground: nobody takes what it says for a recorded verdict."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import PAYLOADS, hostile_rows
from opened import opened, visit
from test_escape_matrix import FAULTS


@pytest.fixture
def page(browser, every_page):
    with opened(browser, every_page) as found:
        yield found.page
        assert found.complaints() == []


def explore(page, label, subject="organism"):
    visit(page, f"#/claim/{label}/{subject}")
    page.locator("summary", has_text="Playground").click()
    box = page.locator(".playground")
    box.wait_for()
    return box


def test_slider_and_typed_value_agree(page):
    box = explore(page, "paper.above-pass")
    slider, typed = box.locator("[type=range]"), box.locator("[type=number]")
    assert float(typed.input_value()) == float(slider.input_value()) == 0.0
    typed.fill("0.0625")
    assert float(slider.input_value()) == 0.0625
    slider.focus()
    before = float(typed.input_value())
    page.keyboard.press("ArrowRight")
    assert float(typed.input_value()) > before
    assert float(slider.input_value()) == pytest.approx(float(typed.input_value()), rel=1e-9)
    typed.fill("12.5")  # beyond the slider's ends: they give way
    assert float(slider.input_value()) == 12.5


def test_an_exploratory_verdict_cannot_be_taken_for_a_recorded_one(page):
    box = explore(page, "paper.above-pass")
    assert "exploratory" not in box.inner_text()
    assert box.evaluate("(e) => getComputedStyle(e).borderTopStyle") == "solid"
    assert box.locator(".tools").is_hidden()
    assert box.locator("[role=status]").inner_text().startswith("● pass: it passes because the lower limit")
    box.locator("[type=number]").fill("0.2")
    assert box.evaluate("(e) => getComputedStyle(e).borderTopStyle") == "dashed"
    said = box.inner_text()
    for words in ("exploratory", "a different bound is a different claim", "nothing is recorded", "Registered: > 0 at"):
        assert words in said
    assert box.locator("[role=status]").inner_text().startswith("◆ would fail: it fails because the upper limit")
    assert "exploratory, not in the ledger" in box.locator("svg").text_content()
    assert "exploratory, would fail" in box.locator("svg").get_attribute("aria-label")
    assert box.locator("svg .registered").count() == 1
    assert page.locator(".big").inner_text().strip() == "● pass"  # the recorded one stands where it stood
    box.get_by_role("button", name="back to the registration").click()
    assert box.evaluate("(e) => e.classList.contains('exploratory')") is False
    box.locator("select").select_option("80")
    assert "exploratory" in box.inner_text()


def test_the_strip_says_where_it_flips(page):
    box = explore(page, "paper.within-unsure")
    assert [p.inner_text() for p in box.locator(".strip .verdict").all()] == ["◆ fail", "○ inconclusive", "● pass"]
    widths = box.locator(".strip .verdict").evaluate_all("(all) => all.map((e) => parseFloat(e.style.width))")
    assert sum(widths) == pytest.approx(100)
    assert "passes for every margin above 0.1" in box.inner_text()
    assert "fails for every margin below 0.0" in box.inner_text()


@pytest.mark.parametrize("typed", ["", "-0.1", "0"])
def test_what_is_no_margin_has_no_verdict(page, typed):
    box = explore(page, "paper.within-pass")
    box.locator("[type=number]").fill(typed)
    assert "no verdict Expected a margin that is a finite number above 0" in box.inner_text()
    assert box.locator("[type=number]").get_attribute("aria-invalid") == "true"
    assert box.get_by_role("button", name="nothing new to register").is_disabled()


def test_what_forced_it_stays_whatever_the_bound(page):
    box = explore(page, "paper.chosen")
    box.locator("[type=number]").fill("-1")
    assert "would be inconclusive whatever the interval says: selected on test" in box.inner_text()


@pytest.mark.parametrize("label", ["paper.strays", "paper.unfit", "paper.breaks"])
def test_what_has_no_verdict_has_no_playground(page, label):
    visit(page, f"#/claim/{label}/organism")
    assert page.locator("h1", has_text=label).is_visible()
    assert page.locator("summary", has_text="Playground").count() == 0


def test_a_family_has_a_level_of_its_own(page):
    box = explore(page, "paper.head-b")
    assert "in its family it is inconclusive (Holm, m=5)" in box.inner_text()
    box.locator("select").select_option("adjusted")
    assert "would be inconclusive" in box.locator("[role=status]").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_exploring(browser, every_page, scheme):
    with opened(browser, every_page, color_scheme=scheme) as found:
        for label in ("paper.above-pass", "paper.within-pass"):
            box = explore(found.page, label)
            for value in ("0.05", ""):
                box.locator("[type=number]").fill(value)
                if value:
                    box.locator(".tools summary").click()
                violations = Axe().run(found.page).response["violations"]
                assert [v["id"] for v in violations if v["impact"] != "minor"] == []


@pytest.mark.parametrize("label", ["paper.above-pass", "paper.within-fail", "paper.head-b"])
def test_320_pixels_are_enough(browser, every_page, label):
    with opened(browser, every_page, viewport={"width": 320, "height": 800}) as found:
        box = explore(found.page, label)
        box.locator("[type=number]").fill("0.123456789")
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_only_text_while_exploring(browser, page_of, payload):
    with opened(browser, page_of(hostile_rows(payload, cases=("paper.head-b",)))) as found:
        page = found.page
        links = page.eval_on_selector_all("#rows tr.row th a", "all => all.map((a) => a.getAttribute('href'))")
        for link in list(dict.fromkeys(links))[-3:]:
            visit(page, link)
            page.locator("summary", has_text="Playground").first.click()
            page.locator(".playground [type=number]").fill("0.07")
            page.locator(".playground .tools summary").click()
            page.locator(".playground pre", has_text="supersedes").wait_for()
            assert page.evaluate(FAULTS) == []
        assert found.complaints() == []


def test_the_button_copies_the_entry(page):
    box = explore(page, "paper.above-pass")
    box.locator("[type=number]").fill("0.07")
    box.locator(".tools summary").click()
    box.locator("pre", has_text="supersedes").wait_for()
    entry = box.locator("pre").text_content()
    assert '  "above-pass-2":\n' in entry
    assert "    above: 0.07\n" in entry
    page.evaluate(
        "() => document.addEventListener('copy', () => { window.copied = String(document.activeElement.value); })"
    )
    box.get_by_role("button", name="copy as a new claim").click()
    assert page.evaluate("window.copied") == entry
