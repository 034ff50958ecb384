"""Latent cards in a browser: every token seen as it is, its activation read with eyes, mouse and keyboard."""

import json
import sys
from types import ModuleType

import ledgers
import pytest
from opened import opened

from ledger.report.page import render
from ledger.run import read_run
from mi.autointerp.accounting import account
from mi.autointerp.cards import write_cards
from mi.autointerp.latent_examples import Example, LatentExamples
from runners.build import build
from runners.place import FOLDER
from runners.recipe import Recipe
from runners.store import Store

pytestmark = pytest.mark.usefixtures("environment_put_back")
HOSTILE = (
    "</script><script>window.ran.push('token')</script>",
    "<!--<script>",
    "<img src=x onerror=\"window.ran.push('img')\">",
    "\u202egpj.exe",
    "x" * 10_000,
    " \u200b",
    "\n",
    "\t",
    "  ",
    "",
)
PLAIN = (" the", " old", " nurse", " sat", ".")
LONG = 4096


def example(name, tokens, activations):
    return Example(name, tokens, tuple(activations), any(activations), 0 if any(activations) else None, (0,))


def coders(out, *, progress):
    """Their digest is all that is asked of them."""
    (out / "sae").write_text("")


def neighbours(out, *, progress, coders, coder):
    """Of latent 3: another card, one that has none, and a flipped one that is dead."""
    null = {"median": 0.25, "quantiles": {"0.05": 0.2, "0.95": 0.3}}
    rows = {"3": [[4, 0.75], [9, 0.5], [11, -0.5]]}
    (out / "neighbours.json").write_text(json.dumps({"null": null, "dead": [11], "rows": rows}))


