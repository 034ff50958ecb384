"""How much of the verdict table a session prints: ``--verdicts``, ``-v``, ``-q``."""

import pytest

FOUR = """
@pytest.mark.claim("demo.good")
def test_good(judge): judge(UP)
@pytest.mark.claim("demo.sad")
def test_sad(judge): judge(DOWN)
@pytest.mark.claim("demo.unsure")
def test_unsure(judge): judge(EVEN)
@pytest.mark.claim("demo.drifts")
def test_drifts(judge): judge(DOWN)
"""
NAMES = ("good", "sad", "unsure", "drifts")


@pytest.fixture
def four(court):
    court.register(good={}, sad={"expected": "fail"}, unsure={}, drifts={"expected": "pass"})
    court.write(FOUR)
    return court


def shown(result):
    """Names of the claims in the table, in its order; the lines below it."""
    lines = result.outlines
    end = next(k for k, line in enumerate(lines) if line.startswith("ledger: +"))
    start = next((k for k, line in enumerate(lines) if " verdicts " in line), None)
    table = lines[start + 1 : end] if start is not None else lines[end - 2 : end]
    rows = [name for line in table for name in NAMES if f"demo.{name} " in line]
    return rows, table


@pytest.mark.parametrize(
    ("args", "rows"),
    [
        ([], ["drifts"]),
        (["--verdicts=attention"], ["drifts"]),
        (["--verdicts=all"], ["drifts", "good", "sad", "unsure"]),
        (["-v"], ["drifts", "good", "sad", "unsure"]),
        (["-v", "--verdicts=attention"], ["drifts"]),
        (["-q", "--verdicts=all"], ["drifts", "good", "sad", "unsure"]),
        (["--verdicts=none"], []),
        (["-q"], []),
        (["-qq"], []),
        (["-v", "--verdicts=none"], []),
        (["-p", "xdist", "-n", "1", "-v"], ["drifts", "good", "sad", "unsure"]),
        (["--no-summary"], ["drifts"]),
        (["--tb=no", "--color=yes"], ["drifts"]),
    ],
    ids=" ".join,
)
def test_rows(four, args, rows):
    result = four.run(*args)
    names, table = shown(result)
    assert names == rows
    plain = " ".join(table)
    assert "1 drift, 1 pass, 1 fail, 1 inconclusive" in plain  # the count line is always there


def test_quiet_prints_two_lines_and_the_path(four):
    result = four.run("-q")
    assert not any(" verdicts " in line for line in result.outlines)
    result.stdout.fnmatch_lines(
        [
            "*1 of 2 claims came out as expected*1 drifted.",
            "1 drift, 1 pass, *",
            "ledger: +4 rows in .ledger/runs/*.jsonl *",
        ]
    )


def test_the_last_line_says_what_to_do_next(four):
    four.run().stdout.fnmatch_lines(["ledger: +4 rows in *  next: python -m ledger show demo.drifts"])
    four.run("-k", "good").stdout.fnmatch_lines(["ledger: +1 rows in *  next: python -m ledger table"])


def test_colour_is_for_what_wants_a_person(four):
    red = [
        line for line in four.run("--color=yes", "--verdicts=all").outlines if "\x1b[31m" in line and "demo." in line
    ]
    table = [line for line in red if "[-" in line or "[+" in line]
    assert any("demo.drifts" in line for line in table)
    assert not any("demo.good" in line or "demo.sad" in line for line in table)


def test_no_colour_without_a_terminal(four):
    assert "\x1b" not in four.run("--verdicts=all").stdout.str()


def test_a_wrong_word_is_refused(four):
    result = four.run("--verdicts=some")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--verdicts*invalid choice*some*"])
