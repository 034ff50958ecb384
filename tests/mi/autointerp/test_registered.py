"""The sample of latents is the registered one, on every machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.registered import digest, draw
from mi.refusal import Refusal


def test_the_sources_sample_and_its_digest():
    """``default_rng(0).choice(16384, 100)``, as microscope registered it and delphi's ``max_latents`` never used it."""
    latents = draw(16_384, 100)
    assert digest(latents) == "44acceb1835f"
    assert latents != list(range(100))
    assert digest(range(100)) != digest(latents)


@given(st.integers(1, 300), st.data())
def test_a_draw_is_distinct_in_order_and_repeatable(n, data):
    k = data.draw(st.integers(1, n))
    latents = draw(n, k, seed=3)
    assert latents == sorted(set(latents)) == draw(n, k, seed=3)
    assert len(latents) == k
    assert set(latents) <= set(range(n))
    assert digest(latents) == digest(latents[::-1])


@given(st.sets(st.integers(0, 500), min_size=1), st.integers(501, 600))
def test_any_other_sample_has_another_digest(latents, other):
    assert digest([*latents, other]) != digest(list(latents))


@pytest.mark.parametrize("n", [0, 6])
def test_no_latents_or_more_than_there_are(n):
    with pytest.raises(Refusal):
        draw(5, n)
