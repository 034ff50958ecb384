"""The verdict table of a real session, from 44 to 200 columns: nothing too wide, nothing lost."""

import re

import pytest

from ledger.terminal import Style, verdict_lines

LONG = "a-claim-whose-name-is-as-long-as-the-schema-lets-it-be-0123456789-0123456789-wins"[:80]
SUBJECT = "some-organisation/" + "a-model-with-a-long-name-" * 4 + "x"
WIDTHS = [44, 60, 71, 72, 80, 109, 110, 120, 200]
BODY = """
@pytest.mark.claim("demo.wins")
def test_wins(judge, subject, k, noise): judge(UP)
@pytest.mark.claim("demo.loses")
def test_loses(judge): judge(DOWN)
@pytest.mark.claim("demo.unsure")
def test_unsure(judge): judge(EVEN)
@pytest.mark.claim("demo.drifts")
def test_drifts(judge): judge([v * 1e6 for v in EVEN])
@pytest.mark.claim("demo.tiny")
def test_tiny(judge): judge([v * 1e-6 for v in UP])
@pytest.mark.claim("demo.breaks")
def test_breaks(judge): raise RuntimeError("of_one_word_" * 20)
@pytest.mark.claim("demo.refused")
def test_refused(judge): judge([1.0])
@pytest.mark.claim("demo.deviates")
def test_deviates(judge): judge(UP, above=0.123456)
@pytest.mark.claim("demo.{long}")
def test_long(judge): judge(UP)
""".replace("{long}", LONG)


@pytest.fixture
def rows(court):
    cells = [{"params": {"k": 16, "noise": 0.45}}, {"params": {"k": 32, "noise": 0.45}}]
    court.register(
        wins={"subjects": {"organism": {"cells": cells}, SUBJECT: {"cells": cells[:1]}}, "controls": ["demo.refused"]},
        loses={"expected": "fail", "within": 0.5},
        unsure={"below": 0.25},
        drifts={"expected": "pass"},
        tiny={"subjects": {"organism": {"reported": {"value": 0.5, "verdict": "pass"}}}},
        breaks={},
        refused={},
        deviates={},
        **{LONG: {"subjects": {SUBJECT: {}}, "role": "headline", "n": 30}},
    )
    court.write(BODY)
    court.run()
    assert len(court.rows()) == 11
    return court.rows()


def text_at(rows, width, unicode=True):
    return [line for line, _ in verdict_lines(rows, Style(width=width, unicode=unicode))]


def test_no_line_is_wider_than_the_terminal(rows):
    for width in WIDTHS:
        for unicode in (True, False):
            for line in text_at(rows, width, unicode):
                assert len(line) <= width, (width, unicode, line)
                assert unicode or line.isascii()


def test_no_number_is_lost(rows):
    numbers = [f"{v:+.3f}" for row in rows if row["estimate"] is not None for v in (row["estimate"], row["lo"], row["hi"])
               if 0.1 < abs(v) < 10]  # fmt: skip
    assert len(numbers) > 12
    for width in WIDTHS:
        for unicode in (True, False):
            squeezed = " ".join(" ".join(text_at(rows, width, unicode)).split())
            for number in numbers:
                assert number in squeezed, (width, unicode, number)
            assert squeezed.count("n=30") == 9
            assert "within ±0.5" in squeezed or "within +/-0.5" in squeezed
            assert "< 0.25" in squeezed


def test_ids_are_whole_or_shortened_in_the_middle(rows):
    names = {row["claim"] for row in rows} | {row["subject"] for row in rows}
    for width in WIDTHS:
        text = "\n".join(text_at(rows, width))
        for name in names:
            if name in text:
                continue
            assert len(name) > 40, (width, name)  # only where the width forces it
            assert f"{name[:8]}" in text
            assert "…" in text


def test_short_ids_are_never_shortened(rows):
    for width in WIDTHS:
        text = " ".join(" ".join(text_at(rows, width)).split())
        for name in ("demo.wins[k=16, noise=0.45]", "demo.wins[k=32, noise=0.45]", "demo.unsure", "demo.drifts"):
            assert name in text, (width, name)


@pytest.mark.parametrize("width", [44, 80, 120, 200])
def test_a_session_prints_what_the_ledger_prints(court, rows, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    result = court.run("--verdicts=all")
    lines = result.outlines
    start = next(k for k, line in enumerate(lines) if re.fullmatch(r"=+ verdicts =+", line))
    wanted = text_at(court.rows(), width)
    assert lines[start + 1 : start + 1 + len(wanted)] == [line.rstrip() for line in wanted]


def test_without_unicode(court, rows, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("PYTHONUTF8", "0")
    result = court.run_apart("--verdicts=all", "-k", "wins or loses or unsure")
    assert result.stdout.str().isascii()
    result.stdout.fnmatch_lines(
        ["[?] pass, unsupported *demo.wins*", "x fail *demo.loses*", "[?] inconclusive*demo.unsure*"]
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_at_80_columns_the_last_six_lines_tell_outcome_and_next_command(court, rows, monkeypatch, encoding):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    monkeypatch.setenv("PYTHONUTF8", "0")
    lines = court.run_apart("--tb=no", "-rN").outlines
    assert re.search(r"\d+ failed, .* in \d", lines[-1])  # pytest's own; ours stand right above
    last = " ".join(" ".join(lines[-7:-1]).split())
    for words in (
        "1 of 2 claims came out as expected, 9 claims without an expectation.",
        "1 error, 1 deviated, 1 drift, 3 unsupported, ",
        "ledger: +11 rows in .ledger/runs/",
        "next: python -m ledger show demo.",
    ):
        assert words in last


def test_a_session_of_a_many_alarms_ends_with_one_screen(court, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    court.many(300, body="judge([-x - k for x in UP])")
    lines = court.run("--tb=no", "-rN").outlines
    start = next(k for k, line in enumerate(lines) if re.fullmatch(r"=+ verdicts =+", line))
    ours = lines[start:-1]
    assert len(ours) <= 60
    text = " ".join(" ".join(ours).split())
    assert re.search(r"\d+ more that want a person: python -m ledger table --attention", text)
    assert "300 fail" in text
