"""Everything that must not reach a verdict, and that its refusal says what to do."""

import re

import numpy as np
import pytest

from mi import claimable
from mi.claimable import Refusal, Sample
from mi.contrasts.stored import rebuild

RNG = np.random.default_rng(0)
SCORES = RNG.normal(1, 0.3, size=60)
OTHER = RNG.normal(0.5, 0.3, size=60)
OUTCOMES = (RNG.random(60) < 0.7).astype(float)
FLAT = np.full(60, 0.1)
IDS = [f"doc{k}" for k in range(60)]
SETS = RNG.normal(size=(20, 60))
MATRIX = np.add.outer(OTHER, OTHER)[:12, :12]
TOPICS, BLOCKS = list("xxxxyyyyzzzz"), list("aabcddefgghi")
RUNS = {k: RNG.normal(size=20) for k in range(5)}


CONDITION = {"params": {"layer": 3}, "sources": ["sae@abc"]}


def a(values=SCORES, units=IDS, **about):
    return Sample(values[: len(units)], units, **about)


def b(values=OTHER, units=IDS, **about):
    return a(values, units, **about)


def broken(value):
    return np.append(SCORES, value)


def alike(texts=12, matrix=MATRIX, topics=TOPICS, blocks=BLOCKS, units=None):
    return claimable.similarity(matrix[:texts, :texts], topics[:texts], blocks[:texts], units)


def first(n, arms):
    return dict(list(arms.items())[:n])


