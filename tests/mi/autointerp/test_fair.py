"""Windows that give nothing away: what is fair passes, and each thing that tells is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mi.autointerp.fair import require_fair
from mi.autointerp.latent_examples import Example, LatentExamples
from mi.refusal import Refusal

SETTINGS, N, DECILES = {"deciles": 5}, 10, 5


def window(name, rng, fires, decile=None, size=12):
    tokens = tuple(f" {name}{i}" for i in range(size))
    activations = np.zeros(size)
    place = int(rng.integers(size))
    if fires:
        activations[place] = 10 - decile + 0.5 * rng.random()
    return Example(f"{name}:1", tokens, tuple(activations.tolist()), fires, decile, (place,))


def latent(number, seed=0):
    rng = np.random.default_rng([seed, number])
    parts = {}
    for part in ("explain", "test"):
        parts[part] = [window(f"{part}{number}v{i}", rng, True, i % DECILES) for i in range(N)]
    test = [*parts["test"], *(window(f"test{number}s{i}", rng, False) for i in range(N))]
    silent = tuple(window(f"silent{number}s{i}", rng, False) for i in range(N))
    order = rng.permutation(len(test))
    return LatentExamples(number, 0.1, tuple(parts["explain"]), silent, tuple(test[i] for i in order))


def all_of(change, n=30):
    return [replace(x, test=tuple(change(x.test))) for x in (latent(k) for k in range(n))]


def quiet(change):
    """Change the windows in which the latent is silent."""
    return lambda test: [e if e.activating else change(e) for e in test]


def longer(example):
    """By a third."""
    more = tuple(f"{token}+" for token in example.tokens[:4])
    return replace(example, tokens=example.tokens + more, activations=example.activations + (0.0,) * 4)


def by_index(latents):
    swap = {e.id: k % DECILES for x in latents for k, e in enumerate(sorted(x.explain, key=lambda e: max(e.activations)))}  # fmt: skip
    return [replace(x, explain=tuple(replace(e, decile=swap[e.id]) for e in x.explain)) for x in latents]


def everything_marked(test):
    return [replace(e, marks=tuple(range(len(e.tokens)))) if e.activating else e for e in test]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [1, 3, 40])
def test_windows_that_are_alike_pass(n, seed):
    require_fair([latent(k, seed) for k in range(n)], SETTINGS)


@pytest.mark.parametrize(
    ("latents", "said"),
    [
        (all_of(lambda test: sorted(test, key=lambda e: not e.activating)), "their order tells"),
        (all_of(quiet(longer)), "their length tells"),
        (all_of(quiet(lambda e: replace(e, marks=(0, 1, 2)))), "their number of marks tells"),
        (all_of(quiet(lambda e: replace(e, marks=(9,)))), "their place of marks tells"),
        (all_of(everything_marked), "those on it"),
        (by_index([latent(0)]), "strongest to the weakest"),
        ([replace(latent(0), test=latent(0).test[:-1] + latent(0).test[:1])], "once more"),
        ([replace(latent(0), test=latent(0).test[:-1] + latent(0).silent[:1])], "once more"),
        ([latent(0), replace(latent(1), test=latent(1).test[:-1] + latent(0).silent[:1])], "once more"),
    ],
    ids=["order", "length", "marks", "place", "marked", "deciles", "twice", "explained from", "another's"],
)
def test_what_tells_is_refused(latents, said):
    with pytest.raises(Refusal, match=said):
        require_fair(latents, SETTINGS)


def test_lengths_that_tell_one_way_here_and_another_way_there_are_refused():
    mixed = [x if k % 2 else replace(x, test=tuple(quiet_or_loud(x.test))) for k, x in enumerate(all_of(quiet(longer)))]
    with pytest.raises(Refusal, match="their length tells"):
        require_fair(mixed, SETTINGS)


def quiet_or_loud(test):
    """The windows in which it fires are the longer ones."""
    short = {e.id: e for x in range(30) for e in latent(x).test}
    return [longer(e) if e.activating else short[e.id] for e in test]
