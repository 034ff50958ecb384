"""pytest's own ways to choose and to stop: they choose claims too, and no claim is lost on the way."""

import pytest

THREE = """
@pytest.mark.claim("demo.a")
def test_a(judge): judge({a})
@pytest.mark.claim("demo.b")
def test_b(judge): judge({b})
@pytest.mark.claim("demo.c")
def test_c(judge): judge(UP)
"""


@pytest.fixture
def three(court):
    court.register(a={}, b={}, c={})
    court.write(THREE.format(a="EVEN", b="DOWN"))
    return court


def statuses(court):
    return {row["claim"].removeprefix("demo."): (row["status"], row["verdict"]) for row in court.rows()}


def test_x_leaves_the_rest_not_run(three):
    assert three.run("-x").ret == 1
    assert statuses(three) == {"a": ("decided", "inconclusive"), "b": ("decided", "fail"), "c": ("not_run", None)}


def test_k_selects_and_the_others_are_no_part_of_the_run(three):
    result = three.run("-k", "test_a or test_c")
    assert result.ret == 0
    assert statuses(three) == {"a": ("decided", "inconclusive"), "c": ("decided", "pass")}


def test_lf_runs_what_failed_and_not_what_was_inconclusive(three):
    three.run("-p", "cacheprovider")
    result = three.run("-p", "cacheprovider", "--lf")
    assert result.parseoutcomes() == {"failed": 1}
    assert list(statuses(three)) == ["b"]


def test_without_the_cache(three):
    assert three.run("-p", "no:cacheprovider").ret == 1
    assert len(statuses(three)) == 3


def test_pdb_is_not_entered_for_an_inconclusive_claim(court):
    court.claim(body="judge(EVEN)")
    court.pytester.makeconftest("""
        def pytest_enter_pdb(): raise SystemExit("entered")
        def pytest_exception_interact(): open("interact", "w")
    """)
    result = court.run_apart("--pdb")
    assert result.ret == 0
    assert not (court.path / "interact").exists()
    assert result.parseoutcomes() == {"inconclusive": 1}


@pytest.mark.parametrize("args", [["--co"], ["--co", "-q"], ["--fixtures"], ["--markers"]], ids=" ".join)
def test_looking_writes_nothing(three, args):
    result = three.run(*args)
    assert result.ret == 0
    assert not (three.path / ".ledger").exists()
    assert not list(three.path.rglob("*.jsonl"))


def test_collect_only_lists_the_claims(three):
    three.run("--co", "-q").stdout.fnmatch_lines(["claims/test_demo.py::test_a", "claims/test_demo.py::test_b"])


def test_markers_explain_the_mark(three):
    three.run("--markers").stdout.fnmatch_lines(["@pytest.mark.claim(id): *<report>.yaml*"])


def test_a_node_id_selects_one_cell_and_the_family_keeps_its_size(court):
    about = {"role": "headline", "family": "main"}
    cells = [{"params": {"k": k}} for k in (8, 16, 32)]
    court.register(a={**about, "subjects": {"organism": {"cells": cells}}}, b=about)
    court.write("""
@pytest.mark.claim("demo.a")
def test_a(judge, k): judge(UP)
@pytest.mark.claim("demo.b")
def test_b(judge): judge(UP)
""")
    court.pytester.runpytest_inprocess("claims/test_demo.py::test_a[k=16]")
    row = court.row()
    assert (row["params"], row["family_size"]) == ({"k": 16}, 4)
    assert row["adjusted"]["m"] == 4
    assert row["adjusted"]["lo"] < row["lo"]
    (shown,) = court.table()
    assert shown["family_method"] == "Holm, m=4"
