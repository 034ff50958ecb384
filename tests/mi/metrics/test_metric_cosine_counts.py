"""Counts of cosines in fixed bins."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mi.metrics.cosine_counts import EDGES, cosine_counts, write_cosine_counts
from mi.metrics.matching import THRESHOLDS


def test_bins_are_even_and_thresholds_are_edges():
    assert (EDGES[0], EDGES[-1], len(EDGES)) == (-1.0, 1.0, 101)
    np.testing.assert_allclose(np.diff(EDGES), 0.02)
    assert set(THRESHOLDS) | {0.0} <= set(EDGES)


def test_a_bin_has_its_lower_edge_and_the_last_bin_both():
    counts = cosine_counts(np.array([-1.0, 0.5, np.nextafter(0.5, 0), 1.0]))
    assert {i: n for i, n in enumerate(counts) if n} == {0: 1, 74: 1, 75: 1, 99: 1}


def test_what_rounding_puts_beyond_the_ends_is_counted():
    counts = cosine_counts(np.array([1 + 1e-15, -1 - 1e-15]))
    assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)


@given(st.lists(st.floats(-1, 1), max_size=60), st.sampled_from(range(len(EDGES) - 1)))
def test_counts_are_complete_and_give_shares_at_every_edge(cosines, at):
    counts = cosine_counts(np.array(cosines, dtype=np.float64))
    assert sum(counts) == len(cosines)
    assert sum(counts[at:]) == sum(c >= EDGES[at] for c in cosines)


def test_it_is_written_as_plain_json(tmp_path):
    write_cosine_counts(tmp_path / "h.json", {"live": np.array([0.51]), "all": np.zeros(3)})
    found = json.loads((tmp_path / "h.json").read_text("utf-8"))
    assert found["edges"] == list(EDGES)
    assert found["counts"]["live"].index(1) == 75
    assert found["counts"]["all"][50] == 3
