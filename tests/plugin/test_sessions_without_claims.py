"""In a session without claims the plugin is not there: nothing printed, written or imported."""

import re
import sys

import pytest

HEAVY = ("numpy", "scipy", "statsmodels", "pandas", "yaml", "jsonschema", "mi.claimable", "ledger.assess", "ledger.run")
SPY = f"""
import sys
def pytest_unconfigure():
    print("imported:", sorted(set({HEAVY!r}) & set(sys.modules)))
"""
PLAIN = "def test_a(): pass\ndef test_b(): pass\n"


@pytest.fixture
def plain(court):
    (court.claims / "test_plain.py").write_text(PLAIN)
    return court


def steady(lines):
    lines = [re.sub(r"=* (.*) in [\d.]+s.*", r"\1", line) for line in lines]
    return [line for line in lines if not line.startswith("plugins:")]


@pytest.mark.parametrize("args", [[], ["-v"], ["--verdicts=all"], ["-rA"]], ids=str)
def test_the_output_is_that_of_pytest_alone(plain, args):
    ours = plain.run("--strict-verdicts", *args)
    plain.pytester.makeini("[pytest]\n")
    theirs = plain.run(*[a for a in args if "verdicts" not in a])
    ours, theirs = (
        [re.sub(r"configfile.*", "", line) for line in steady(result.outlines)] for result in (ours, theirs)
    )
    assert ours == theirs


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "1"], ["--record"]], ids=str)
def test_nothing_is_written(plain, args):
    before = {path for path in plain.path.rglob("*") if "cache" not in str(path)}
    assert plain.run("-p", "no:cacheprovider", *args).ret == 0
    assert {path for path in plain.path.rglob("*") if "cache" not in str(path)} == before


@pytest.mark.parametrize("args", [["claims"], ["claims", "--co"], ["--help"]], ids=str)
def test_nothing_heavy_is_imported(plain, args):
    plain.pytester.makeconftest(SPY)
    result = plain.pytester.run(sys.executable, "-m", "pytest", *args)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["imported: [[][]]"])


def test_the_spy_would_see_it(court):
    court.claim()
    court.pytester.makeconftest(SPY)
    court.run_apart("-s").stdout.fnmatch_lines(["imported: *'ledger.assess'*'numpy'*'yaml'*"])


def test_help_lists_the_options_in_a_group_of_their_own(court):
    result = court.run("--help")
    group = result.stdout.str().partition("claims and verdicts (mi-assay):")[2].partition("\n\n")[0]
    for option in ("--strict-verdicts", "--verdicts=", "--record", "--ledger=DIR"):
        assert option in group


@pytest.mark.parametrize("args", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "xdist"])
def test_a_file_called_ledger_is_no_concern_of_ours(plain, args):
    (plain.path / ".ledger").write_text("mine")
    assert plain.run(*args).ret == 0


def test_a_failing_session_keeps_its_exit_status(court):
    (court.claims / "test_plain.py").write_text("def test_a(): assert 0\n")
    assert court.run().ret == 1
    assert court.run("-k", "nothing").ret == 5
