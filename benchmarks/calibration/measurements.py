"""Measurements: from a draw to a contrast, as a user writes it on the public API."""

from __future__ import annotations

from mi import claimable

from .draw import Draw


def unpaired(draw: Draw) -> claimable.Contrast:
    return claimable.unpaired(*draw.arms)


def mean(draw: Draw) -> claimable.Contrast:
    return claimable.mean(claimable.Sample(draw.arms[0], support=(0, 1)))


def outcomes(draw: Draw) -> claimable.Contrast:
    return claimable.mean(draw.arms[0])


def _two_artifacts(draw: Draw) -> list[claimable.Sample]:
    # Two artifacts may be right on the very same examples; sources tell them apart.
    return [claimable.Sample(arm, draw.ids, sources=[name]) for arm, name in zip(draw.arms, "ab", strict=True)]


def paired(draw: Draw) -> claimable.Contrast:
    a, b = _two_artifacts(draw)
    return a - b


def fvu(draw: Draw) -> claimable.Contrast:
    error, deviation = (arm.sum(axis=1) for arm in draw.arms)
    return claimable.ratio_of_sums(error, deviation, draw.ids)


def random_sets(draw: Draw) -> claimable.Contrast:
    circuit, sets = draw.arms
    return claimable.against_random_sets(circuit, sets.T, draw.ids)


def runs(draw: Draw) -> claimable.Contrast:
    return claimable.over_runs(*(dict(zip(draw.ids, arm, strict=True)) for arm in draw.arms))


def faithfulness(draw: Draw) -> claimable.Contrast:
    # Raw accuracies, as published: the chance-corrected contrast has the same form.
    return claimable.faithfulness(*_two_artifacts(draw), chance=0.0)
