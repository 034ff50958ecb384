"""``--subject``: claims on one subject, named in the file or a guest."""

import pytest

TESTS = """
@pytest.mark.claim("demo.wide")
def test_wide(judge, subject):
    judge(mi.claimable.mean(UP if subject != "pythia-70m" else DOWN))

@pytest.mark.claim("demo.narrow")
def test_narrow(judge):
    judge(mi.claimable.mean(UP))
"""


@pytest.fixture
def wide(court):
    court.register(
        wide={"subjects": {"organism": {"expected": "pass"}, "pythia-70m": {"expected": "fail"}, "any": None}},
        narrow={"subjects": {"organism": {"expected": "pass"}}},
    )
    (court.claims / "test_demo.py").write_text(
        "import numpy as np\nimport pytest\nimport mi.claimable\n"
        "UP = [1.0, 1.2, 0.8] * 10\nDOWN = [-v for v in UP]\n" + TESTS
    )
    return court


def subjects(rows):
    return sorted((r["claim"], r["subject"], r["verdict"]) for r in rows)


def run(court, *args):
    result = court.pytester.runpytest_inprocess("claims", *args)
    runs = sorted((court.path / ".ledger" / "runs").glob("*.jsonl")) if (court.path / ".ledger").exists() else []
    if not runs:
        return result, []
    from ledger.run import read_run

    return result, list(read_run(runs[-1]).rows)


def test_without_the_option_nobody_is_any(wide):
    result, rows = run(wide)
    result.assert_outcomes(passed=3)
    assert subjects(rows) == [
        ("demo.narrow", "organism", "pass"),
        ("demo.wide", "organism", "pass"),
        ("demo.wide", "pythia-70m", "fail"),
    ]


def test_a_named_subject_keeps_its_expectation(wide):
    result, rows = run(wide, "--subject", "pythia-70m")
    result.assert_outcomes(passed=1, deselected=1)
    assert subjects(rows) == [("demo.wide", "pythia-70m", "fail")]
    assert rows[0]["expected"] == "fail"


@pytest.mark.parametrize("given", ["someone/their-model", "folder"])
def test_a_guest_is_judged_without_expectation(wide, given):
    name = given
    if given == "folder":
        (wide.path / "my models" / "tiny llama").mkdir(parents=True)
        given, name = str(wide.path / "my models" / "tiny llama"), "tiny-llama"
    result, rows = run(wide, "--subject", given)
    result.assert_outcomes(passed=1, deselected=1)
    assert subjects(rows) == [("demo.wide", name, "pass")]
    assert rows[0]["expected"] is None


def test_a_guest_alone_has_its_own_family(wide):
    _, rows = run(wide, "--subject", "someone/their-model")
    assert rows[0]["family_size"] == 1


def test_nobody_named_is_refused(wide):
    wide.register(wide={"subjects": {"any": None}})
    result, _ = run(wide)
    result.stdout.fnmatch_lines(["*at least one subject by name*"])
    assert result.ret != 0


def test_any_takes_no_expectation(wide):
    wide.register(wide={"subjects": {"organism": None, "any": {"expected": "pass"}}})
    result, _ = run(wide)
    result.stdout.fnmatch_lines(["*name the subject that they are known for*"])
    assert result.ret != 0


def test_another_seed_is_judged_like_the_first(court):
    court.register(wide={"subjects": {"organism": {"expected": "pass"}, "organism/seed1": {"like": "organism"}}})
    (court.claims / "test_demo.py").write_text(
        "import pytest\nimport mi.claimable\n"
        '@pytest.mark.claim("demo.wide")\ndef test_wide(judge, subject):\n'
        "    judge(mi.claimable.mean([1.0, 1.2, 0.8] * 10))\n"
    )
    result, rows = run(court)
    result.assert_outcomes(passed=2)
    assert [(r["subject"], r["expected"]) for r in rows] == [("organism", "pass"), ("organism/seed1", "pass")]


@pytest.mark.parametrize("entry", [{"like": "nobody"}, {"like": "twin"}, {"like": "organism", "n": 3}])
def test_like_names_a_subject_that_is_written_out(court, entry):
    court.register(wide={"subjects": {"organism": {"expected": "pass"}, "twin": entry}})
    (court.claims / "test_demo.py").write_text(
        'import pytest\n@pytest.mark.claim("demo.wide")\ndef test_wide(judge, subject):\n    pass\n'
    )
    result, _ = run(court)
    result.stdout.fnmatch_lines(["*expected another subject of this claim that is written out*"])