REFUSED = [  # name, what the refusal says was given, attempt
    # one sample
    ("nan", "NaN or infinite", lambda: Sample(broken(np.nan))),
    ("infinite", "NaN or infinite", lambda: Sample(broken(-np.inf))),
    ("missing", "NaN or infinite", lambda: Sample([0.5, None, 0.7])),
    ("summary-nan", "NaN or infinite", lambda: claimable.unpaired_summary(np.nan, 0.1, 60, 0.4, 0.1, 60)),
    ("empty", "no values", lambda: Sample([])),
    ("empty-run", "no values", lambda: claimable.over_runs({**RUNS, "late": []})),
    ("matrix", "values of shape", lambda: Sample(SETS)),
    ("scalar", "values of shape", lambda: Sample(0.9)),
    ("words", "not numbers", lambda: Sample(["high", "low"])),
    ("ragged", "not numbers", lambda: Sample([[1.0], [1.0, 2.0]])),
    ("above-support", "with support=", lambda: Sample([0.2, 1.1], support=(0, 1))),
    ("below-support", "with support=", lambda: Sample([0.2, -0.1], support=(0, 1))),
    ("swapped-support", "^support=", lambda: Sample([0.2, 0.4], support=(1, 0))),
    ("nan-support", "^support=", lambda: Sample([0.2, 0.4], support=(0, np.nan))),
    ("endless-support", "^support=", lambda: Sample([0.2, 0.4], support=(0, np.inf))),
    ("fewer-ids", "unit ids", lambda: Sample(SCORES, IDS[1:])),
    ("repeated-id", "occurs 2 times", lambda: Sample([1.0, 2.0, 3.0], ["p", "q", "p"])),
    ("repeated-id-as-text", "occurs 2 times", lambda: Sample([1.0, 2.0], [1, "1"])),
    ("run-twice", "occurs 2 times", lambda: claimable.over_runs({**RUNS, "1": SCORES})),
    ("repeated-text", "occurs 2 times", lambda: alike(units=[*IDS[:11], IDS[0]])),
    ("planned-too-few", "planned=59", lambda: Sample(SCORES, planned=59)),
    ("token-units", "as the independent unit", lambda: claimable.mean(a(unit="token"))),
    ("position-units", "as the independent unit", lambda: a(unit="positions") - b(unit="positions")),
    ("more-successes", "successes of 16", lambda: claimable.proportion(17, 16)),
    ("half-a-success", "successes of 16", lambda: claimable.proportion(12.5, 16)),
    ("true-successes", "successes of 16", lambda: claimable.proportion(True, 16)),
    ("negative-successes", "successes of 16", lambda: claimable.proportion(-1, 16)),
    # too few
    ("9-units", "^9 ", lambda: claimable.mean(SCORES[:9])),
    ("9-outcomes", "^9 ", lambda: claimable.mean(OUTCOMES[:9])),
    ("9-pairs", "^9 ", lambda: a(units=IDS[:9]) - b(units=IDS[:9])),
    ("9-in-one-arm", "^9 ", lambda: claimable.unpaired(SCORES, OTHER[:9])),
    ("summary-9", "^9 ", lambda: claimable.unpaired_summary(0.5, 0.1, 9, 0.4, 0.1, 60)),
    (
        "faithful-9",
        "^9 ",
        lambda: claimable.faithfulness(OTHER[:9], SCORES[:9], IDS[:9], chance=0),
    ),
    (
        "sets-9-examples",
        "^9 ",
        lambda: claimable.against_random_sets(SCORES[:9], SETS[:, :9], IDS[:9]),
    ),
    ("49-for-a-median", "^49 units", lambda: claimable.median(SCORES[:49])),
    ("19-clusters", "^19 clusters", lambda: claimable.clustered_mean(SCORES, [k % 19 for k in range(60)])),
    ("ratio-19", "^19 clusters", lambda: claimable.ratio_of_sums(SCORES[:19], SCORES[:19] + 9, IDS[:19])),
    ("ratio-difference-19", "^19 clusters", lambda: claimable.ratio_difference(*SETS[:4, :19] ** 2, IDS[:19])),
    ("19-sets", "random set", lambda: claimable.against_random_sets(SCORES, SETS[:19], IDS)),
    ("1-set", "random set", lambda: claimable.against_random_sets(SCORES, SETS[:1], IDS)),
    ("1-run", "training run", lambda: claimable.over_runs(first(1, RUNS))),
    ("2-runs", "training run", lambda: claimable.over_runs(first(2, RUNS))),
    ("2-runs-in-one-arm", "training run", lambda: claimable.over_runs(RUNS, {"x": SCORES, "y": OTHER})),
    ("too-few-blocks", "distinct relabellings", lambda: alike(8)),
    ("few-partitions", "distinct relabellings", lambda: alike(9, topics="xxabcdefg", blocks="abcdefghi")),
    # no spread
    ("equal-scores", "all equal", lambda: claimable.mean(FLAT)),
    ("equal-scores-large", "all equal", lambda: claimable.mean(FLAT + 123456789)),
    ("equal-medians", "all equal", lambda: claimable.median(FLAT)),
    ("tied-medians", "all equal", lambda: claimable.median(np.append(FLAT, [3.0]))),
    ("equal-tokens", "all equal", lambda: claimable.clustered_mean(FLAT, [k % 30 for k in range(60)])),
    ("equal-differences", "all equal", lambda: a() - a(SCORES + 1)),
    ("equal-differences-large", "all equal", lambda: a(1e8 * SCORES) - a(1e8 * SCORES + 0.1)),
    ("equal-arms", "all equal", lambda: claimable.unpaired(FLAT, FLAT + 1)),
    ("ratio-constant", "all equal", lambda: claimable.ratio_of_sums(FLAT, 3 * FLAT, IDS)),
    (
        "ratio-difference-itself",
        "all equal",
        lambda: claimable.ratio_difference(SCORES, SCORES**2, SCORES, SCORES**2, IDS),
    ),
    ("faithful-to-itself", "identical scores", lambda: claimable.faithfulness(a(), a(), chance=0)),
    ("copies-of-one-set", "of which 1 differ", lambda: claimable.against_random_sets(SCORES, [SCORES - 1] * 20, IDS)),
    ("equal-runs", "all equal", lambda: claimable.over_runs(dict.fromkeys("abc", FLAT))),
    ("half-error", "zero-width", lambda: claimable.mean(SCORES).limits(0.5)),
    # arms that cannot be compared
    ("no-ids", "without unit ids", lambda: claimable.paired(SCORES, OTHER)),
    ("ids-in-one-arm", "without unit ids", lambda: claimable.paired(a(), OTHER)),
    ("unmatched-id", "do not match", lambda: a() - b(units=[*IDS[:-1], "stranger"])),
    ("unmatched-count", "do not match", lambda: a() - b(units=IDS[:-1])),
    ("faithful-unmatched", "do not match", lambda: claimable.faithfulness(b(units=IDS[1:]), a(), chance=0)),
    ("identical-arms", "identical scores", lambda: a() - a()),
    ("identical-outcomes", "identical scores", lambda: a(OUTCOMES) - a(OUTCOMES)),
    ("same-runs", "identical scores", lambda: claimable.over_runs(RUNS, RUNS)),
    ("same-conditions", "same conditions", lambda: a(**CONDITION) - b(**CONDITION)),
    ("outcomes-and-scores", "outcomes in one arm", lambda: a() - b(OUTCOMES)),
    ("outcomes-and-scores-unpaired", "outcomes in one arm", lambda: claimable.unpaired(OUTCOMES, SCORES)),
    ("two-quantities", " against ", lambda: a(quantity="AUC") - b(quantity="loss")),
    ("two-units", " against ", lambda: a(unit="prompt") - b(unit="document")),
    ("common-ids-unpaired", "occur in both arms", lambda: claimable.unpaired(a(), b(units=[*IDS[:-1], "new"]))),
    ("half-the-seeds", "match only in part", lambda: claimable.over_runs(RUNS, {**first(2, RUNS), "x": SCORES})),
    ("differences-of-unpaired", "differences of a contrast", lambda: claimable.unpaired(SCORES, OTHER).differences),
    ("minus-unpaired", "differences of a contrast", lambda: (a() - b()) - claimable.unpaired(SCORES, OTHER)),
    ("sets-without-ids", "on other examples", lambda: claimable.against_random_sets(SCORES, SETS)),
    ("sets-on-others", "on other examples", lambda: claimable.against_random_sets(a(), [b(units=IDS[1:])] * 20)),
    ("clusters-too-few", "cluster ids", lambda: claimable.clustered_mean(SCORES, IDS[1:])),
    # numbers that make no sense
    ("summary-no-sd", "standard deviations", lambda: claimable.unpaired_summary(0.5, 0.0, 60, 0.4, 0.1, 60)),
    ("ratio-negative", "a denominator", lambda: claimable.ratio_of_sums(SCORES, OTHER - 0.2, IDS)),
    ("ratio-by-zero", "a denominator", lambda: claimable.ratio_of_sums(SCORES, np.zeros(60), IDS)),
    ("ratio-difference-negative", "a denominator", lambda: claimable.ratio_difference(*SETS[:4], IDS)),
    ("no-ceiling", "a ceiling of", lambda: claimable.faithfulness(a(), b(), chance=0.5)),
    ("ceiling-below-chance", "a ceiling of", lambda: claimable.faithfulness(a(), b(), chance=2)),
    ("outcome-ceiling", "a ceiling of", lambda: claimable.faithfulness(a(OUTCOMES), a(1 - OUTCOMES), chance=0.5)),
    ("no-chance", "chance=nan", lambda: claimable.faithfulness(b(), a(), chance=np.nan)),
    (
        "borrowed-nothing",
        "between_set_sd=",
        lambda: claimable.against_one_set(SCORES, OTHER, IDS, between_set_sd=0, between_set_df=3),
    ),
    (
        "borrowed-nan",
        "between_set_sd=",
        lambda: claimable.against_one_set(SCORES, OTHER, IDS, between_set_sd=np.nan, between_set_df=3),
    ),
    (
        "borrowed-no-df",
        "between_set_sd=",
        lambda: claimable.against_one_set(SCORES, OTHER, IDS, between_set_sd=0.1, between_set_df=0),
    ),
    # similarity
    ("one-topic", "texts of one topic", lambda: alike(topics="x" * 12)),
    ("one-block-per-topic", "one block per topic", lambda: alike(blocks=TOPICS)),
    ("block-in-two-topics", "block 'a' in topics", lambda: alike(blocks=["a"] * 5 + BLOCKS[5:])),
    ("asymmetric", "a matrix of shape", lambda: alike(matrix=SETS[:12, :12])),
    ("not-square", "a matrix of shape", lambda: alike(matrix=MATRIX[:, :11])),
    ("nan-similarity", "a matrix of shape", lambda: alike(matrix=MATRIX * np.nan)),
    ("labels-missing", "11 topics", lambda: alike(topics=TOPICS[1:])),
    ("bar-in-a-text-id", r"'\|'", lambda: alike(units=[f"{u}|1" for u in IDS[:12]])),
    # reading off
    ("percentage", "^level=", lambda: claimable.mean(SCORES).interval(95)),
    ("no-level", "^level=", lambda: claimable.mean(SCORES).interval(0)),
    ("nan-level", "^level=", lambda: claimable.mean(SCORES).interval(np.nan)),
    ("no-error", "inf", lambda: claimable.mean(SCORES).limits(0)),
    ("beyond-the-relabellings", "inf", lambda: alike().limits(1e-5)),
    ("unknown-design", "'vibes'", lambda: rebuild({**claimable.mean(SCORES).stored(), "design": "vibes"})),
]


