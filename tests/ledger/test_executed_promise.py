"""What was executed against what was promised."""

import json

import numpy as np
import pytest

from ledger.assess import assess
from ledger.claim import promise_hash
from ledger.verdict import Bound
from mi import claimable

KEYS = {
    "design": ({"design": "mean"}, {}, None, "mean", "paired"),
    "rule": ({}, {}, Bound("below", 0.0), "above", "below"),
    "bound": ({"above": 0.02}, {}, Bound("above", 0.01), 0.02, 0.01),
    "quantity": ({}, {"quantity": "loss"}, None, "accuracy", "loss"),
    "unit": ({}, {"unit": "document"}, None, "prompt", "document"),
    "measured.k": ({"measured": {"k": 16, "l": 1}}, {"params": {"k": 8, "l": 1}}, None, 16, 8),
    "params.k": ({"params": {"k": 16, "l": 1}}, {"params": {"k": 8}}, None, 16, 8),
    "subject": ({}, {"params": {"subject": "gpt2"}}, None, "organism", "gpt2"),
    "n": ({"n": 50}, {}, None, 50, 40),
}


@pytest.mark.parametrize("key", KEYS)
def test_a_difference_in_any_key_has_no_verdict(claim, gap, key):
    about, sample, bound, registered, executed = KEYS[key]
    found = assess(claim(**about), gap(0.1, **sample), bound=bound)
    assert found.verdict is None
    assert found.deviations == [{"key": key, "registered": registered, "executed": executed}]
    assert found.fields["verdict"] is None
    assert found.fields["reason"]["short"] == "deviated"
    assert f"{key}: registered {registered!r}, executed {executed!r}" in found.fields["reason"]["detail"]
    assert found.fields["executed_hash"] != promise_hash(claim(**about).promise)


def test_a_deviation_is_not_saved_by_being_forced_inconclusive(claim, gap):
    found = assess(claim(n=50), gap(0.1, selected_on=["prompt-001"]))
    assert found.verdict is None
    assert found.fields["flags"] == ["selected on test"]


AGREED = {
    "nothing said": ({}, {}),
    "everything said": ({"n": 40}, {"quantity": "accuracy", "unit": "prompt", "params": {"subject": "organism"}}),
    "params": ({"params": {"k": 16}}, {"params": {"k": 16}}),
    "params left open": ({"params": {"k": 16}}, {}),
    "measured": ({"measured": {"k": 16, "sites": [3, 4]}}, {"params": {"k": 16, "sites": [3, 4], "more": 1}}),
    "a tuple for a list": ({"measured": {"sites": [3, 4]}}, {"params": {"sites": (3, 4)}}),
    "16.0 for 16": ({"measured": {"k": 16}, "params": {"noise": 1}}, {"params": {"k": 16.0, "noise": 1.0}}),
    "numpy's 16": ({"measured": {"k": 16, "lr": 0.5}}, {"params": {"k": np.int64(16), "lr": np.float32(0.5)}}),
    "an array for a list": ({"measured": {"sites": [3, 4]}}, {"params": {"sites": np.array([3, 4])}}),
}


@pytest.mark.parametrize("case", AGREED)
def test_what_was_executed_as_promised_has_the_promised_hash(claim, case):
    about, sample = AGREED[case]
    values = claimable.Sample(np.random.default_rng(0).normal(1, 0.1, 40), **sample)
    found = assess(claim(design="mean", **about), claimable.mean(values))
    assert found.verdict == "pass"
    assert found.deviations == []
    assert found.fields["executed_hash"] == promise_hash(claim(design="mean", **about).promise)
    assert json.loads(json.dumps(found.fields, allow_nan=False)) == found.fields


@pytest.mark.parametrize("executed", [None, 8, "16", [16], np.int64(8), np.array([16, 8]), {"k": 16}, {}, True])
def test_measured_otherwise_or_not_at_all(claim, executed):
    values = claimable.Sample(
        np.random.default_rng(0).normal(1, 0.1, 40), params={"k": executed} if executed is not None else {}
    )
    found = assess(claim(design="mean", measured={"k": 16}), claimable.mean(values))
    assert found.verdict is None
    assert [d["key"] for d in found.deviations] == ["measured.k"]
    assert json.loads(json.dumps(found.fields, allow_nan=False)) == found.fields


def test_arms_measured_differently_deviate(claim):
    rng = np.random.default_rng(0)
    a, b = (claimable.Sample(rng.normal(m, 0.1, 30), params={"k": k}) for m, k in ((1, 16), (0, 8)))
    found = assess(claim(design="unpaired", measured={"k": 16}), claimable.unpaired(a, b))
    assert found.deviations == [{"key": "measured.k", "registered": 16, "executed": [16, 8]}]


def test_several_deviations_are_all_named(claim, gap):
    found = assess(claim(n=50, above=0.02), gap(0.1), bound=Bound("above", 0.01))
    assert {d["key"] for d in found.deviations} == {"n", "bound"}
    assert "supersedes: paper.gap" in found.fields["reason"]["fix"]
