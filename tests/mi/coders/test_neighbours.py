"""Decoder neighbours: planted ones are found, and directions at random lie on their null."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.coders.coder import CoderFacts
from mi.coders.linear_coder import Gate, LinearCoder
from mi.coders.load import save_coder
from mi.coders.neighbours import nearest, neighbours, pairs
from mi.metrics.matching import unit_rows
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable, write_units

SITE = "blocks.1.hook_mlp_out"


def random_rows(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.fixture
def measured(tmp_path):
    """``measured(decoder, dead=(), **settings)``: the folder that the builder fills."""
    made = iter(range(9))

    def run(decoder, dead=(), coder="sae", reasons=(), **settings):
        home: Path = tmp_path / str(next(made))
        decoder = torch.as_tensor(np.asarray(decoder), dtype=torch.float32)
        n, d = decoder.shape
        facts = CoderFacts("control", "sae", "relu", SITE, SITE, d, d, n)
        zeros = torch.zeros(n), decoder, torch.zeros(d)
        save_coder(LinearCoder(facts, decoder.clone(), *zeros, gate=Gate("relu")), home / "coders" / "sae")
        for name in ("reconstruction/latents", "out"):
            (home / name).mkdir(parents=True)
        fired = {"dead": [float(k in dead) for k in range(n)]}
        about = {"coder": coder, "not_measurable_because": list(reasons)}
        write_units(home / "reconstruction" / "latents", "latent", [str(k) for k in range(n)], fired, about)
        inputs = {"coders": home / "coders", "reconstruction": home / "reconstruction"}
        neighbours(home / "out", progress=SILENT, coder="sae", **inputs, **settings)
        return home / "out"

    return run


def kept(out):
    return json.loads((out / "neighbours.json").read_text("utf-8"))


def test_planted_duplicates_are_found_whatever_their_norm(measured):
    rows = random_rows(40, 64)
    rows[31] = 0.01 * rows[4]
    out = measured(rows)
    assert kept(out)["rows"]["4"][0] == [31, 1.0]
    assert kept(out)["rows"]["31"][0] == [4, 1.0]
    table = UnitTable.read(out)
    assert table.unit == "latent"
    assert table.column("nearest")[[4, 31]].tolist() == [31, 4]
    assert table.column("pair")[[4, 31]].tolist() == [4, 4]
    assert table.column("nearest_cosine").argsort()[-2:].tolist() in ([4, 31], [31, 4])


def test_a_flipped_row_is_the_farthest(measured):
    rows = random_rows(6, 32)
    rows[5] = -rows[0]
    found = kept(measured(rows))["rows"]
    assert found["0"][-1] == [5, -1.0]
    assert len(found["0"]) == 5  # ten are asked for, and a latent is not its own neighbour
    assert all(str(i) != k for k, row in found.items() for i, _ in row)


def test_an_orthonormal_dictionary_has_no_neighbours(measured):
    table = UnitTable.read(measured(np.eye(16)))
    assert table.column("nearest_cosine") == pytest.approx(np.zeros(16), abs=1e-7)
    assert (table.column("excess") < 0).all()


def test_directions_at_random_lie_on_the_null_and_crowded_ones_above_it(measured):
    rows = random_rows(600, 64)
    out = measured(rows)
    table, null = UnitTable.read(out), kept(out)["null"]
    assert table.column("excess").mean() == pytest.approx(0, abs=0.005)
    assert (table.column("nearest_cosine") < null["median"]).mean() == pytest.approx(0.5, abs=0.08)
    inside = (table.column("nearest_cosine") > null["quantiles"]["0.05"]) & (
        table.column("nearest_cosine") < null["quantiles"]["0.95"]
    )
    assert inside.mean() == pytest.approx(0.9, abs=0.05)
    assert table.facts["null"] == null
    rows[:, 8:] *= 0.1
    assert UnitTable.read(measured(rows)).column("excess").mean() > 0.2


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(2, 6), st.integers(1, 50), st.data())
def test_blocks_find_what_the_whole_matrix_has(seed, size, d, block, data):
    rows = unit_rows(random_rows(size, d, seed))
    n = data.draw(st.integers(1, size - 1))
    at, cosine = (np.concatenate(x) for x in zip(*nearest(rows, n, block), strict=True))
    whole = rows @ rows.T
    assert cosine == pytest.approx(np.take_along_axis(whole, at, 1), abs=1e-9)
    np.fill_diagonal(whole, -np.inf)
    assert cosine == pytest.approx(-np.sort(-whole, axis=1)[:, :n], abs=1e-6)
    assert ((cosine >= -1) & (cosine <= 1)).all()
    assert (np.diff(cosine, axis=1) <= 0).all()
    assert all(len(set(row)) == n and k not in row for k, row in enumerate(at))


def test_of_equally_near_ones_the_smaller_index_comes_first():
    rows = unit_rows(np.vstack([random_rows(1, 48)] * 5))
    ((at, cosine),) = nearest(rows, 4)
    assert cosine.tolist() == [[1.0] * 4] * 5
    assert at[2].tolist() == [0, 1, 3, 4]


def test_the_same_coder_gives_the_same_bytes(measured):
    rows = random_rows(50, 16)
    one, other = measured(rows), measured(rows)
    for name in ("units.json", "neighbours.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_dead_latents_are_marked_and_keep_their_neighbours(measured):
    out = measured(random_rows(30, 8), dead=(3, 17), n=2)
    assert kept(out)["dead"] == [3, 17]
    assert np.flatnonzero(UnitTable.read(out).column("dead")).tolist() == [3, 17]
    assert {len(row) for row in kept(out)["rows"].values()} == {2}
    assert kept(out)["n"] == 2


def test_pairs_are_each_others_nearest():
    assert pairs(np.array([1, 0, 1, 4, 3, 0])).tolist() == [0, 0, 2, 3, 3, 5]


def test_a_coder_that_cannot_be_measured_has_no_measurable_neighbours(measured):
    assert UnitTable.read(measured(random_rows(9, 4))).facts["measurable"] is True
    facts = UnitTable.read(measured(random_rows(9, 4), reasons=["wrong hook point"])).facts
    assert (facts["measurable"], facts["not_measurable_because"]) == (False, ["wrong hook point"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coder": "transcoder"}, "a reconstruction by transcoder with 9 latents"),
        ({"n": 0}, "n=0"),
        ({"decoder": np.vstack([random_rows(8, 4), np.zeros((1, 4))])}, "decoder row 8"),
        ({"decoder": random_rows(1, 4)}, "1 directions"),
    ],
)
def test_what_has_no_neighbours_is_refused(measured, change, said):
    with pytest.raises(Refusal, match=said):
        measured(**{"decoder": random_rows(9, 4), **change})
