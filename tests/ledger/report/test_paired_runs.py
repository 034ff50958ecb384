"""The paired difference of a claim between two runs, and why there is none."""

import gzip
import json

import numpy as np
import pytest

from ledger.report.compare import comparison
from ledger.run import scores_path
from ledger.scores import read_scores
from mi import claimable


def cell_of(run, before, after):
    """The one cell in which two runs of one row differ."""
    (cell,) = comparison(run(before), run(after))["cells"]
    return cell


def sample(shift, seed, units=None, n=40, **about):
    rng = np.random.default_rng(seed)
    units = units or [f"prompt-{k:03d}" for k in range(n)]
    return claimable.Sample(rng.normal(shift, 0.1, n), units, **about)


def test_a_paired_claim_is_compared_by_its_differences(run, judged, claim, gap):
    one, two = gap(0.1, seed=1), gap(0.4, seed=2)
    cell = cell_of(run, judged(claim("a"), one), judged(claim("a"), two))
    wanted = (two - one).interval()
    assert cell["paired"] == {k: getattr(wanted, k) for k in ("estimate", "lo", "hi", "level", "n", "method")}
    assert cell["paired"]["estimate"] == pytest.approx(0.3)


def test_a_mean_is_compared_unit_by_unit(run, judged, claim):
    one, two = sample(0.5, 1), sample(0.9, 2)
    about = claim("a", design="mean")
    rows = [judged(about, claimable.mean(s)) for s in (one, two)]
    cell = cell_of(run, *rows)
    wanted = claimable.paired(two, one).interval()
    assert cell["paired"] == {k: getattr(wanted, k) for k in ("estimate", "lo", "hi", "level", "n", "method")}


def test_outcomes_are_compared_as_outcomes(run, judged, claim):
    units = [f"q{k:02d}" for k in range(60)]
    one, two = ([float(k % m == 0) for k in range(60)] for m in (5, 2))
    about = claim("a", design="mean", above=0.1)
    rows = [judged(about, claimable.mean(claimable.Sample(v, units))) for v in (one, two)]
    cell = cell_of(run, *rows)
    wanted = claimable.paired(claimable.Sample(two, units), claimable.Sample(one, units)).interval()
    assert cell["paired"]["method"] == "bonett-price"
    assert (cell["paired"]["lo"], cell["paired"]["hi"]) == (wanted.lo, wanted.hi)


OTHER = [f"other-{k:03d}" for k in range(40)]


@pytest.mark.parametrize(
    ("about", "one", "two", "reason"),
    [
        ({"design": "mean"}, {}, {"units": OTHER}, "units that do not match (40 only in the first"),
        ({"design": "mean"}, {}, {"n": 39}, "units that do not match"),
        ({"design": "mean"}, {}, {"quantity": "loss"}, "another quantity: accuracy, then loss"),
        ({"design": "mean"}, {}, {"unit": "document"}, "another unit: prompt, then document"),
    ],
    ids=["other units", "a unit less", "another quantity", "another unit"],
)
def test_without_the_same_units_there_is_none_and_why(run, judged, claim, about, one, two, reason):
    rows = [
        judged(claim("a", **about), claimable.mean(sample(s, k, **x)))
        for k, (s, x) in enumerate([(0.5, one), (0.9, two)])
    ]
    cell = cell_of(run, *rows)
    assert reason in cell["paired"]["none"]
    assert set(cell["paired"]) == {"none"}


def test_values_without_ids_are_not_paired_by_position(run, judged, claim):
    rng = np.random.default_rng(0)
    rows = [judged(claim("a", design="mean"), claimable.mean(rng.normal(m, 0.1, 40))) for m in (0.5, 0.9)]
    cell = cell_of(run, *rows)
    assert "without unit ids" in cell["paired"]["none"]


def test_other_designs_have_no_number_per_unit(run, judged, claim):
    rows = [
        judged(claim("a", design="unpaired"), claimable.unpaired(sample(m, 1), sample(0.5, 2, OTHER)))
        for m in (0.6, 1.0)
    ]
    cell = cell_of(run, *rows)
    assert cell["paired"]["none"] == "design unpaired: no number per unit that could be subtracted"


def test_another_design_is_not_compared(run, judged, claim, gap):
    rows = [judged(claim("a"), gap(0.1)), judged(claim("a", design="mean"), claimable.mean(sample(0.9, 3)))]
    cell = cell_of(run, *rows)
    assert cell["paired"]["none"] == "another design: paired, then mean"


def test_a_row_without_scores(run, judged, undecided, claim, gap):
    cell = cell_of(run, judged(claim("a"), gap(0.1)), undecided(claim("a"), "error"))
    assert cell["paired"] == {"none": "one of the two has no scores"}


@pytest.fixture
def two(run, judged, claim, gap):
    return [run(judged(claim("a"), gap(shift, seed=k))) for k, shift in enumerate((0.1, 0.4))]


def test_scores_that_are_lost(two):
    scores_path(two[0].path).unlink()
    (cell,) = comparison(*two)["cells"]
    assert cell["paired"] == {"none": f"the scores of run {two[0].id} are missing or damaged"}


def rewritten(path, edit):
    lines = []
    for digest, stored in read_scores(path):
        edit(stored)
        lines.append(json.dumps({"data": digest, **stored}))
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    "edit",
    [
        lambda stored: stored["arms"][0]["values"].__setitem__(0, 9.0),
        lambda stored: stored["arms"].clear(),
        lambda stored: stored.update(design="mean"),
        lambda stored: stored.update(units=[1]),
        lambda stored: stored.update(options=3),
        lambda stored: stored["arms"][0].update(values=[1e308] * 40),
        lambda stored: stored["arms"][0].update(values="x" * 40),
    ],
    ids=["a value", "no arms", "another design", "other units", "options", "huge", "letters"],
)
def test_scores_that_were_changed_are_not_compared(two, edit):
    rewritten(scores_path(two[1].path), edit)
    (cell,) = comparison(*two)["cells"]
    assert cell["paired"] == {"none": "its scores were changed: they are not what was judged"}


def test_scores_that_lack_the_row(two):
    scores_path(two[1].path).write_bytes(gzip.compress(b'{"data": "other"}\n'))
    (cell,) = comparison(*two)["cells"]
    assert cell["paired"] == {"none": "its scores are missing in one of the runs"}
