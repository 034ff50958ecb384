"""One contrast of every design, from random data; one thread for those who ask."""

import numpy as np
import pytest

from mi import claimable

IDS = [f"u{k}" for k in range(60)]


@pytest.fixture(scope="session")
def one_thread():
    """Tiny matrices gain nothing from threads, which wait for each other when the cores are busy. Imports torch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sample(values, order, **about):
    at = order(len(values))
    return claimable.Sample(np.asarray(values)[at], [IDS[k] for k in at], **about)


def mean_of_scores(rng, order):
    return claimable.mean(sample(rng.gamma(2, size=40), order))


def mean_of_bounded_scores(rng, order):
    return claimable.mean(sample(rng.beta(9, 1, size=30), order, support=(0, 1)))


def mean_without_ids(rng, order):
    return claimable.mean(rng.normal(size=25)[order(25)])


def mean_of_outcomes(rng, order):
    return claimable.mean(sample(rng.random(30) < 0.7, order))


def median(rng, order):
    return claimable.median(sample(rng.normal(size=60), order))


def paired_scores(rng, order):
    a = rng.exponential(size=35)
    return sample(a, order) - sample(a + rng.normal(0.2, 1, size=35), order)


def paired_outcomes(rng, order):
    return sample(rng.random(40) < 0.8, order) - sample(rng.random(40) < 0.6, order)


def difference_of_differences(rng, order):
    a, b, c, d = (sample(rng.random(30) < p, order) for p in (0.8, 0.6, 0.5, 0.5))
    return (a - b) - (c - d)


def unpaired_scores(rng, order):
    a, b = rng.normal(size=20), rng.normal(0.3, 2, size=33)
    return claimable.unpaired(a[order(20)], b[order(33)])


def unpaired_outcomes(rng, order):
    a, b = rng.random(20) < 0.8, rng.random(33) < 0.5
    return claimable.unpaired(a[order(20)], b[order(33)])


def summary(rng, order):
    return claimable.unpaired_summary(0.9 + rng.normal() / 50, 0.1, 58, 0.85, 0.12, 60, planned=70)


def clustered_scores(rng, order):
    clusters = rng.integers(25, size=200)
    clusters[:25] = range(25)  # no cluster empty
    values, at = rng.normal(size=200) + clusters / 10, order(200)
    return claimable.clustered_mean(values[at], clusters[at])


def clustered_outcomes(rng, order):
    clusters, values, at = np.repeat(range(30), 5), rng.random(150) < 0.3, order(150)
    return claimable.clustered_mean(values[at], clusters[at])


def ratio(rng, order):
    error, total, at = rng.gamma(3, size=40), 5 + rng.gamma(4, size=40), order(40)
    return claimable.ratio_of_sums(error[at], total[at], [IDS[k] for k in at], planned=45)


def ratio_difference(rng, order):
    sums, at = rng.gamma(4, size=(4, 30)), order(30)
    return claimable.ratio_difference(*sums[:, at], [IDS[k] for k in at], planned=31)


def faithful_outcomes(rng, order):
    ceiling = rng.random(60) < 0.93
    circuit = ceiling ^ (rng.random(60) < 0.1)
    return claimable.faithfulness(sample(circuit, order), sample(ceiling, order), chance=0.5)


def faithful_scores(rng, order):
    ceiling = rng.normal(3, 1, size=40)
    circuit = 0.8 * ceiling + rng.normal(0, 0.5, size=40)
    return claimable.faithfulness(sample(circuit, order), sample(ceiling, order), chance=0.2)


def random_sets(rng, order):
    sets = [sample(rng.normal(rng.normal(0, 0.3), 1, size=24), order) for _ in range(22)]
    return claimable.against_random_sets(sample(rng.normal(1, 1, size=24), order), sets)


def one_set(rng, order):
    circuit, control = sample(rng.random(50) < 0.9, order), sample(rng.random(50) < 0.6, order)
    return claimable.against_one_set(circuit, control, between_set_sd=0.08, between_set_df=3)


def runs(rng, order):
    scores = {f"seed{k}": rng.normal(size=30) for k in range(5)}
    return claimable.over_runs({f"seed{k}": scores[f"seed{k}"][order(30)] for k in order(5)})


def runs_paired(rng, order):
    a, b = ({k: rng.normal(k / 9, 1, size=12) for k in range(4)} for _ in "ab")
    return claimable.over_runs(*({int(k): arm[k][order(12)] for k in order(4)} for arm in (a, b)))


def runs_unpaired(rng, order):
    a, b = ({f"{arm}{k}": rng.normal(size=12) for k in range(n)} for arm, n in (("a", 3), ("b", 5)))
    return claimable.over_runs(*({k: v[order(12)] for k, v in arm.items()} for arm in (a, b)))


def similarity(rng, order):
    n, at = 12, order(12)
    matrix = rng.normal(size=(n, n))
    matrix += matrix.T
    topics, blocks = np.repeat(["x", "y", "z"], 4), np.array(list("aabcddefgghi"))
    matrix, units = matrix[np.ix_(at, at)], [IDS[k] for k in at]
    return claimable.similarity(matrix, topics[at], blocks[at], units)


DESIGNS = [
    mean_of_scores,
    mean_of_bounded_scores,
    mean_without_ids,
    mean_of_outcomes,
    median,
    paired_scores,
    paired_outcomes,
    difference_of_differences,
    unpaired_scores,
    unpaired_outcomes,
    summary,
    clustered_scores,
    clustered_outcomes,
    ratio,
    ratio_difference,
    faithful_outcomes,
    faithful_scores,
    random_sets,
    one_set,
    runs,
    runs_paired,
    runs_unpaired,
    similarity,
]


@pytest.fixture(scope="session")
def designs():
    return DESIGNS


@pytest.fixture(scope="session", params=DESIGNS, ids=lambda design: design.__name__)
def build(request):
    """``build(seed)`` draws the contrast; with ``shuffle`` the same data in another order."""

    def draw(seed, shuffle=None):
        order = np.arange if shuffle is None else np.random.default_rng(shuffle).permutation
        return request.param(np.random.default_rng(seed), order)

    return draw
