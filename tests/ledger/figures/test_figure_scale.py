"""Scales: ticks inside, nothing drawn outside."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.figures.scale import Linear, Logarithmic, Slots, ticks


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_lie_inside_and_are_evenly_spaced(lo, width):
    hi = lo + width
    if not hi > lo or width < abs(lo) * 1e-9:
        return
    found = ticks(lo, hi)
    assert 3 <= len(found) <= 7
    assert all(lo - width * 1e-6 <= t <= hi + width * 1e-6 for t in found)
    steps = [b - a for a, b in pairwise(found)]
    assert max(steps) - min(steps) <= 1e-6 * max(width, abs(lo))


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
