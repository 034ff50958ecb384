"""One-sided errors on simulated data whose truth is known, and the power that was promised.

Rates are false passes exactly at the bound, nominally 2.5 %. Wrong units are simulated too: the
harness has to see their errors.
"""

import numpy as np
import pytest
from scipy import stats

from mi import claimable

ALPHA = 0.025


def rate(n, draw, bound=0.0):
    """Share of ``n`` claims that pass, and that fail."""
    p = [(c.p_above(bound), c.p_below(bound)) for c in (draw() for _ in range(n))]
    return (np.array(p) < ALPHA).mean(axis=0)


def compatible(measured, n, expected):
    """Whether ``measured`` of ``n`` is what a true rate of ``expected`` would give, to 4 sigma."""
    return abs(measured - expected) < 4 * np.sqrt(expected * (1 - expected) / n) + 0.5 / n


def documents(rng, n, tokens, icc):
    between = rng.normal(0, np.sqrt(icc), size=(n, 1))
    return between + rng.normal(0, np.sqrt(1 - icc), size=(n, tokens))


def test_clusters_are_the_units():
    rng = np.random.default_rng(0)
    clusters = np.repeat(range(64), 20)
    by_document = rate(1500, lambda: claimable.clustered_mean(documents(rng, 64, 20, 0.2).ravel(), clusters))
    assert all(compatible(r, 1500, ALPHA) for r in by_document)
    by_token = rate(500, lambda: claimable.mean(documents(rng, 64, 20, 0.2).ravel()))
    # 64 documents of 20 tokens hold 1280 / (1 + 19 * .2) independent ones.
    assert all(compatible(r, 500, stats.norm.sf(1.96 / np.sqrt(4.8))) for r in by_token)


def test_near_ceiling_mean():
    rng = np.random.default_rng(1)
    precision = 0.93 * 0.07 / 0.09**2 - 1

    def latents():
        return rng.beta(0.93 * precision, 0.07 * precision, size=58)

    passes, fails = rate(3000, lambda: claimable.mean(latents()), 0.93)
    assert compatible(passes, 3000, 0.028)
    assert compatible(fails, 3000, 0.020)
    plain = [stats.ttest_1samp(latents(), 0.93, alternative="greater").pvalue for _ in range(3000)]
    assert compatible(np.mean(np.array(plain) < ALPHA), 3000, 0.055)


def crossed(rng, sets, tau=0.085, n=180):
    """A circuit exactly as good as the average random set: outcomes on the same examples."""
    hardness = rng.normal(0, 0.25, size=n)
    accuracy = np.append(0.7, 0.7 + tau * rng.normal(size=sets))
    return (rng.random((sets + 1, n)) < np.clip(accuracy[:, None] + hardness, 0, 1)).astype(float)


def test_random_sets_vary():
    rng = np.random.default_rng(2)
    ids = [f"e{k}" for k in range(180)]

    def two_way():
        circuit, *sets = crossed(rng, 20)
        return claimable.against_random_sets(circuit, sets, ids)

    def one_set():
        return claimable.paired(*crossed(rng, 1), ids)

    assert all(compatible(r, 500, 0.03) for r in rate(500, two_way))
    assert all(r > 0.12 for r in rate(500, one_set))


def run_scores(rng, seeds, tau=0.02):
    return {k: rng.normal(rng.normal(0.8, tau), 0.1, size=60) for k in seeds}


@pytest.mark.parametrize("seeds", [3, 5])
def test_training_runs_are_the_units(seeds):
    rng = np.random.default_rng(seeds)

    def method():
        return claimable.over_runs(run_scores(rng, range(seeds)), run_scores(rng, range(seeds)))

    def pooled():
        arms = (run_scores(rng, range(seeds)) for _ in "ab")
        return claimable.unpaired(*(np.concatenate(list(arm.values())) for arm in arms))

    assert all(compatible(r, 2000, 0.026) for r in rate(2000, method))
    assert all(compatible(r, 1000, 0.143) for r in rate(1000, pooled))


