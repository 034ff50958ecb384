"""Scales: ticks inside, nothing drawn outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.figures.scale import Linear, Logarithmic, Slots, round_numbers

ends = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)).map(lambda t: (t[0], t[0] + t[1]))


@given(ends)
def test_round_numbers_lie_inside_and_are_enough(limits):
    found = round_numbers(*limits)
    assert 2 <= len(found) <= 12
    assert found == sorted(set(found))
    slack = (limits[1] - limits[0]) * 1e-6
    assert all(limits[0] - slack <= t <= limits[1] + slack for t in found)


@given(st.lists(st.floats(-100, 100), max_size=8), st.floats(-1e9, 1e9))
def test_what_is_drawn_lies_on_the_axis(values, anything):
    scale = Linear.around(values, 200.0, 20.0, keep=(0.0, 1.0))
    assert all(scale.holds(v) for v in (*values, 0.0, 1.0))
    assert 20.0 <= scale.at(anything) <= 200.0
    assert all(20.0 <= pixel <= 200.0 for pixel, _ in scale.marks())


def test_a_kept_end_is_the_end():
    assert (Linear.around([0.2, 0.9], 0, 1, keep=(0.0, 1.0)).lo, Linear.around([0.2], 0, 1, keep=(0.0, 1.0)).hi) == (
        0,
        1,
    )


@pytest.mark.parametrize(
    ("lo", "hi", "labels"),
    [(1, 60, ["1", "2", "5", "10", "20", "50"]), (1, 1e5, ["1", "10", "100", "1000", "10⁴", "10⁵"])],
)
def test_logarithmic_ticks(lo, hi, labels):
    scale = Logarithmic(lo, hi, 100, 0)
    assert [label for _, label in scale.marks()] == labels
    assert scale.at(1e300) == 0
    assert scale.at(0) == 100


def test_slots_stand_in_the_middle():
    assert Slots(("a", "b"), 0, 100).marks() == [(25, "a"), (75, "b")]
