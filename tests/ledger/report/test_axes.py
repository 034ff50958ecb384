"""Axes: one per subject and quantity, wide enough for nearly all, with round ticks."""

import pytest

from ledger.report.axes import axes


def row(lo, hi, bound=0.0, rule="above", subject="organism", quantity="accuracy", estimate=0.0):
    about = {"subject": subject, "quantity": quantity, "design": "paired", "rule": rule, "bound": bound}
    return {**about, "lo": lo, "hi": hi, "estimate": estimate}


def test_neither_subjects_nor_quantities_share_one():
    found = axes([row(0, 1), row(0, 50, quantity="logit difference"), row(-9, -8, subject="gpt2")])
    assert {(s, k) for s, by in found.items() for k in by} == {
        ("organism", "accuracy (paired)"),
        ("organism", "logit difference (paired)"),
        ("gpt2", "accuracy (paired)"),
    }
    assert found["gpt2"]["accuracy (paired)"]["lo"] < -9


def test_one_stray_interval_does_not_squeeze_the_others():
    axis = axes([row(0.1 + i / 1000, 0.2 + i / 1000) for i in range(200)] + [row(-900, 900)])
    (found,) = axis["organism"].values()
    assert -1 < found["lo"] < 0
    assert 0.3 < found["hi"] < 1


def test_bounds_and_both_margins_are_on_it():
    (found,) = axes([row(0.4, 0.5, bound=0.9)])["organism"].values()
    assert found["hi"] > 0.9
    (found,) = axes([row(0.01, 0.02, bound=0.1, rule="within")])["organism"].values()
    assert found["lo"] < -0.1 < 0.1 < found["hi"]


def test_rows_without_an_interval_have_no_axis():
    assert axes([row(None, None, estimate=None)]) == {}


@pytest.mark.parametrize("value", [0.0, 3.0, -1e-9])
def test_one_point_has_an_axis(value):
    (found,) = axes([row(value, value, bound=value)])["organism"].values()
    assert found["lo"] < value < found["hi"]