def test_faithfulness_at_its_bound():
    rng = np.random.default_rng(3)
    ids = [f"e{k}" for k in range(180)]

    def nested():
        ceiling = rng.random(180) < 0.95
        circuit = ceiling & (rng.random(180) < 0.9)
        return claimable.faithfulness(circuit, ceiling, ids, chance=0.0)

    passes, fails = rate(1500, nested, 0.9)
    assert compatible(passes, 1500, 0.017)
    assert compatible(fails, 1500, 0.014)


def test_near_copies_do_not_make_a_topic():
    rng = np.random.default_rng(4)
    topics, blocks = np.repeat(range(4), 4), np.repeat(range(8), 2)

    def null():
        texts = rng.normal(size=(8, 5))[blocks] + 0.3 * rng.normal(size=(16, 5))
        return claimable.similarity(np.corrcoef(texts), topics, blocks)

    passes, fails = rate(300, null)
    assert stats.binom.sf(300 * passes - 1, 300, ALPHA) > 1e-3
    assert stats.binom.sf(300 * fails - 1, 300, ALPHA) > 1e-3

    def ignoring_blocks():
        texts = rng.normal(size=(8, 5))[blocks] + 0.3 * rng.normal(size=(16, 5))
        return claimable.similarity(np.corrcoef(texts), topics, range(16))

    assert rate(20, ignoring_blocks)[0] > 0.25

    def real():
        topic = 2 * rng.normal(size=(4, 20))[topics]
        texts = topic + rng.normal(size=(8, 20))[blocks] + 0.3 * rng.normal(size=(16, 20))
        return claimable.similarity(np.corrcoef(texts), topics, blocks)

    assert rate(50, real)[0] > 0.8


@pytest.mark.parametrize("distance", [0.05, 0.02])
def test_units_needed_give_the_promised_power(distance):
    rng = np.random.default_rng(6)

    def paired(n, effect):
        base = rng.normal(size=n)
        return claimable.paired(base + rng.normal(effect, 0.1, size=n), base, range(n))

    needed = paired(20_000, 0).units_needed(distance, ALPHA)
    theory = (1.96 + 0.8416) ** 2 * 0.1**2 / distance**2
    assert needed == pytest.approx(theory, rel=0.1, abs=2)
    passes, _ = rate(1000, lambda: paired(needed, distance))
    assert passes == pytest.approx(0.8, abs=0.07)
    fails = rate(300, lambda: paired(needed, -distance))[1]
    assert fails == pytest.approx(0.8, abs=0.1)


def test_minimum_detectable_effect():
    contrast = claimable.unpaired_summary(0.8, 0.1, 58, 0.8, 0.1, 60)
    assert contrast.minimum_detectable_effect(ALPHA) == pytest.approx(0.052, abs=5e-4)
    eighteen = claimable.unpaired_summary(0.8, 0.105, 18, 0.8, 0.105, 18)
    assert eighteen.minimum_detectable_effect(ALPHA) == pytest.approx(0.097, abs=2e-3)
    per_arm = contrast.units_needed(0.03, ALPHA) / 2
    assert per_arm == pytest.approx(179, abs=8)
    assert contrast.units_needed(0.02, ALPHA) / 2 == pytest.approx(402, abs=12)
    assert contrast.units_needed(0.053, ALPHA / 30) / 2 == pytest.approx(118, abs=15)
    assert contrast.units_needed(contrast.minimum_detectable_effect(ALPHA), ALPHA) in (118, 119)
    assert contrast.minimum_detectable_effect(ALPHA, 0.9) > contrast.minimum_detectable_effect(ALPHA)


@pytest.mark.parametrize("distance", [0.0, -0.1, 1e-12])
def test_no_number_of_units_decides_nothing(distance):
    assert claimable.proportion(8, 16).units_needed(distance, ALPHA) is None
