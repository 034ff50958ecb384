"""Text that nobody here wrote (sentences, parameters, messages) cannot act on terminals, logs or pages."""

import json
import re
import unicodedata

import pytest

EVIL = "\x1b[31mred\x1b]8;;http://evil\x07link \x9b2J\x08\x08 \u202egnp.exe \u200bzero\u2066x\u2069\ufeff one\ntwo\r\x85three\u2028four\ttab"
HARMLESS = {"\n"}


def controls(text):
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - HARMLESS


@pytest.fixture
def hostile(court):
    about = {
        "statement": EVIL,
        "quantity": EVIL,
        "unit": EVIL,
        "subjects": {
            "organism": {
                "expected": {"verdict": "pass", "why": EVIL},
                "reported": {"words": EVIL},
                "cells": [{"params": {"prompt": EVIL}}],
            }
        },
    }
    court.register(**dict.fromkeys(("drifts", "breaks", "skips", "passes"), about))
    court.write(f"""
EVIL = {EVIL!r}
@pytest.mark.claim("demo.drifts")
def test_drifts(judge, prompt): judge(DOWN)
@pytest.mark.claim("demo.breaks")
def test_breaks(judge, prompt): raise RuntimeError("bad " + EVIL)
@pytest.mark.claim("demo.skips")
def test_skips(judge, prompt): pytest.skip("skip " + EVIL)
@pytest.mark.claim("demo.passes")
def test_passes(judge, prompt): judge(UP)
""")
    return court


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "xdist"])
def test_the_verdict_table_emits_no_control_character(hostile, args):
    result = hostile.run("--verdicts=all", "--tb=no", "-p", "no:warnings", *args)
    assert "INTERNALERROR" not in result.stdout.str()
    ours = result.stdout.str().partition(" verdicts ")[2].partition("short test summary")[0]
    assert "demo.drifts" in ours
    assert "red" in ours
    assert controls(ours) == set()
    assert len(hostile.rows()) == 4
    assert hostile.last().problems == []


def test_the_commands_emit_none_either(hostile):
    hostile.run("--tb=no")
    for args in (["table"], ["table", "--format", "md"], ["show", "drifts"], ["gate"], ["gate", "--format", "md"]):
        _, out = hostile.ledger(*args)
        assert controls(out) == set(), args


def test_the_step_summary_takes_it(hostile, monkeypatch, tmp_path):
    summary = hostile.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = hostile.run_apart("--tb=no", "-p", "no:warnings")
    assert "INTERNALERROR" not in result.stdout.str()
    assert controls(summary.read_text("utf-8")) == set()
    annotations = [line for line in result.outlines if line.startswith("::")]
    assert len(annotations) == 3
    assert all(re.match(r"::error file=claims/demo\.yaml,line=\d+::demo\.\w+", line) for line in annotations)


def test_the_ledger_keeps_it_as_it_was(hostile):
    hostile.run("--tb=no")
    assert {row["params"]["prompt"] for row in hostile.rows()} == {EVIL}
    for line in hostile.files()[0].read_bytes().splitlines():
        json.loads(line)


def test_half_a_character(court, monkeypatch):
    """A file name that is not UTF-8 comes as lone surrogates, which no file and no terminal takes."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(court.path / "summary.md"))
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:backslashreplace")
    court.claim(body=r"raise OSError('no file \udcff')")
    result = court.run_apart("--tb=no")
    assert "INTERNALERROR" not in result.stdout.str()
    assert result.ret == 1
    assert (
        ascii(court.row()["reason"]["detail"]) == r"'OSError: no file \udcff'"
    )  # no report of a failure could hold it
    assert "no file" in (court.path / "summary.md").read_text("utf-8")
    for args in (["table"], ["show", "wins"]):
        court.ledger(*args)[1].encode("utf-8")


MARKDOWN = "a|b `c` <script>x</script> @someone #123 ![i](http://x/y.png) [l](javascript:x) <!-- verdicts:end --> **b** &lt; \\|"


def test_markdown_in_a_sentence_stays_text(court, monkeypatch):
    summary = court.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    court.register(wins={"statement": MARKDOWN, "subjects": {"organism": {"cells": [{"params": {"p": MARKDOWN}}]}}})
    court.write(f"@pytest.mark.claim('demo.wins')\ndef test_wins(judge): raise OSError({MARKDOWN!r})\n")
    court.run()
    text = summary.read_text("utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith("|") and "demo.wins" in line)
    assert len(re.findall(r"(?<!\\)\|", line)) == 9  # eight columns
    outside = re.sub(r"`[^`]*`", "", line)  # in a code span nothing is active
    for active in ("<script", "@someone", "#123", "![", "](", "<!--", "](javascript"):
        assert active not in outside, active
    assert line.count("`") == 4
