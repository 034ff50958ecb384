"""Colours of the page: verdicts told apart by colour-blind eyes, text and marks with contrast, in both themes."""

import re
import runpy
from itertools import combinations
from pathlib import Path

import pytest
from coloraide import Color

from ledger.report.palette import palette
from ledger.terminal import GLYPHS

ROOT = Path(__file__).resolve().parents[3]
ASSETS = ROOT / "ledger/report/assets"
TOKENS = (ASSETS / "tokens.css").read_text()
THEMES = ("light", "dark")
BLIND = ("protan", "deutan", "tritan")
VERDICTS = ("pass", "fail", "inc")
ARMS = tuple(f"arm-{k}" for k in range(1, 6))
USUAL = {"pass": "#2e7d32", "fail": "#c62828", "inc": "#f9a825", "bg": "#ffffff"}
"""Traffic lights: what the checks below must refuse."""


def distance(a: str, b: str, blind: str | None = None) -> float:
    """CIEDE2000, as seen with full dichromacy (Machado et al. 2009)."""
    seen = [Color(c).filter(blind, 1, method="machado") if blind else Color(c) for c in (a, b)]
    return seen[0].delta_e(seen[1], method="2000")


def nearest(colours: dict[str, str], names, blind: str | None = None) -> float:
    return min(distance(colours[a], colours[b], blind) for a, b in combinations(names, 2))


def contrast(colours: dict[str, str], mark: str, ground: str = "bg") -> float:
    return Color(colours[mark]).contrast(Color(colours[ground]))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("blind", BLIND)
def test_verdicts_are_apart_for_colour_blind_eyes(theme, blind):
    colours = palette(theme)
    assert distance(colours["pass"], colours["fail"], blind) >= 40
    assert nearest(colours, VERDICTS, blind) >= 12


def test_the_distances_are_those_of_the_doc():
    page = (ROOT / "docs/verdict_marks.md").read_text()
    for theme in THEMES:
        colours = palette(theme)
        worst = min(distance(colours["pass"], colours["fail"], b) for b in BLIND)
        near = min(nearest(colours, VERDICTS, b) for b in BLIND)
        text = ", ".join(f"{contrast(colours, v):.1f}" for v in VERDICTS)
        hues = " | ".join(f"`{colours[v]}`" for v in VERDICTS)
        assert f"| {theme}, on `{colours['bg']}` | {hues} | {worst:.1f} (protan) | {near:.1f} | {text} |" in page


def test_traffic_lights_would_be_refused():
    assert distance(USUAL["pass"], USUAL["fail"], "deutan") < 12
    assert contrast(USUAL, "inc") < 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["bg", "panel"])
def test_text_has_contrast(theme, ground):
    colours = palette(theme)
    for name in ("fg", "muted", "link", *VERDICTS):
        assert contrast(colours, name, ground) >= 4.5, name
    assert contrast(colours, "fg", "highlight") >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["bg", "panel"])
def test_marks_have_contrast(theme, ground):
    colours = palette(theme)
    for name in ("line", "focus", *ARMS):
        assert contrast(colours, name, ground) >= 3, name


@pytest.mark.parametrize("theme", THEMES)
def test_arms_are_told_apart_and_are_no_verdicts(theme):
    colours = palette(theme)
    assert min(nearest(colours, ARMS, blind) for blind in (None, *BLIND)) >= 20
    assert min(distance(colours[a], colours[v]) for a in ARMS for v in ("pass", "fail")) >= 12
    dashes = re.findall(r"--dash-\d: ([^;]+);", TOKENS)
    assert len(set(dashes)) == len(dashes) == len(ARMS)


@pytest.mark.parametrize("theme", THEMES)
def test_in_grey_only_shapes_are_left(theme):
    """Why glyphs and words are not optional: in grey the two verdicts are one colour."""
    colours = palette(theme)
    grey = [Color(colours[v]).filter("grayscale") for v in ("pass", "fail")]
    assert grey[0].delta_e(grey[1], method="2000") < 4
    for k in (0, 1):
        assert len({glyphs[k] for glyphs in GLYPHS.values()}) == len(GLYPHS)


def test_forced_colours_replace_every_colour():
    forced = TOKENS[TOKENS.index("forced-colors") :]
    assert palette("light").keys() == palette("dark").keys() == set(re.findall(r"--([\w-]+): [A-Z]\w+;", forced))
    assert not re.search(r"#[0-9A-Fa-f]{3}", forced)


@pytest.mark.parametrize(
    "path", sorted(p for p in ASSETS.iterdir() if p.suffix in (".css", ".js")), ids=lambda p: p.name
)
def test_colours_come_from_tokens(path):
    text = path.read_text()
    known = set(re.findall(r"(--[\w-]+)\s*:", "".join(p.read_text() for p in ASSETS.glob("*.css"))))
    known |= set(re.findall(r"setProperty\(['\"](--[\w-]+)", "".join(p.read_text() for p in ASSETS.glob("*.js"))))
    assert not set(re.findall(r"var\((--[\w-]+)", text)) - known
    if path.name != "tokens.css":
        assert not re.findall(r"(?i)#(?:[0-9a-f]{6}|[0-9a-f]{3})\b(?=\s*[;,)'\"`])|\b(?:rgba?|hsla?|oklch)\(", text)


@pytest.mark.parametrize("theme", THEMES)
def test_the_sample_sheets_are_current(theme):
    sheet = runpy.run_path(str(ROOT / "docs/img/draw_verdict_marks.py"))["sheet"]
    assert (ROOT / f"docs/img/verdict_marks_{theme}.svg").read_text("utf-8") == sheet(theme)
