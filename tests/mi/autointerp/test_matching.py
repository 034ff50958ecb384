"""Pairs of latents that fire about equally often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.matching import match_rates
from mi.refusal import Refusal

rates = st.lists(st.floats(1e-5, 0.9), min_size=1, max_size=12)


@given(rates, rates, st.floats(0.01, 2))
def test_pairs_are_near_and_nobody_is_in_two(a, b, caliper):
    first, second = {f"a{i}": r for i, r in enumerate(a)}, {f"b{i}": r for i, r in enumerate(b)}
    pairs = match_rates(first, second, caliper)
    assert len({x for x, _ in pairs}) == len({y for _, y in pairs}) == len(pairs)
    assert all(abs(np.log10(first[x] / second[y])) <= caliper + 1e-9 for x, y in pairs)
    left = [r for n, r in first.items() if n not in {x for x, _ in pairs}]
    free = [r for n, r in second.items() if n not in {y for _, y in pairs}]
    assert not any(
        abs(np.log10(x / y)) <= caliper - 1e-9 for x in left for y in free
    )  # none was left that had a partner


@given(rates)
def test_equal_rates_are_matched_whole(a):
    first, second = {f"a{i}": r for i, r in enumerate(a)}, {f"b{i}": r for i, r in enumerate(a)}
    pairs = match_rates(first, second, 0.05)
    assert len(pairs) == len(a)
    assert sum(abs(np.log10(first[x] / second[y])) for x, y in pairs) == pytest.approx(0, abs=1e-9)


def test_more_pairs_come_before_nearer_ones():
    """Greedily, .10 would take .10 and leave .15 without a partner."""
    pairs = match_rates({"a": 0.10, "b": 0.15}, {"c": 0.10, "d": 0.07}, caliper=0.2)
    assert sorted(pairs) == [("a", "d"), ("b", "c")]


def test_scores_play_no_part_and_dead_latents_are_refused():
    with pytest.raises(Refusal, match="dead"):
        match_rates({"a": 0.0}, {"b": 0.1}, 0.2)
    with pytest.raises(Refusal):
        match_rates({"a": 0.1}, {"b": 0.1}, 0.0)
    assert match_rates({}, {"b": 0.1}, 0.2) == []
