"""Numbers and strings for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.text import clean, interval, middle, number, reported, units_of


@pytest.mark.parametrize(
    ("dirty", "plain"),
    [
        ("a\nb\r\n\tc", "a b c"),
        ("\x1b[2J\x1b]8;;http://x\x07link", "[2J ]8;;http://x link"),
        ("\x9b31m", "31m"),
        ("\u202egpj.exe", "gpj.exe"),
        ("\u2066a\u2069b\u200b\ufeffc", "a b c"),
        ("\u2028x\u2029", "x"),
        ("\ud800x", "x"),
        ("", ""),
        (None, "None"),
        ("naïve 日本語 😀 ±", "naïve 日本語 😀 ±"),
    ],
)
def test_clean(dirty, plain):
    assert clean(dirty) == plain


@given(st.text(st.characters()))
def test_clean_text_is_one_printable_line(text):
    found = clean(text)
    assert clean(found) == found
    assert len(found.splitlines()) <= 1
    found.encode()


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (0.0717, 0.09, "+0.072"),
        (-0.0717, None, "-0.072"),
        (0.00123456, 0.001, "+0.00123"),
        (1234.5678, 300, "+1234.6"),
        (1e-9, 1e-9, "+0.00000000"),
        (None, None, "-"),
        (0.5, 0.0, "+0.500"),
    ],
)
def test_numbers_carry_what_their_interval_can(value, spread, text):
    assert number(value, spread) == text


def test_intervals():
    row = {"estimate": 0.072, "lo": 0.033, "hi": 0.117, "level": 0.95}
    assert interval(row) == "+0.072 [+0.033, +0.117]"
    assert interval({**row, "level": 0.96960}) == "+0.072 [+0.033, +0.117] at 96.96 %"
    assert interval({"estimate": None}) == ""


@given(st.floats(-1e3, 1e3), st.floats(1e-4, 1e3), st.floats(1e-4, 1e3))
def test_numbers_shown_are_the_numbers_within_a_hundredth_of_the_width(lo, below, above):
    estimate, hi = lo + below, lo + below + above
    shown = interval({"estimate": estimate, "lo": lo, "hi": hi}).replace("[", "").replace("]", "").replace(",", "")
    for text, value in zip(shown.split(), (estimate, lo, hi), strict=True):
        assert float(text) == pytest.approx(value, abs=0.051 * (hi - lo))


@pytest.mark.parametrize(
    ("about", "text"),
    [
        ({"n": None}, ""),
        ({"n": 180}, "n=180"),
        ({"n": 118, "counts": {"a": 58, "b": 60}}, "n=58+60"),
        ({"n": 180, "counts": {"examples": 180, "sets": 100}}, "n=180 (100 sets)"),
        ({"n": 180, "counts": {"sets": 1}}, "n=180 (1 set)"),
    ],
)
def test_units(about, text):
    assert units_of(about) == text


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (None, ""),
        ({}, ""),
        ({"verdict": "pass", "value": 1}, "pass"),
        ({"value": 0.0}, "+0.000"),
        ({"words": "a\nb"}, "a b"),
    ],
)
def test_reported(said, text):
    assert reported({"reported": said}) == text


@pytest.mark.parametrize(
    ("width", "text"), [(40, "microscope.control-a"), (20, "microscope.control-a"), (9, "micr…ol-a"), (1, "m…a")]
)
def test_middle_keeps_both_ends(width, text):
    assert middle("microscope.control-a", width) == text
