"""The verdict table for terminals."""

import re

import pytest

from ledger.terminal import Style, verdict_lines

WIDTHS = (44, 60, 72, 80, 100, 110, 120, 200)


@pytest.fixture(scope="module")
def rows(mixed):
    return [j.row for j in mixed]


def lines_of(rows, width=80, unicode=True, show="all", only=("*",)):
    return [text for text, _ in verdict_lines(rows, Style(width, unicode), show, only)]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(rows, width, unicode):
    too_wide = [line for line in lines_of(rows, width, unicode) if len(line) > width]
    assert too_wide == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_and_no_name_is_lost_at_any_width(rows, width):
    text = " ".join(" ".join(lines_of(rows, width)).split())
    for row in rows:
        assert row["claim"] in text
        if row["estimate"] is not None:
            numbers = r"\s+".join(re.escape(f"{row[k]:+.3f}") + r"\]?,?" for k in ("lo", "hi"))
            assert re.search(numbers, text), row["claim"]


def test_ascii_terminals_get_ascii(rows):
    assert all(line.isascii() for line in lines_of(rows, 80, unicode=False))


def test_verdicts_have_words_and_shapes(rows):
    text = "\n".join(lines_of(rows, 120))
    for glyph, word in (
        ("●", "pass"),
        ("◆", "fail"),
        ("○", "inconclusive"),
        ("⊘", "refused"),
        ("≠", "deviated"),
        ("!", "error"),
    ):
        assert re.search(rf"^{glyph} {word}\b", text, re.MULTILINE)


def test_attention_shows_alarms_and_the_last_lines_only(rows):
    shown = lines_of(rows, 80, show="attention")
    assert not any("paper.wins" in line for line in shown)
    assert any("paper.drifts" in line for line in shown)
    assert shown[-2:] == lines_of(rows, 80, show="none")[-2:]


def test_the_last_lines_alone_tell_the_outcome(rows):
    text = " ".join(" ".join(lines_of(rows, 80, show="none")).split())
    assert text.startswith("4 of 5 claims came out as expected")
    assert text.endswith(
        "1 error, 1 crashed, 1 not run, 1 deviated, 1 drift, 8 pass, 1 fail, 2 inconclusive, 1 refused"
    )


def test_colour_carries_action(rows):
    markup = {text.split()[1]: m for text, m in verdict_lines(rows, Style(80)) if text[:1] in "●◆○⊘≠!"}
    assert markup["error"] == {"red": True, "bold": True}
    assert markup["deviated"] == {"yellow": True}
    assert markup["pass"] == {}
    calm = [j for j in rows if j["claim"] in ("paper.wins", "paper.loses")]
    assert all(m == {} for _, m in verdict_lines(calm, Style(80)))


def test_the_strip_draws_interval_and_bound(judged, claim, gap):
    (line,) = [x for x in lines_of([judged(claim(), gap(0.1)).row], 160) if "paper.gap" in x]
    strip = line[25:46]
    assert strip[0] == "┊"
    assert strip.count("●") == 1
    assert strip.rstrip().endswith("─")


def test_only_some_claims(rows):
    assert not any("paper.wins" in line for line in lines_of(rows, only=("paper.head-*",)))


def test_an_empty_table():
    assert lines_of([]) == ["0 of 0 claims came out as expected.", "no rows"]


def test_two_thousand_rows_are_quick(rows):
    import time

    many = [{**rows[i % 17], "index": i, "claim": f"paper.c{i}"} for i in range(2000)]
    began = time.perf_counter()
    assert len(lines_of(many, 120)) > 2000
    assert time.perf_counter() - began < 5  # .3 s alone; a quadratic step takes minutes


def test_what_the_same_thing_kept_from_running_is_told_once(rows):
    idle = next(row for row in rows if row["status"] == "not_run")
    others = [{**idle, "claim": f"demo.idle-{i}"} for i in range(3)]
    elsewhere = {**idle, "claim": "demo.far", "subject": "another"}
    text = "\n".join(lines_of([idle, *others, elsewhere]))
    assert "and 3 more on this subject" in text
    assert "demo.far" in text
    assert "demo.idle-1" not in text
    assert "5 not run" in text
