"""A circuit is a set of latents by coder: never empty, never two latents in one, as large as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.circuits.circuit import Circuit, require_different
from mi.circuits.found import Found, write_found
from mi.progress import SILENT
from mi.refusal import Refusal

NUMBERS = st.lists(st.integers(0, 29), max_size=8, unique=True).map(tuple)


@pytest.mark.parametrize("latents", [{}, {"a": ()}, {"a": (), "b": ()}])
def test_an_empty_circuit_cannot_be_measured(latents):
    with pytest.raises(Refusal, match="empty circuit"):
        Circuit(latents)


@pytest.mark.parametrize("numbers", [(1, 1), (-1, 2)])
def test_wrong_numbers_are_refused(numbers):
    with pytest.raises(Refusal):
        Circuit({"a": numbers})


def test_equal_numbers_at_two_depths_are_two_latents():
    both = Circuit({"early": (3, 5), "late": (3, 5)})
    assert both.size == len(both.members) == 4
    assert both.columns({"early": 10, "late": 10}).tolist() == [3, 5, 13, 15]
    assert both.first(1).members == {("early", 3), ("early", 5)}


@given(early=NUMBERS, late=NUMBERS.filter(bool))
def test_what_is_reported_is_what_is_evaluated(early, late):
    circuit = Circuit({"early": early, "late": late})
    columns = circuit.columns({"early": 30, "late": 30})
    assert circuit.size == len(columns) == len(set(columns.tolist())) == len(circuit.members)


@pytest.mark.parametrize("latents", [{"early": (10,)}, {"elsewhere": (0,)}])
def test_latents_that_are_not_there_are_refused(latents):
    with pytest.raises(Refusal, match="not there"):
        Circuit(latents).columns({"early": 10})


def test_a_set_drawn_twice_is_refused():
    with pytest.raises(Refusal, match="2 random sets of which 1"):
        require_different([Circuit({"a": (1, 2)}), Circuit({"a": (2, 1)})])


def test_what_was_found_comes_back_from_its_file(tmp_path):
    rng = np.random.default_rng(0)
    scores = {"early": rng.random(40), "late": rng.random(60)}
    rates = {name: rng.random(len(s)) for name, s in scores.items()}
    said = write_found(tmp_path, SILENT, "by hand", scores, rates, ["x", "y"], [2, 5], 30, 0)
    found = Found(tmp_path)
    assert list(found.widths.items()) == [("early", 40), ("late", 60)]
    assert found.ks == [2, 5]
    assert said["sizes"] == {"2": 4, "5": 10}
    assert found.circuit(2).latents["late"] == tuple(np.argsort(-scores["late"])[:2])
    assert found.circuit(5).fitted_on == {"x", "y"}
    for kind in ("matched", "any"):
        sets = found.random(kind, 5)
        assert len(sets) == 30
        assert {s.size for s in sets} == {10}
    found.require_apart(["z"])
    with pytest.raises(Refusal, match="chosen on 1 of the texts"):
        found.require_apart(["z", "y"])
    with pytest.raises(Refusal, match="k=3"):
        found.circuit(3)
