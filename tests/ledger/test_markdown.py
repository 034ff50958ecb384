"""Verdict tables in Markdown."""

import re

import pytest

from ledger.markdown import code, escape, verdict_table


@pytest.fixture(scope="module")
def rows(mixed):
    return [j.row for j in mixed]


def lines_of(text):
    return [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| verdict")]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", "a&#124;b"),
        ("`x`", "&#96;x&#96;"),
        ("<img src=x>", "&#60;img src=x&#62;"),
        ("@everyone", "&#64;&#8203;everyone"),
        ("see #123", "see &#35;&#8203;123"),
        ("![a](b)", "&#33;&#91;a&#93;(b)"),
        ("https://evil.example", "https&#58;//evil.example"),
        ("www.evil.example WWW.x", "www&#46;evil.example WWW&#46;x"),
        ("$x^2$", "&#36;x^2&#36;"),
        ("&amp;", "&#38;amp;"),
        ("a\n\n# b", "a &#35;&#8203; b"),
        ("~~x~~ *y* _z_", "&#126;&#126;x&#126;&#126; &#42;y&#42; &#95;z&#95;"),
        ("back\\slash", "back&#92;slash"),
        ("ratio 3:1, e.g. 0.5 - plain", "ratio 3:1, e.g. 0.5 - plain"),
    ],
)
def test_what_markdown_acts_on_is_escaped(text, escaped):
    assert escape(text) == escaped


def test_code_spans_cannot_be_left():
    assert code("a`b|c\nd") == "`a'b¦c d`"


def test_one_line_per_row_under_its_subject(rows):
    text = verdict_table(rows)
    organism, gpt2 = text.split("**Subject `gpt2`**")
    assert len(lines_of(organism)) == 14
    assert len(lines_of(gpt2)) == 3
    assert text.startswith("**4 of 5 claims came out as expected")
    assert all(line.count(" | ") == 6 for line in lines_of(text))


def test_attention_first_and_in_bold(rows):
    lines = lines_of(verdict_table(rows))
    assert [("**" in line) for line in lines] == [True] * 5 + [False] * 12


def test_numbers_agree_with_the_rows(rows):
    text = verdict_table(rows)
    for row in rows:
        if row["estimate"] is None:
            continue
        (line,) = (
            x
            for x in lines_of(text)
            if f"`{row['claim']}`" in x or f"`{row['claim']}[k={row['params'].get('k')}]`" in x
        )
        shown = [float(x) for x in re.findall(r"[-+]\d\.\d+", line.split(" | ")[2])]
        assert shown == pytest.approx([row["estimate"], row["lo"], row["hi"]], abs=6e-4)


def test_a_conjunction_has_a_line_of_its_own(rows):
    assert "For every cell: `paper.every` on `organism`: **pass** (2 of 2 cells pass)." in verdict_table(rows)


@pytest.mark.parametrize(("limit", "hidden"), [(0, 17), (3, 14), (15, 2), (17, 0), (99, 0)])
def test_a_limit_says_what_it_hides(rows, limit, hidden):
    text = verdict_table(rows, limit=limit)
    assert len(lines_of(text)) == 17 - hidden
    assert (f"{hidden} more rows: `python -m ledger table`." in text) is bool(hidden)


def test_only_some_claims(rows):
    text = verdict_table(rows, only=["paper.head-*"])
    assert len(lines_of(text)) == 2
    assert "For every cell" not in text
    assert "more rows" not in text


def test_nothing_to_show():
    assert verdict_table([]) == "**0 of 0 claims came out as expected.** No rows.\n"
