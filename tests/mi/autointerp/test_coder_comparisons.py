"""Comparisons of coders by auto-interp, simulated with known truth: what holds its error rate, and what does not.

Latents differ in how well their explanation predicts (Beta, sd .1); each gets 40 activating and 50 other windows, and
answers go missing. Every score is :func:`mi.autointerp.accounting.account` of single answers, as in a run.
"""

import numpy as np
import pytest
from scipy.stats import binomtest

from mi import claimable
from mi.autointerp.accounting import account
from mi.autointerp.matching import match_rates
from mi.claimable import Sample

RUNS, ALPHA = 300, 0.025
TRUTH = [True] * 40 + [False] * 50
SURE = 1e-3
"""A correct procedure fails one assertion in a thousand; the seeds are fixed."""


def accuracies(rng, n, mean, sd=0.1):
    """Per latent the chance of a right answer."""
    k = mean * (1 - mean) / sd**2 - 1
    return rng.beta(mean * k, (1 - mean) * k, n)


def scores(rng, accuracy, nulls=0.0, column="score"):
    """``[n]`` accounts of answers that are right with each latent's own probability, and missing with ``nulls``."""
    right = rng.random((len(accuracy), len(TRUTH))) < np.clip(accuracy, 0, 1)[:, None]
    answers = np.where(right, TRUTH, ~np.array(TRUTH)).astype(object) * 1
    answers[rng.random(answers.shape) < nulls] = None
    return np.array([getattr(account(TRUTH, given), column) for given in answers.tolist()])


def sample(values, name=""):
    return Sample(values, [f"{name}{i}" for i in range(len(values))], unit="latent", support=(0, 1))


def welch(rng, gap, nulls):
    """Sixty latents of one coder and a hundred of another."""
    a, b = (scores(rng, accuracies(rng, n, mean), nulls) for n, mean in ((60, 0.6 + gap), (100, 0.6)))
    return claimable.unpaired(sample(a, "a"), sample(b, "b"))


def matched(rng, gap, nulls):
    """Eighty pairs of latents that fire equally often, which decides half of their variance."""
    common = rng.normal(0, 0.07, 80)
    a, b = (scores(rng, accuracies(rng, 80, mean, 0.07) + common, nulls) for mean in (0.6 + gap, 0.6))
    return claimable.paired(sample(a), sample(b))


def at_most_nominal(passes, n=RUNS):
    return binomtest(int(passes), n, ALPHA, alternative="greater").pvalue > SURE


def beyond_nominal(passes, n=RUNS):
    return binomtest(int(passes), n, ALPHA, alternative="greater").pvalue < SURE


@pytest.mark.parametrize("nulls", [0.0, 0.1])
@pytest.mark.parametrize("design", [welch, matched])
def test_intervals_hold_a_planted_difference_as_often_as_they_say(design, nulls):
    rng = np.random.default_rng(0)
    found = [design(rng, 0.05, nulls).interval() for _ in range(RUNS)]
    held = sum(i.lo < 0.05 < i.hi for i in found)
    assert binomtest(held, RUNS, 0.95).pvalue > SURE
    assert np.mean([i.estimate for i in found]) == pytest.approx(0.05, abs=0.004)  # missing answers take nothing away


@pytest.mark.parametrize("nulls", [0.0, 0.1])
@pytest.mark.parametrize("design", [welch, matched])
def test_equal_coders_pass_no_more_often_than_nominal(design, nulls):
    rng = np.random.default_rng(1)
    found = [design(rng, 0.0, nulls).interval() for _ in range(RUNS)]
    assert at_most_nominal(sum(i.lo > 0 for i in found))
    assert at_most_nominal(sum(i.hi < 0 for i in found))


