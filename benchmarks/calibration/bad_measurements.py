"""Bad measurements: arrays that must not reach a verdict, whatever was claimed of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mi import claimable
from mi.claimable import Contrast, Sample

from .bad_input import BadInput, claim_on
from .draw import names

IDS = names(40, "unit ")
SCORES = np.random.default_rng(0).normal(0.7, 0.1, size=40)
OTHER = np.random.default_rng(1).normal(0.7, 0.1, size=40)
RIGHT = (np.arange(40) % 3 > 0).astype(float)
RUNS = {f"seed {i}": SCORES[8 * i : 8 * i + 8] for i in range(5)}
SETS = np.random.default_rng(2).random((20, 40)).round()


def _with(value: float) -> np.ndarray:
    bad = SCORES.copy()
    bad[7] = value
    return bad


def _paired(a: np.ndarray, b: np.ndarray) -> Contrast:
    return claimable.paired(Sample(a, IDS[: len(a)]), Sample(b, IDS[: len(b)]))


def _coefficient_0(scores: np.ndarray) -> Sample:
    return Sample(scores, IDS, params={"coefficient": 0}, sources=["model"])


def _of(name: str, measure: Callable[[], Contrast]) -> BadInput:
    """Bad whatever the claim: judged, if it comes so far, as a difference above 0."""
    return BadInput(name, lambda: claim_on(measure()))


MEASUREMENTS = (
    # not numbers, or not one per unit
    _of("NaN score", lambda: claimable.mean(_with(np.nan))),
    _of("infinite score", lambda: claimable.mean(_with(np.inf))),
    _of("minus infinite score in one arm", lambda: _paired(SCORES, _with(-np.inf))),
    _of("NaN in an unpaired arm", lambda: claimable.unpaired(_with(np.nan), OTHER)),
    _of("NaN in a document sum", lambda: claimable.ratio_of_sums(_with(np.nan), np.ones(40), IDS)),
    _of("NaN in a random set", lambda: claimable.against_random_sets(RIGHT, [*SETS[1:], _with(np.nan)], IDS)),
    _of("NaN in a training run", lambda: claimable.over_runs({**RUNS, "seed 0": [0.7, np.nan]})),
    _of("NaN summary", lambda: claimable.unpaired_summary(np.nan, 0.1, 58, 0.7, 0.1, 60)),
    _of("NaN chance level", lambda: claimable.faithfulness(RIGHT, np.ones(40), IDS, chance=np.nan)),
    _of("masked scores", lambda: claimable.mean(np.ma.array(SCORES, mask=np.arange(40) < 5))),
    _of("words for scores", lambda: claimable.mean(["high"] * 40)),
    _of("no scores", lambda: claimable.mean([])),
    _of("scores per unit and token", lambda: claimable.mean(SCORES.reshape(8, 5))),
    _of("more ids than scores", lambda: claimable.mean(Sample(SCORES[:-1], IDS))),
    _of("values outside their declared range", lambda: claimable.mean(Sample(SCORES + 1, support=(0, 1)))),
    # too few
    _of("9 units", lambda: claimable.mean(SCORES[:9])),
    _of("9 outcomes", lambda: claimable.mean(RIGHT[:9])),
    _of("9 pairs", lambda: _paired(SCORES[:9], OTHER[:9])),
    _of("9 units in one arm", lambda: claimable.unpaired(SCORES, OTHER[:9])),
    _of("9 published units in one arm", lambda: claimable.unpaired_summary(0.8, 0.1, 9, 0.7, 0.1, 60)),
    _of("9 examples of faithfulness", lambda: claimable.faithfulness(RIGHT[:9], np.ones(9), IDS[:9], chance=0)),
    _of("49 units for a median", lambda: claimable.median(np.append(SCORES, OTHER[:9]))),
    _of("19 documents", lambda: claimable.ratio_of_sums(SCORES[:19], np.ones(19), IDS[:19])),
    _of("19 clusters", lambda: claimable.clustered_mean(SCORES[:38], np.repeat(IDS[:19], 2))),
    _of("19 random sets", lambda: claimable.against_random_sets(RIGHT, SETS[1:], IDS)),
    _of("one random set 20 times", lambda: claimable.against_random_sets(RIGHT, [SETS[0]] * 20, IDS)),
    _of("one random set", lambda: claimable.against_random_sets(RIGHT, SETS[:1], IDS)),
    _of("2 training runs an arm", lambda: claimable.over_runs(dict([*RUNS.items()][:2]), dict([*RUNS.items()][3:]))),
    _of("one training run", lambda: claimable.over_runs({"seed 0": SCORES})),
    _of("6 blocks of texts", lambda: claimable.similarity(np.eye(6), "aabbcc", "uvwxyz")),
    # no spread, no interval
    _of("equal scores", lambda: claimable.mean(np.full(40, 0.7))),
    _of("equal differences", lambda: _paired(SCORES, SCORES - 0.05)),
    _of("equal scores in both arms", lambda: claimable.unpaired(np.full(40, 0.7), np.full(40, 0.6))),
    _of("equal ratios", lambda: claimable.ratio_of_sums(0.2 * SCORES, SCORES, IDS)),
    _of("equal clusters", lambda: claimable.clustered_mean(np.full(40, 0.7), IDS)),
    _of("equal run means", lambda: claimable.over_runs({i: [0.7, 0.8] for i in range(5)})),
    _of("equal scores for a median", lambda: claimable.median(np.full(60, 0.7))),
    _of("published standard deviation 0", lambda: claimable.unpaired_summary(0.8, 0.0, 58, 0.7, 0.1, 60)),
    # arms that do not belong together
    _of("pairing without ids", lambda: Sample(SCORES) - Sample(OTHER)),
    _of("unmatched ids", lambda: Sample(SCORES, IDS) - Sample(OTHER, names(40, "other "))),
    _of("a missing pair", lambda: Sample(SCORES, IDS) - Sample(OTHER[1:], IDS[1:])),
    _of("a repeated id", lambda: claimable.mean(Sample(SCORES, [*IDS[1:], IDS[1]]))),
    _of("unpaired arms that share units", lambda: claimable.unpaired(Sample(SCORES, IDS), Sample(OTHER, IDS))),
    _of("identical arms", lambda: _paired(SCORES, SCORES)),
    _of("identical independent arms", lambda: claimable.unpaired(SCORES, SCORES)),
    _of("identical outcomes", lambda: _paired(RIGHT, RIGHT)),
    _of("identical training runs", lambda: claimable.over_runs(RUNS, RUNS)),
    _of("identical conditions", lambda: _coefficient_0(SCORES) - _coefficient_0(OTHER)),
    _of("outcomes against scores", lambda: _paired(RIGHT, SCORES)),
    _of("two quantities", lambda: Sample(SCORES, IDS, quantity="AUC") - Sample(OTHER, IDS, quantity="FVU")),
    _of("half of the seeds shared", lambda: claimable.over_runs(RUNS, {**{f"new {i}": OTHER for i in range(2)}, "seed 0": SCORES, "seed 1": OTHER})),
    _of("random sets on other examples", lambda: claimable.against_random_sets(RIGHT, [Sample(s, names(40, "x ")) for s in SETS], IDS)),
    _of("a block in two topics", lambda: claimable.similarity(np.eye(8), "aaaabbbb", "uuvvvvww")),
    # tokens as units
    _of("tokens as units", lambda: claimable.mean(Sample(SCORES, unit="token"))),
    _of("positions as units, two arms", lambda: claimable.unpaired(Sample(SCORES, unit="positions"), OTHER)),
    # nonsense counts and ratios
    _of("17 of 16", lambda: claimable.proportion(17, 16)),
    _of("12.5 of 16", lambda: claimable.proportion(12.5, 16)),
    _of("a negative denominator", lambda: claimable.ratio_of_sums(SCORES, -OTHER, IDS)),
    _of("a ceiling at chance", lambda: claimable.faithfulness(RIGHT, np.tile([1.0, 0.0], 20), IDS, chance=0.5)),
    _of("more units scored than planned", lambda: claimable.mean(Sample(SCORES, planned=39))),
    _of("a borrowed spread of 0", lambda: claimable.against_one_set(RIGHT, SETS[0], IDS, between_set_sd=0, between_set_df=3)),
)  # fmt: skip
