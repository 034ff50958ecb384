"""Collection: registered cells become tests, and every test finds its own cell or says why not."""

import pytest

CELLS = [
    {"params": {"k": 16, "noise": 0.45}},
    {"params": {"k": 32, "noise": 0.45}},
    {"params": {"k": 32, "noise": 0.6}},
]
SUBJECTS = {"organism": {"cells": CELLS}, "pythia-70m": {"cells": CELLS[:1]}}


@pytest.fixture
def cells(court):
    court.register(wins={"subjects": SUBJECTS})
    return court


def collected(court, *args):
    lines = court.run("--co", "-q", *args).outlines
    return [line.removeprefix("claims/test_demo.py::") for line in lines if "::" in line]


def write(court, arguments, marks=""):
    court.write(f"{marks}\n@pytest.mark.claim('demo.wins')\ndef test_wins({arguments}): judge(UP)\n")


def test_arguments_are_filled_from_the_registration(cells):
    write(cells, "judge, subject, k, noise")
    assert collected(cells) == [
        "test_wins[organism-k=16-noise=0.45]",
        "test_wins[organism-k=32-noise=0.45]",
        "test_wins[organism-k=32-noise=0.6]",
        "test_wins[pythia-70m-k=16-noise=0.45]",
    ]
    assert cells.run().ret == 0
    kept = [(row["subject"], row["params"]) for row in cells.rows()]
    assert kept == [(s, cell["params"]) for s, on in SUBJECTS.items() for cell in on["cells"]]


def test_values_keep_their_types(court):
    court.register(
        wins={"subjects": {"organism": {"cells": [{"params": {"a": 1, "b": 0.5, "c": True, "d": "x", "e": None}}]}}}
    )
    court.write("""
@pytest.mark.claim("demo.wins")
def test_wins(judge, a, b, c, d, e):
    assert [type(v) for v in (a, b, c, d, e)] == [int, float, bool, str, type(None)]
    judge(UP)
""")
    assert court.run().ret == 0


def test_a_test_that_cannot_tell_its_cells_apart_says_what_to_take(cells):
    write(cells, "judge, subject")
    result = cells.run()
    assert result.ret == 1
    said = " ".join(result.stdout.str().split())
    assert "has 3 registered cells that this test does not tell apart" in said
    assert "take the arguments k, noise" in said
    assert {row["status"] for row in cells.rows()} == {"error", "decided"}  # pythia-70m has one cell only


def test_one_cell_needs_no_arguments(court):
    court.register(wins={"subjects": {"organism": {"cells": CELLS[:1]}}})
    write(court, "judge")
    assert collected(court) == ["test_wins"]
    assert court.run().ret == 0
    assert court.row()["params"] == CELLS[0]["params"]


HAND = "@pytest.mark.parametrize(('k', 'noise'), [(16, 0.45), (32, 0.6)])"


@pytest.mark.parametrize(
    "marks",
    [
        HAND,
        HAND.replace("('k', 'noise')", "'k, noise'"),
        HAND.replace("('k', 'noise'), ", "argnames='k,noise', argvalues="),
    ],
    ids=["tuple", "text", "keywords"],
)
def test_cells_parametrized_by_hand(court, marks):
    court.register(wins={"subjects": {"organism": {"cells": CELLS}}})
    write(court, "judge, k, noise", marks)
    assert court.run().ret == 0
    assert [row["params"] for row in court.rows()] == [CELLS[0]["params"], CELLS[2]["params"]]


def test_other_parameters_make_the_same_cell_twice(court):
    court.register(wins={})
    write(court, "judge, seed", "@pytest.mark.parametrize('seed', [1, 2])")
    result = court.run()
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    assert "is already judged by" in result.stdout.str()
    assert "one test per cell" in result.stdout.str()


def test_an_unregistered_cell_is_an_error(court):
    court.register(wins={"subjects": {"organism": {"cells": CELLS}}})
    write(court, "judge, k", "@pytest.mark.parametrize('k', [64])")
    result = court.run()
    assert result.ret == 1
    said = " ".join(result.stdout.str().split())
    assert "demo.wins[k=64] is not a registered cell" in said
    assert "demo.yaml:" in said
    assert {row["status"] for row in court.rows()} == {"error"}


def test_two_tests_on_one_cell(court):
    court.register(wins={})
    court.write("""
@pytest.mark.claim("demo.wins")
def test_one(judge): judge(UP)
@pytest.mark.claim("demo.wins")
def test_two(judge): judge(DOWN)
""")
    result = court.run()
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["*is already judged by claims/test_demo.py::test_one: one test per cell*"])


def test_two_tests_on_two_subjects_of_one_claim(court):
    court.register(wins={"subjects": {"organism": {}, "gpt2": {}}})
    court.write("""
@pytest.mark.claim("demo.wins")
@pytest.mark.parametrize("subject", ["gpt2"])
def test_one(judge, subject): judge(UP)
@pytest.mark.claim("demo.wins")
@pytest.mark.parametrize("subject", ["organism"])
def test_two(judge, subject): judge(DOWN)
""")
    court.run()
    assert [(r["subject"], r["verdict"]) for r in court.rows()] == [("gpt2", "pass"), ("organism", "fail")]


def test_a_claim_in_a_class(court):
    court.register(a={}, b={"subjects": {"organism": {"cells": CELLS[:2]}}})
    court.write("""
class TestClaims:
    @pytest.mark.claim("demo.a")
    def test_a(self, judge): judge(UP)
    @pytest.mark.claim("demo.b")
    def test_b(self, judge, k): judge(UP)
@pytest.mark.claim("demo.c")
class TestOne:
    def test_c(self, judge): judge(EVEN)
""")
    court.register(a={}, b={"subjects": {"organism": {"cells": CELLS[:2]}}}, c={})
    assert court.run().ret == 0
    assert [row["nodeid"].partition("::")[2] for row in court.rows()] == [
        "TestClaims::test_a",
        "TestClaims::test_b[k=16]",
        "TestClaims::test_b[k=32]",
        "TestOne::test_c",
    ]


def test_an_array_as_a_parameter_by_hand(court):
    court.register(wins={"subjects": {"organism": {"cells": CELLS[:1]}}})
    write(court, "judge, k", "@pytest.mark.parametrize('k', [np.arange(3)])")
    result = court.run()
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert result.ret == 1