def test_answers_missing_in_one_arm_make_a_difference_where_they_count_as_wrong():
    """Why the parse rate is a control: the same two coders, one of whose questions a scorer leaves out more often."""
    rng = np.random.default_rng(2)

    def difference(column):
        a, b = (scores(rng, accuracies(rng, 80, 0.6), nulls, column) for nulls in (0.0, 0.1))
        return claimable.unpaired(a, b).interval()

    fair, unfair = ([difference(column) for _ in range(RUNS // 3)] for column in ("score", "nulls_wrong"))
    assert at_most_nominal(sum(i.lo > 0 for i in fair), RUNS // 3)
    assert beyond_nominal(sum(i.lo > 0 for i in unfair), RUNS // 3)


def verdict(interval):
    return "pass" if interval.lo > 0 else "fail" if interval.hi < 0 else "inconclusive"


@pytest.mark.parametrize(("gain", "errs"), [(0.03, 0.19), (0.05, 0.27)])
def test_two_verdicts_that_differ_are_no_interaction(gain, errs):
    """A coder gains the same under both scorers. Whoever reads an interaction off one pass and one other verdict errs
    in 19 % of these simulations at a gain of .03, in 27 % at .05; the interaction's own interval in no more than 5 %."""
    rng = np.random.default_rng(3)
    verdicts, interaction = [], []
    for _ in range(RUNS):
        by_coder = []
        for mean in (0.62 + gain, 0.62):
            quality = accuracies(rng, 80, mean)
            # The weak scorer is nearer to chance on every latent, and less predictable.
            by_coder.append((scores(rng, quality), scores(rng, quality - 0.06 + rng.normal(0, 0.08, 80))))
        under = zip(*by_coder, strict=True)
        verdicts.append([verdict(claimable.unpaired(*arms).interval()) for arms in under])
        gains = [claimable.paired(*map(sample, arms)).differences.values for arms in by_coder]
        interaction.append(claimable.unpaired(*gains).interval())
    assert at_most_nominal(sum(i.lo > 0 for i in interaction))
    assert at_most_nominal(sum(i.hi < 0 for i in interaction))
    differ = sum(strong != weak for strong, weak in verdicts)
    assert binomtest(differ, RUNS, 2 * ALPHA, alternative="greater").pvalue < SURE
    assert differ / RUNS == pytest.approx(errs, abs=0.05)


def test_a_planted_interaction_is_found():
    rng = np.random.default_rng(4)
    passes = 0
    for _ in range(RUNS // 3):
        a, b = (accuracies(rng, 80, 0.65) for _ in "ab")
        gains = [scores(rng, quality) - scores(rng, quality - drop) for quality, drop in ((a, 0.12), (b, 0.02))]
        passes += claimable.unpaired(*gains).interval().lo > 0
    assert passes > 0.9 * (RUNS // 3)


def test_training_runs_are_the_units_of_a_method():
    """Runs differ by .02: five a method hold the nominal rate, three hundred latents of theirs do not."""
    rng = np.random.default_rng(5)

    def runs(first):
        means = 0.6 + rng.normal(0, 0.02, 5)
        return {first + k: scores(rng, accuracies(rng, 60, mean)) for k, mean in enumerate(means)}

    def pooled(arm):
        return np.concatenate(list(arm.values()))

    by_run, by_latent = [], []
    for _ in range(RUNS // 2):
        a, b = runs(0), runs(5)
        by_run.append(claimable.over_runs(a, b).interval())
        by_latent.append(claimable.unpaired(pooled(a), pooled(b)).interval())
    assert at_most_nominal(sum(i.lo > 0 for i in by_run), RUNS // 2)
    assert at_most_nominal(sum(i.hi < 0 for i in by_run), RUNS // 2)
    wrong = sum(i.lo > 0 or i.hi < 0 for i in by_latent)
    assert binomtest(wrong, RUNS // 2, 2 * ALPHA, alternative="greater").pvalue < SURE


class TestSurvivors:
    """Known-bad: rare latents have worse explanations, and one coder's rare latents have too few windows to be scored."""

    def coder(self, rng, n):
        """Firing rates, and accuracies that rise with them; the same for both coders."""
        log_rate = rng.normal(-3, 0.5, n)
        return log_rate, scores(rng, accuracies(rng, n, 0.6, 0.08) + 0.1 * (log_rate + 3))

    def compared(self, rng):
        rate_a, a = self.coder(rng, 80)
        rate_b, b = self.coder(rng, 80)
        alive = np.flatnonzero(rate_a > -3.2)
        naive = claimable.unpaired(Sample(a[alive], planned=80), Sample(b, planned=80))
        pairs = match_rates(
            {str(i): 10 ** rate_a[i] for i in alive}, {str(i): 10**r for i, r in enumerate(rate_b)}, 0.1
        )
        arms = (scores[[int(pair[k]) for pair in pairs]] for k, scores in enumerate((a, b)))
        return naive, claimable.paired(*map(sample, arms))

    def test_they_shift_the_difference_and_matching_takes_it_back(self):
        rng = np.random.default_rng(6)
        found = [self.compared(rng) for _ in range(RUNS // 2)]
        naive, fair = ([c.interval() for c in of] for of in zip(*found, strict=True))
        assert beyond_nominal(sum(i.lo > 0 for i in naive), RUNS // 2)
        assert np.mean([i.estimate for i in naive]) > 0.015  # planted: 0
        assert at_most_nominal(sum(i.lo > 0 for i in fair), RUNS // 2)
        assert np.mean([i.estimate for i in fair]) == pytest.approx(0, abs=0.004)

    def test_the_court_sees_the_shares_that_are_missing(self):
        naive, _ = self.compared(np.random.default_rng(7))
        a, b = naive.excluded_shares
        assert a > 0.2
        assert b == 0
