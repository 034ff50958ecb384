"""The hash of a promise: moved by what can move a verdict, by nothing else."""

import dataclasses

import pytest

from ledger.claim import Claim, promise_hash
from ledger.registry import load_report
from ledger.verdict import Bound

TEXT = """\
report: paper
claims:
  gap:
    statement: Ours beats theirs.
    quantity: accuracy
    unit: prompt
    design: paired
    above: 0.02
    measured: {k: 16, site: mlp}
    subjects:
      organism: {expected: pass, reported: {value: 0.1}}
"""


def hash_of(folder, text):
    path = folder / "paper.yaml"
    path.write_text(text)
    return promise_hash(load_report(path).claims["paper.gap"][0].promise)


SAME = {
    "comment": TEXT.replace("above: 0.02", "above: 0.02  # two points"),
    "order of keys": TEXT.replace("    unit: prompt\n    design: paired\n", "    design: paired\n    unit: prompt\n"),
    "order inside": TEXT.replace("{k: 16, site: mlp}", "{site: mlp, k: 16}"),
    "expected": TEXT.replace("expected: pass", "expected: fail"),
    "reported": TEXT.replace("value: 0.1", "value: 0.2"),
    "section, tier, note": TEXT.replace("above: 0.02", "above: 0.02\n    section: '3'\n    tier: gpu\n    note: n"),
    "defaults": TEXT.replace("claims:", "defaults: {unit: document}\nclaims:"),
    "spelling of the bound": TEXT.replace("0.02", "2.0e-2"),
    "white space": TEXT.replace("Ours beats theirs.", "Ours  beats\n      theirs."),
}


@pytest.mark.parametrize("case", SAME)
def test_what_was_not_promised_leaves_the_hash(tmp_path, case):
    assert SAME[case] != TEXT
    assert hash_of(tmp_path, SAME[case]) == hash_of(tmp_path, TEXT)


MOVED = {
    "statement": "Other words.",
    "quantity": "loss",
    "unit": "document",
    "design": "mean",
    "bound": Bound("above", 0.021),
    "rule": Bound("below", 0.02),
    "rope": 0.5,
    "coverage_gap": 0.1,
    "scope": "method",
    "alpha": 0.02,
    "looks": "one",
    "n": 41,
    "family": "other",
    "role": "headline",
    "controls": ("paper.null",),
    "supersedes": "paper.old",
    "subject": "gpt2",
    "params": {"k": 8},
    "measured": {"k": 17, "site": "mlp"},
}


def test_every_promised_key_is_tried(claim):
    assert set(MOVED) == set(claim(coverage_gap=0.05).promise)
    assert set(MOVED) - set(claim().promise) == {"coverage_gap"}  # so that older claims keep their hash


@pytest.mark.parametrize("key", MOVED)
def test_every_promised_key_moves_the_hash(claim, key):
    before = claim(above=0.02, measured={"k": 16, "site": "mlp"})
    after = dataclasses.replace(before, **{"bound" if key == "rule" else key: MOVED[key]})
    assert promise_hash(after.promise) != promise_hash(before.promise)


def test_the_only_fields_outside_the_promise_are_expectation_and_display():
    outside = {
        *(
            "id",
            "report",
            "family_size",
            "tier",
            "strict",
            "expected",
            "expected_why",
            "expected_because",
            "reported",
            "source",
        ),
        *("section", "where", "replaces"),
    }
    assert {f.name for f in dataclasses.fields(Claim)} - set(MOVED) == outside


def test_a_hash_is_sixteen_digits_and_known():
    assert promise_hash({"b": 1, "a": [0.5, None]}) == promise_hash({"a": [0.5, None], "b": 1})
    assert promise_hash({}) == "44136fa355b3678a"  # the beginning of sha256("{}")
    with pytest.raises(ValueError, match="Out of range"):
        promise_hash({"a": float("nan")})
