"""The table for terminals, line by line, at every width: a ledger with each state that a row can be in.

After a change that is meant: ``WRITE_GOLDEN=1 python -m pytest tests/ledger/test_terminal_golden.py``, and read the diff.
"""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.terminal import SCREEN, Style, verdict_lines
from ledger.text import interval, label, rule

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (44, 60, 80, 120, 200)
LONG = "a-claim-whose-name-is-as-long-as-anybody-would-ever-make-it"
HOSTILE = "\x1b[2J\x1b]0;title\x07 beats \u202etheirs\u202c\r\n\x9b31m"


@pytest.fixture(scope="module")
def rows(mixed, judged, claim, gap):
    """Every kind of row, and what remarks are made of: superseded, unsupported, changed promises, hostile text."""
    more = [
        judged(claim("newer", supersedes="paper.wins"), gap(0.1, seed=12)),
        judged(claim("alone", controls=("paper.null",)), gap(0.1, seed=13)),
        judged(claim(LONG, subject="some-organisation/a-model-with-a-long-name", params={"k": 16}), gap(0.1, seed=14)),
        judged(claim("lonely", family="other", role="headline", family_size=9), gap(0.04, seed=18)),
        judged(claim("tiny", quantity="loss"), gap(1e-6, seed=15, spread=1e-6)),
        judged(claim("large", below=-500, quantity="tokens"), gap(-1000, seed=16, spread=50.0)),
    ]
    changed = {"promise_changed": {"run": "r0", "keys": {"bound": [0.0, 0.02]}}, "reported": {"verdict": "pass"}}
    more[-1] = more[-1]._replace(row=more[-1].row | changed)
    refuted = judged(claim("refuted"), gap(-0.1, seed=17)).row | {"statement": HOSTILE}
    refused = mixed[5].row | {"claim": "paper.refused", "expected": None, "reason": reason(HOSTILE)}
    found = [*(j.row for j in mixed), *(j.row for j in more), refuted, refused]
    return [{**row, "index": i, "nodeid": f"t{i}"} for i, row in enumerate(found)]


def reason(text):
    return {"short": "refused", "detail": text, "fix": "Give it other input"}


def text_of(rows, width, unicode, show="all"):
    lines = verdict_lines(rows, Style(width, unicode), show)
    marks = {(): " ", ("red", "bold"): "#", ("yellow",): "~"}
    return "".join(f"{marks[tuple(markup)]}{line}\n" for line, markup in lines)


@pytest.mark.parametrize("unicode", [True, False], ids=["utf-8", "ascii"])
@pytest.mark.parametrize("width", WIDTHS)
def test_golden(rows, width, unicode):
    """The first column of the file is the colour: # red and bold, ~ yellow."""
    path = GOLDEN / f"table_{width}_{'utf8' if unicode else 'ascii'}.txt"
    text = text_of(rows, width, unicode)
    if "WRITE_GOLDEN" in os.environ:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def test_every_state_is_in_the_golden_files():
    text = (GOLDEN / "table_200_utf8.txt").read_text("utf-8")
    words = [
        "pass",
        "fail",
        "inconclusive",
        "refused",
        "deviated",
        "error",
        "crashed",
        "not&run",
        "fail&(expected&pass)",
        "pass,&unsupported",
    ]
    for word in words:
        assert re.search(rf"^.[●◆○⊘≠!] {re.escape(word.replace('&', ' '))}  ", text, re.MULTILINE), word
    for remark in (
        "superseded by paper.newer",
        "PROMISE CHANGED",
        "attempt 3",
        "did not run",
        "reported pass",
        "Holm, m=9",
    ):
        assert remark in text, remark
    assert "○ pass → inconclusive" in text


@pytest.mark.parametrize("width", [20, *WIDTHS, 400])
@pytest.mark.parametrize("unicode", [True, False])
def test_hostile_text_moves_no_cursor(rows, width, unicode):
    text = text_of(rows, width, unicode)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", text)


ROW = st.fixed_dictionaries(
    {
        "claim": st.from_regex(r"[a-z]{1,9}\.[a-z][a-z0-9-]{0,79}", fullmatch=True),
        "subject": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,90}", fullmatch=True),
        "numbers": st.tuples(*[st.floats(-1e7, 1e7, allow_nan=False)] * 3).filter(lambda x: max(x) > min(x)),
        "bound": st.floats(-1e7, 1e7),
        "rule": st.sampled_from(["above", "below"]),
        "params": st.dictionaries(st.sampled_from("kps"), st.integers(0, 999), max_size=3),
        "level": st.sampled_from([0.95, 0.9696, 0.999]),
    }
)


@given(ROW, st.integers(44, 200), st.booleans())
def test_no_number_and_neither_end_of_an_id_is_lost(mixed, about, width, unicode):
    lo, estimate, hi = sorted(about.pop("numbers"))
    row = {**mixed[0].row, **about, "lo": lo, "estimate": estimate, "hi": hi}
    style = Style(width, unicode)
    lines = [line for line, _ in verdict_lines([row], style)]
    assert max(map(len, lines)) <= width
    squeezed = "".join("".join(lines).split())
    for number in re.findall(r"[-+]?\d[\d.e+-]*", f"{interval(row)} {rule(row)} n={row['n']}"):
        assert number in squeezed
    for name in (label(row), row["subject"]):
        whole = "".join(style.text(name).split())
        assert whole[:6] in squeezed
        assert whole[-6:] in squeezed


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("alarms", [0, 3, 2000])
def test_two_thousand_rows_are_one_screen_unless_asked_for(rows, width, alarms):
    calm, alarm = rows[0], next(r for r in rows if r["status"] == "drift")
    many = [
        {**(alarm if i < alarms else calm), "index": i, "nodeid": f"t{i}", "claim": f"paper.c{i}"} for i in range(2000)
    ]
    lines = [line for line, _ in verdict_lines(many, Style(width), "attention")]
    assert len(lines) <= 52  # headings, the place of the ledger and the next command make it 60 at most
    assert sum("paper.c" in line for line in lines) == alarms or len(lines) > SCREEN - 6
    text = " ".join(" ".join(lines).split())
    if alarms == 2000:
        shown = sum("fail (expected pass)" in line for line in lines)
        assert f"{2000 - shown:,} more that want a person: python -m ledger table --attention" in text
        assert "2000 drift" in text
    else:
        assert "more that want" not in text
    every = verdict_lines(many, Style(width), "attention", limit=2000)
    assert sum("paper.c" in line for line, _ in every) == alarms
