"""What a ledger keeps of a contrast brings back the same contrast, bit for bit."""

import inspect
import json
import re

import numpy as np
import pytest

from mi import claimable
from mi.contrasts.stored import rebuild
from mi.sample import Sample


def test_survives_json(build):
    contrast = build(3)
    again = rebuild(json.loads(json.dumps(contrast.stored(), allow_nan=False)))
    assert again.digest == contrast.digest
    assert again.estimate == contrast.estimate
    assert again.method == contrast.method
    assert again.n == contrast.n
    assert again.counts == contrast.counts
    assert again.support == contrast.support
    assert again.extra == contrast.extra
    assert again.scope == contrast.scope
    assert again.calibration == contrast.calibration
    assert again.excluded_shares == contrast.excluded_shares
    for alpha in (0.025, 0.1):
        assert again.limits(alpha) == contrast.limits(alpha)
    bound = contrast.estimate - contrast.pivot.se
    assert again.p_above(bound) == contrast.p_above(bound)
    assert again.p_below(bound) == contrast.p_below(bound)


def test_every_design_is_covered(designs):
    rng = np.random.default_rng(0)
    built = {design(rng, np.arange).design for design in designs}
    cases = [line for line in inspect.getsource(rebuild).splitlines() if "case " in line]
    assert built == set(re.findall(r'"([a-z-]+)"', "".join(cases)))


def test_digest_ignores_order(build):
    assert build(5, shuffle=1).digest == build(5).digest


def test_digest_follows_the_data(build):
    assert build(5).digest != build(6).digest


def paired(a, b, units, **about):
    return claimable.paired(Sample(a, units, **about), Sample(b, units)).digest


def test_digest_follows_each_part():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    units = [f"doc{k}" for k in range(12)]
    digests = [paired(a, b, units), paired(b, a, units), claimable.unpaired(a, b).digest]
    for k in range(12):
        nudged, renamed = a.copy(), list(units)
        nudged[k] = np.nextafter(nudged[k], 9)
        renamed[k] = "other"
        digests += [paired(nudged, b, units), paired(a, b, renamed)]
    digests.append(paired(a, b, units, planned=13))
    digests.append(paired(a, b, units, selected_on=["doc3"]))
    digests.append(paired(a, b, units, support=(-9, 9)))
    assert len(set(digests)) == len(digests)


def test_digest_ignores_names():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 12))
    named = paired(a, b, range(12), quantity="AUC", params={"layer": 12}, sources=["sha"])
    assert named == paired(a, b, range(12))


def test_options_enter_the_digest():
    rng = np.random.default_rng(2)
    circuit, ceiling = rng.normal(1, 0.1, size=(2, 20))
    digests = {claimable.faithfulness(circuit, ceiling, range(20), chance=c).digest for c in (0, 0.1, 0.2)}
    assert len(digests) == 3


def test_outcomes_are_stored_compactly():
    stored = claimable.proportion(3, 10).stored()
    assert stored["arms"][0]["values"] == "0000000111"


@pytest.mark.parametrize("values", [[0.1 + 0.2] * 9 + [1e-310, 1 / 3, 2.0**60]])
def test_extreme_floats_survive(values):
    contrast = claimable.mean(values)
    assert rebuild(json.loads(json.dumps(contrast.stored()))).limits(0.01) == contrast.limits(0.01)


def test_sample_digest_separates_ids_from_values():
    assert Sample([1.5, 2.5], ["a", "b"]).digest == Sample([2.5, 1.5], ["b", "a"]).digest
    assert Sample([1.5, 2.5], ["a", "b"]).digest != Sample([2.5, 1.5], ["a", "b"]).digest
    assert Sample([1.5, 2.5], ["ab", "c"]).digest != Sample([1.5, 2.5], ["a", "bc"]).digest
    assert Sample([1.5, 2.5]).digest == Sample([2.5, 1.5]).digest


def test_arms_that_agree_on_every_outcome_are_rebuilt():
    """Two artifacts may; they were told apart by their sources, which scores do not keep."""
    right = [1.0] * 55 + [0.0] * 5
    a, b = (Sample(right, range(60), sources=[name]) for name in ("one", "other"))
    for contrast in (a - b, claimable.faithfulness(a, b, chance=0.5)):
        again = rebuild(json.loads(json.dumps(contrast.stored())))
        assert (again.limits(0.025), again.digest) == (contrast.limits(0.025), contrast.digest)