@pytest.mark.parametrize(("given", "attempt"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(given, attempt):
    with pytest.raises(Refusal) as caught:
        attempt()
    refusal = caught.value
    assert re.search(given, refusal.given)
    assert refusal.refused
    assert isinstance(refusal, ValueError)
    for part in (refusal.given, refusal.expected, refusal.fix):
        assert part.strip()
        assert part in str(refusal)


ACCEPTED = {
    "10-units": lambda: claimable.mean(SCORES[:10]),
    "10-outcomes": lambda: claimable.mean(OUTCOMES[:10]),
    "all-successes": lambda: claimable.proportion(10, 10),
    "no-success": lambda: claimable.proportion(0, 10),
    "tiny-scores": lambda: claimable.mean(1e-15 * SCORES),
    "tiny-scores-unpaired": lambda: claimable.unpaired(1e-15 * SCORES, 1e-15 * OTHER),
    "planned-as-many": lambda: claimable.mean(Sample(SCORES, planned=60)),
    "at-the-support": lambda: claimable.mean(Sample(np.append(SCORES, 2), support=(-1, 2))),
    "50-for-a-median": lambda: claimable.median(SCORES[:50]),
    "20-clusters": lambda: claimable.clustered_mean(SCORES, [k % 20 for k in range(60)]),
    "token-outcomes-in-clusters": lambda: claimable.clustered_mean(OUTCOMES, [k % 20 for k in range(60)], unit="token"),
    "10-pairs": lambda: a(units=IDS[:10]) - b(units=IDS[:10]),
    "one-discordant-pair": lambda: a(OUTCOMES) - a(np.append(1 - OUTCOMES[0], OUTCOMES[1:])),
    "other-conditions": lambda: a(params={"layer": 3}) - b(params={"layer": 4}),
    "other-sources": lambda: a(params={"layer": 3}, sources=["x"]) - b(params={"layer": 3}, sources=["y"]),
    "10-per-arm": lambda: claimable.unpaired(SCORES[:10], OTHER[:10]),
    "one-constant-arm": lambda: claimable.unpaired(SCORES, FLAT),
    "20-of-a-ratio": lambda: claimable.ratio_of_sums(SCORES[:20], SCORES[:20] ** 2, IDS[:20]),
    "20-sets": lambda: claimable.against_random_sets(SCORES[:10], SETS[:, :10], IDS[:10]),
    "3-runs": lambda: claimable.over_runs(first(3, RUNS)),
    "40-relabellings": lambda: alike(),
    "perfect-ceiling": lambda: claimable.faithfulness(a(OUTCOMES), a(np.ones(60)), chance=0.5),
    "good-ceiling": lambda: claimable.faithfulness(a(OUTCOMES), a(np.repeat([1.0, 0.0], [55, 5])), chance=0.5),
}


@pytest.mark.parametrize("attempt", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(attempt):
    contrast = attempt()
    lo, hi = contrast.limits(0.025)
    assert lo < hi
    assert lo <= contrast.estimate <= hi


def test_agreeing_outcomes_of_two_artifacts_are_told_apart():
    ours, theirs = a(OUTCOMES, sources=["sae@abc"]), a(OUTCOMES, sources=["circuit@def"])
    assert (ours - theirs).estimate == 0
    assert claimable.faithfulness(ours, theirs, chance=0).estimate == 1


def test_shared_measurement_settings_are_no_shared_condition():
    assert (a(params={"ctx": 128}) - b(params={"ctx": 128})).params == {"ctx": 128}
