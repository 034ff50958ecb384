"""Random sets: as large, all different, reproducible; matched ones fire as often as the circuit and share none of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.circuits.circuit import Circuit
from mi.circuits.random_sets import mean_rate, random_sets, require_matched
from mi.refusal import Refusal

N = 400
RNG = np.random.default_rng(0)
RATES = np.concatenate([np.zeros(200), RNG.uniform(0.001, 0.05, 150), RNG.uniform(0.2, 0.6, 50)])
FREQUENT = Circuit({"a": tuple(range(360, 370))})


def test_matched_sets_fire_as_often_as_the_circuit():
    wanted = mean_rate(FREQUENT, {"a": RATES})
    matched = [mean_rate(s, {"a": RATES}) for s in random_sets(FREQUENT, {"a": RATES}, "matched", 100, 0)]
    unmatched = [mean_rate(s, {"a": RATES}) for s in random_sets(FREQUENT, {"a": RATES}, "any", 100, 0)]
    assert abs(np.mean(matched) - wanted) < 0.03
    assert max(abs(rate - wanted) for rate in matched) < 0.1
    assert np.mean(unmatched) < wanted / 3  # most latents are dead or rare


def test_unmatched_sets_draw_every_latent_equally_often():
    sets = random_sets(FREQUENT, {"a": RATES}, "any", 2_000, 1)
    counts = np.bincount([i for s in sets for i in s.latents["a"]], minlength=N)
    assert counts.sum() == 2_000 * 10
    spread = (counts - 50.0) / np.sqrt(50 * (1 - 10 / N))
    assert np.abs(spread).max() < 4.5


def test_of_latents_that_fire_alike_all_are_candidates():
    dead = Circuit({"a": (0, 1, 2)})
    drawn = {i for s in random_sets(dead, {"a": RATES}, "matched", 1_500, 0) for i in s.latents["a"]}
    assert drawn == set(range(3, 200))


@settings(max_examples=40, deadline=None)
@given(
    numbers=st.lists(st.integers(0, 59), min_size=1, max_size=20, unique=True),
    kind=st.sampled_from(["matched", "any"]),
    seed=st.integers(0, 2**20),
)
def test_every_set_has_the_size_of_the_circuit_in_every_coder(numbers, kind, seed):
    rates = {"early": np.random.default_rng(seed).random(60) ** 4, "late": np.linspace(0, 1, 200)}
    circuit = Circuit({"early": tuple(numbers), "late": (5, 100, 150)})
    sets = random_sets(circuit, rates, kind, 20, seed)
    assert len({s.members for s in sets}) == 20
    for s in sets:
        assert {name: len(found) for name, found in s.latents.items()} == {"early": len(numbers), "late": 3}
        assert kind == "any" or not s.members & circuit.members
    assert [s.members for s in random_sets(circuit, rates, kind, 20, seed)] == [s.members for s in sets]


def test_sizes_and_kinds_have_draws_of_their_own():
    def drawn(kind, seed, circuit=FREQUENT):
        return {s.members for s in random_sets(circuit, {"a": RATES}, kind, 20, seed)}

    assert not drawn("matched", 0) & drawn("matched", 1)
    assert not drawn("matched", 0) & drawn("any", 0)


@pytest.mark.parametrize(
    ("numbers", "width", "kind", "draws", "what"),
    [
        (range(6), 10, "matched", 20, "6 of 10 latents"),
        (range(9), 10, "any", 20, "10 different random sets"),
        (range(2), 10, "best", 20, "kind='best'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(numbers, width, kind, draws, what):
    with pytest.raises(Refusal, match=what):
        random_sets(Circuit({"a": tuple(numbers)}), {"a": np.ones(width)}, kind, draws, 0)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 60), steep=st.floats(0, 2.5), dead=st.floats(0, 0.8))
def test_sets_as_they_are_drawn_are_never_called_unmatched(seed, size, steep, dead):
    rng = np.random.default_rng(seed)
    rates = 0.9 / np.arange(1, 257) ** steep * (rng.random(256) >= dead)
    chosen = rng.choice(256, size, replace=False, p=(rates + 1e-3) / (rates + 1e-3).sum())
    random_sets(Circuit({"a": tuple(int(i) for i in chosen)}), {"a": rates}, "matched", 5, seed)


def test_sets_of_latents_that_hardly_fire_are_refused():
    rare = np.flatnonzero(RATES < 0.01)
    drawn = [Circuit({"a": tuple(rare[k : k + 10].tolist())}) for k in range(5)]
    with pytest.raises(Refusal, match="dead latents"):
        require_matched(FREQUENT, drawn, {"a": RATES})
