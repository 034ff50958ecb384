"""Cells: lists of values become all their combinations; a subject like another may differ in some."""

import pytest

from ledger.errors import RegistrationError
from ledger.registry import load_report

HEAD = """
report: r
claims:
  c:
    statement: A sentence.
    quantity: accuracy
    unit: example
    design: paired
    above: 0
    subjects:
"""


@pytest.fixture
def cells(tmp_path):
    def read(subjects):
        path = tmp_path / "r.yaml"
        path.write_text(HEAD + subjects)
        return load_report(path).claims["r.c"]

    return read


M = """
      m:
        cells:
          - params: {k: [1, 2], concept: [a, b], kind: x}
            expected: {verdict: pass, why: known}
          - params: {k: 5, concept: a, kind: x}
"""


def shown(found, subject):
    return {(c.params["k"], c.params["concept"]): c.expected for c in found if c.subject == subject}


def test_lists_become_every_combination(cells):
    found = cells(M)
    assert shown(found, "m") == {
        **{(k, concept): "pass" for k in (1, 2) for concept in "ab"},
        (5, "a"): None,
    }
    assert all(c.params["kind"] == "x" for c in found)


def test_expanded_cells_say_where_they_are_written(cells):
    places = {c.params["k"]: c.where for c in cells(M)}
    assert places[1] == places[2]
    assert places[5] != places[1]


def test_a_subject_like_another_differs_where_it_says_so(cells):
    other = """
      m2:
        like: m
        tier: seeds
        cells:
          - params: {k: [1, 2], concept: a, kind: x}
            expected: {verdict: fail, why: seen}
"""
    found = cells(M + other)
    assert shown(found, "m2") == {**shown(found, "m"), (1, "a"): "fail", (2, "a"): "fail"}
    assert {c.tier for c in found if c.subject == "m2"} == {"seeds"}


def test_a_cell_that_the_other_subject_has_not_is_refused(cells):
    with pytest.raises(RegistrationError, match=r'"k": 7.*no such cell'):
        cells(M + "      m2: {like: m, cells: [{params: {k: 7, concept: a, kind: x}}]}\n")


def test_expectations_beside_like_belong_to_cells(cells):
    with pytest.raises(RegistrationError, match="beside like only tier, and cells"):
        cells(M + "      m2: {like: m, expected: fail}\n")


def test_the_same_cell_twice_is_refused(cells):
    with pytest.raises(RegistrationError, match="registered twice"):
        cells("      m: {cells: [{params: {k: [1, 2]}}, {params: {k: 2}}]}\n")
