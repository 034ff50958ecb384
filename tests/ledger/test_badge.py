"""The badge."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from coloraide import Color
from hypothesis import given
from hypothesis import strategies as st

from ledger.badge import badge
from ledger.cli import main
from ledger.errors import LedgerError
from ledger.run import Run, read_run

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
BLUE, GREY, BLACK = "#0B62A8", "#5F6670", "#1A1F24"


@pytest.fixture
def calm(clean_run):
    return read_run(clean_run)


def drawn(run, now=NOW, subject=None):
    root = ElementTree.fromstring(badge(run, now, subject))
    left, right = (rect.get("fill") for rect in root.findall(f"{SVG}rect")[:2])
    assert left == BLACK
    return root, " ".join(t.text for t in root.iter(f"{SVG}text")), right


def test_it_says_how_many_came_out_as_expected(calm, mixed_run):
    assert drawn(calm)[1:] == ("organism 3/3 as expected", BLUE)
    assert drawn(read_run(mixed_run), subject="organism")[1:] == ("organism 4/5 as expected", BLACK)
    assert drawn(read_run(mixed_run), subject="gpt2")[1] == "gpt2 3 rows, nothing expected"


@pytest.mark.parametrize(
    ("age", "colour"),
    [
        (timedelta(0), BLUE),
        (timedelta(days=30), BLUE),
        (timedelta(days=30, seconds=1), GREY),
        (timedelta(days=999), GREY),
    ],
)
def test_grey_after_thirty_days(calm, age, colour):
    made = datetime.fromisoformat(calm.header["time"])
    root, text, found = drawn(calm, made + age)
    assert (text, found) == ("organism 3/3 as expected", colour)
    assert (" days old" in root.find(f"{SVG}title").text) is (colour == GREY)


@pytest.mark.parametrize(
    "header",
    [
        {"git": {"commit": "4f1c", "dirty": True}},
        {"git": {"commit": None, "dirty": False}},
        {"git": {}},
        {"time": "yesterday"},
        {"time": None},
    ],
)
def test_grey_where_nobody_can_tell_what_ran(calm, header):
    calm.header |= header
    assert drawn(calm)[2] == GREY


def test_grey_while_the_run_is_not_sealed(write_run, mixed, tmp_path):
    run = read_run(write_run(tmp_path, "r", mixed[:3], sealed=False))
    assert drawn(run)[2] == GREY


def test_an_image_with_a_title_for_those_who_do_not_see_it(mixed_run):
    root, _, _ = drawn(read_run(mixed_run), subject="organism")
    assert root.get("role") == "img"
    title = root.find(f"{SVG}title").text
    assert root.get("aria-label") == title
    assert title.startswith("organism: 4/5 as expected, 5 rows want a person (run 2026-11-20T120000Z")


@pytest.mark.parametrize("colour", [BLUE, GREY, BLACK])
def test_letters_stand_out(calm, mixed_run, colour):
    run, subject = (read_run(mixed_run), "organism") if colour == BLACK else (calm, None)
    root, _, found = drawn(run, NOW + timedelta(days=99 if colour == GREY else 0), subject)
    assert found == colour
    letters = root.find(f"{SVG}g").get("fill")
    assert Color(letters).contrast(found) >= 4.5
    assert Color(letters).contrast(BLACK) >= 4.5


def test_text_stays_inside_its_half(calm):
    root, _, _ = drawn(calm)
    halves = root.findall(f"{SVG}rect")
    assert sum(int(h.get("width")) for h in halves) == int(root.get("width"))
    for half, text in zip(halves, root.iter(f"{SVG}text"), strict=True):
        lo, hi = (float(text.get("x")) + sign * float(text.get("textLength")) / 2 for sign in (-1, 1))
        assert int(half.get("x")) < lo < hi < int(half.get("x")) + int(half.get("width"))
    assert all(int(a.get("x")) + int(a.get("width")) == int(b.get("x")) for a, b in pairwise(halves))


@given(st.text(max_size=200))
def test_any_subject_makes_well_formed_xml(mixed, name):
    run = Run(Path("r"), {"run": name, "git": {}}, [{**mixed[0].row, "subject": name}])
    root, _, _ = drawn(run, subject=name)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "title", "rect", "g", "text"}
    assert not any(key.startswith("on") or key in ("href", "style") for e in root.iter() for key in e.attrib)


def test_the_same_run_and_day_make_the_same_bytes(calm):
    assert badge(calm, NOW) == badge(calm, NOW + timedelta(hours=3))


def test_several_subjects_are_not_added_up(mixed_run):
    with pytest.raises(LedgerError, match="expected --subject with one of gpt2, organism"):
        badge(read_run(mixed_run), NOW)
    with pytest.raises(LedgerError, match="no rows on subject 'gpt3'"):
        badge(read_run(mixed_run), NOW, "gpt3")


def test_the_command(mixed_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["badge", "--subject", "organism"]) == 0
    assert ElementTree.parse("badge.svg").getroot().tag == f"{SVG}svg"
    assert main(["badge", "-o", "other.svg"]) == 2
    assert not (tmp_path / "other.svg").exists()
