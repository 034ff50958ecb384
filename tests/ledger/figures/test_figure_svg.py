"""Elements: text of others stays text, and a drawing is well-formed whatever it says."""

from xml.etree.ElementTree import fromstring, tostring

import pytest
from figure_samples import circuit_files, sweep_files
from hypothesis import given
from hypothesis import strategies as st

from ledger.figures.svg import pixels, printable, text

HOSTILE = [
    "</text><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!--<script>",
    "gpj\u202eexe.\u202c",
    "\x1b[31mred\x07",
    "]]>&amp;&#0;",
    "\ufffe\uffff\ud800",
    "a" * 5000,
]


@given(st.text())
def test_any_text_is_well_formed_and_one_line(words):
    read = fromstring(tostring(text(1, 2, words), "unicode"))
    assert (read.text or "") == printable(words)
    assert "\n" not in (read.text or "")
    assert len(printable(words)) <= 90


@given(st.floats(-1e5, 1e5))
def test_pixels_are_short_and_near(value):
    assert (
        abs(float(pixels(value)) - value) <= 0.5001 if abs(value) >= 1e5 else abs(float(pixels(value)) - value) < 0.06
    )
    assert pixels(value) != "-0"
    assert len(pixels(value)) < 10


@pytest.mark.parametrize("words", HOSTILE)
def test_names_of_an_artifact_are_never_markup(shelf, naming, only_one, words):
    sweep = sweep_files()
    facts = sweep["units.json"]["facts"]
    facts["concept"] = words
    facts["arms"]["latent"] = {"decided": False, "because": words}
    digest = shelf.put("mi.steering.sweep:sweep", sweep)
    figure = only_one("steering", naming(digest))
    circuit = only_one("circuit", naming(shelf.put("mi.circuits.probing:probing", circuit_files()), concept=words))
    for one in (figure, circuit):
        read = fromstring(tostring(one.svg, "unicode"))
        assert {e.tag for e in read.iter()} <= {
            "svg",
            "title",
            "g",
            "text",
            "line",
            "polyline",
            "polygon",
            "rect",
            "circle",
        }
        for e in read.iter():
            assert not any(name.startswith("on") or name in ("style", "href", "id") for name in e.attrib)
        shown = "".join(read.itertext()) + read.get("aria-label")
        assert not any(c in shown for c in "\u202e\x1b\x07\ufffe\uffff")
        assert one.id.replace("-", "").isalnum()
        assert one.id.isascii()
        assert len(one.id) < 110
