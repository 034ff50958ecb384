"""How long builds that need each other take on a number of workers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.money.schedule import expected_minutes
from runners.recipe import Recipe, Resources


def recipe(name, minutes, *inputs):
    below = {f"i{k}": r for k, r in enumerate(inputs)}
    return Recipe("toy_builders:write", 1, {"text": name}, below, Resources(minutes=minutes))


def took(todo, width):
    return expected_minutes(todo, lambda r: r.resources.minutes, width)


def longest_path(todo):
    known = {r.digest for r in todo}
    ends = {}
    for r in (r for root in todo for r in root.walk()):
        if r.digest in known:
            below = [ends[i.digest] for i in r.inputs.values() if i.digest in known]
            ends[r.digest] = r.resources.minutes + max(below, default=0.0)
    return max(ends.values(), default=0.0)


@st.composite
def graphs(draw):
    """Up to 12 recipes, each on some of those before it, in any order; some of them are there already."""
    made = []
    for k in range(draw(st.integers(1, 12))):
        inputs = draw(st.lists(st.sampled_from(made), max_size=3, unique=True)) if made else []
        made.append(recipe(str(k), draw(st.floats(0, 100)), *inputs))
    there = draw(st.sets(st.sampled_from(made), max_size=4))
    return draw(st.permutations([r for r in made if r not in there]))


@given(graphs(), st.integers(1, 6))
def test_it_lies_between_what_nobody_can_beat_and_one_worker(todo, width):
    total = sum(r.resources.minutes for r in todo)
    found = took(todo, width)
    assert found >= longest_path(todo) - 1e-6
    assert found >= total / width - 1e-6
    assert found <= total + 1e-6
    assert found <= total / width + longest_path(todo) + 1e-6  # what any order of a greedy schedule keeps to
    assert took(todo, 1) == pytest.approx(total)


def test_nothing_takes_no_time():
    assert took([], 3) == 0


def test_the_long_way_goes_first():
    """Three short ones and a chain: whoever begins with the short ones takes 9."""
    first = recipe("first", 3)
    chain = recipe("last", 3, first)
    short = [recipe(f"short{k}", 2) for k in range(3)]
    assert took([*short, chain, first], 2) == 6


def test_inputs_that_are_there_are_not_waited_for():
    there = recipe("there", 50)
    assert took([recipe("a", 1, there), recipe("b", 1, there)], 2) == 1


def test_a_shared_input_is_built_once():
    below = recipe("below", 5)
    assert took([below, recipe("a", 1, below), recipe("b", 1, below), below], 2) == 6