def made(out, *, progress, coders, coder):
    """Latent 3 fires on plain tokens, 4 on hostile ones, 5 in one long context."""
    contexts = {
        3: (PLAIN, (0.0, 1.0, 4.0, 2.0, 0.0)),
        4: (HOSTILE, (4.0, 0.0) * 5),
        5: ((" word",) * LONG, [float(1 + i % 8) if i % 2 else 0.0 for i in range(LONG)]),
    }
    test = tuple(example(f"t:{i}", PLAIN, (0.0, 0.0, float(i % 2), 0.0, 0.0)) for i in range(40))
    answers = {kind: (*(int(e.activating) for e in test[:-1]), None) for kind in ("detection", "fuzzing")}
    told = {kind: account([e.activating for e in test], given) for kind, given in answers.items()}
    about = {
        "coder": "sae",
        "site": "blocks.2.hook_resid_post",
        "chosen": "registered sample 0123456789ab: 3 of 512 latents",
        "scorer": {"kind": "chat", "model": "small"},
        "explanation": f"Nurses {HOSTILE[0]}",
        "scores": {k: {"score": a.score, "parse_rate": a.parse_rate, "n": a.n} for k, a in told.items()},
        "answers": answers,
    }
    latents = [LatentExamples(k, 0.0123, (example("e:0", *of),), (), test) for k, of in contexts.items()]
    write_cards(out, latents, dict.fromkeys(contexts, about))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with these cards, made by the real builder in a real store."""
    folder = tmp_path_factory.mktemp("latents")
    module = ModuleType("page_card_builders.mi.coders.neighbours")
    module.coders, module.made, module.neighbours = coders, made, neighbours
    sys.modules[module.__name__] = module
    try:
        store = Store(folder / FOLDER)
        trained = Recipe(f"{module.__name__}:coders", 1, {})
        digest, near = (
            build(Recipe(f"{module.__name__}:{name}", 1, {"coder": "sae"}, {"coders": trained}), store).digest
            for name in ("made", "neighbours")
        )
    finally:
        del sys.modules[module.__name__]
    row = ledgers.changed(
        ledgers.judge(ledgers.claim("latents"), ledgers.gap(0.1)), lambda r: r.update(artifacts=[digest, near])
    )
    run = read_run(ledgers.write_run(folder / "runs", [row]))
    path = folder / "report.html"
    path.write_bytes(render(run, store=store.root))
    return path, digest[:12]


@pytest.fixture
def card(browser, report):
    """``card(latent, **context)``: its page, opened."""
    path, artifact = report
    return lambda latent, **context: opened(browser, path, f"#/latent/{artifact}/{latent}", **context)


def shares(page, latent_property):
    return page.locator(".token").evaluate_all(
        f"nodes => nodes.map((node) => parseFloat(getComputedStyle(node).{latent_property}))"
    )


def test_the_list_leads_to_every_card_and_back_to_the_claim(browser, report):
    path, _ = report
    with opened(browser, path, "#/latents") as found:
        page = found.page
        assert page.locator("main tbody a").all_text_contents() == ["latent 3", "latent 4", "latent 5"]
        page.locator("main a", has_text="latent 3").click()
        page.get_by_role("heading", name="Latent 3 of sae").wait_for()
        text = page.locator("main").inner_text()
        for said in (
            "registered sample 0123456789ab",
            "blocks.2.hook_resid_post",
            "1.23 %",
            "chat, model small",
            "2.5 % of 40",
        ):
            assert said in text
        assert page.locator("dt").first.inner_text() == "chosen"
        page.locator("main a", has_text="paper.latents").click()
        page.wait_for_function("() => location.hash.startsWith('#/claim/paper.latents/organism')")
        assert found.complaints() == []


def test_the_highlight_is_linear_in_activation(card):
    with card(3) as found:
        background = found.page.locator(".token").evaluate_all(
            "nodes => nodes.map((node) => (getComputedStyle(node).backgroundColor.match(/[/,] *([\\d.]+)\\)$/) || [0, '1'])[1])"
        )
        assert [float(x) for x in background] == pytest.approx([0, 0.25, 1, 0.5, 0], abs=0.01)
        assert shares(found.page, "borderBottomWidth") == pytest.approx([0, 1.5, 6, 3, 0], abs=1)


def test_hostile_tokens_change_nothing_but_their_own_text(card):
    with card(4) as found:
        tokens = found.page.locator("bdi.token").all_inner_texts()
        assert tokens[:2] == list(HOSTILE[:2])
        assert tokens[2] == HOSTILE[2]
        assert tokens[3] == "U+202Egpj.exe"
        assert tokens[4] == "x" * 200 + "… 10,000 characters"
        assert [t.replace(" ", "_") for t in (tokens[5], *tokens[8:])] == ["_ZWSP", "__", "…_0_characters"]
        unseen = found.page.locator(".token .unseen[title]").evaluate_all("nodes => nodes.map((n) => n.title)")
        assert unseen == ["U+202E", "U+200B", "U+000A", "U+0009"]
        assert found.page.locator("main img, main script").count() == 0
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        dots = found.page.locator(".token .space").evaluate_all(
            "nodes => nodes.map((n) => getComputedStyle(n).backgroundImage)"
        )
        assert len(dots) == sum(t.count(" ") for t in HOSTILE)
        assert all("gradient" in dot for dot in dots)
        assert found.complaints() == []


def test_a_value_is_read_by_mouse_and_by_keyboard(card):
    with card(3) as found:
        page, value = found.page, found.page.locator("output")
        assert value.inner_text() == "strongest 4"
        page.locator(".token").nth(3).hover()
        assert value.inner_text().startswith("2.008, token 4 of 5")
        page.locator(".token").first.hover()
        assert value.inner_text() == "0, token 1 of 5"
        page.mouse.move(0, 0)
        assert value.inner_text() == "strongest 4"
        assert page.locator(".token[tabindex='0']").inner_text().strip() == "nurse"  # one stop for the Tab key
        page.locator(".token[tabindex='0']").focus()
        assert value.inner_text() == "4, token 3 of 5"
        page.keyboard.press("ArrowLeft")
        assert value.inner_text().endswith("token 2 of 5")
        page.keyboard.press("ArrowLeft")  # the first one that fires: it stays
        assert value.inner_text().endswith("token 2 of 5")
        assert page.locator(".token[tabindex='0']").count() == 1


def test_neighbours_are_drawn_against_their_null_and_lead_to_their_cards(card):
    with card(3) as found:
        page = found.page
        part = page.locator("main section", has=page.get_by_role("heading", name="Nearest decoder directions"))
        assert "a median cosine of 0.250, and 90 % lie from 0.200 to 0.300" in part.inner_text()
        rows = part.locator("tbody tr")
        assert rows.locator("th").all_inner_texts() == ["latent 4", "latent 9", "latent 11, dead"]
        assert rows.locator("td:nth-child(2)").all_inner_texts() == ["+0.750", "+0.500", "-0.500"]
        drawn = "nodes => nodes.map((n) => [n.x.baseVal.value, n.width.baseVal.value])"
        assert part.locator("rect:not(.null)").evaluate_all(drawn) == [[0, 75], [0, 50], [0, 0]]
        assert part.locator("rect.null").evaluate_all(drawn) == [[25, 2]] * 3
        part.locator("a").click()
        page.get_by_role("heading", name="Latent 4 of sae").wait_for()
        assert "Nearest decoder" not in page.locator("main").inner_text()  # nothing is known of its neighbours
        assert found.complaints() == []


def test_thousands_of_tokens_do_not_hold_the_page_up(card):
    with card(5) as found:
        page = found.page
        assert page.locator(".token").count() == 16
        assert page.locator(".token[tabindex='0']").count() == 1
        most = page.evaluate(
            """(n) => new Promise((done) => {
            const tokens = () => document.querySelectorAll('.token').length;
            let [before, most] = [tokens(), 0];
            const watch = () => {
              const now = tokens();
              [most, before] = [Math.max(most, now - before), now];
              if (now === n) done(most); else setTimeout(watch, 0);
            };
            document.querySelector('.contexts button').click();
            watch();
            })""",
            LONG,
        )
        assert most <= 512  # between two turns of the page there are a few blocks of 256 at most, not all of them
        assert page.locator(".contexts button").count() == 0
        assert page.evaluate("document.activeElement.matches('.contexts p')")


def test_a_report_made_without_a_store_says_what_is_missing(browser, report, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(render(read_run(next((report[0].parent / "runs").glob("*.jsonl")))))
    with opened(browser, path, "#/latents") as found:
        assert "2 of the 2 artifacts that rows name are not on the machine" in found.page.locator("main").inner_text()
        assert found.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_over_the_strongest_shade_is_readable(card, scheme):
    coloraide = pytest.importorskip("coloraide")
    with card(3, color_scheme=scheme) as found:
        colours = (
            found.page.locator(".token")
            .nth(2)
            .evaluate("node => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]")
        )
        text, shade = map(coloraide.Color, colours)
        assert shade.alpha() == 1
        assert text.contrast(shade, method="wcag21") >= 4.5


@pytest.mark.parametrize("width", [320, 380, 1280])
def test_nothing_is_wider_than_the_page(card, width):
    for latent in (3, 4, 5):
        with card(latent, viewport={"width": width, "height": 800}) as found:
            assert found.page.evaluate("document.documentElement.scrollWidth") <= width


def test_shades_go_and_underlines_stay_where_colours_are_forced(card):
    with card(3, forced_colors="active") as found:
        assert shares(found.page, "borderBottomWidth") == pytest.approx([0, 1.5, 6, 3, 0], abs=1)


def test_no_accessibility_violations(card):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for scheme in ("light", "dark"):
        with card(4, color_scheme=scheme) as found:
            result = axe.Axe().run(found.page)
            assert [v["id"] for v in result.response["violations"]] == []
