"""Spending of error over attempts, against the critical values of the specification."""

import pytest
from scipy import stats

from ledger.attempts import FIRST, alpha_of_attempt


@pytest.mark.parametrize(("k", "z"), [(1, 2.16), (2, 2.67), (3, 2.93), (5, 3.24), (10, 3.61)])
def test_critical_values(k, z):
    assert stats.norm.isf(alpha_of_attempt(0.025, k, "open")) == pytest.approx(z, abs=0.005)


def test_all_attempts_together_never_spend_more_than_alpha():
    spent = 0.0
    for k in range(1, 100_001):
        spent += alpha_of_attempt(0.025, k, "open")
    assert 0.0249 < spent < 0.025


@pytest.mark.parametrize("k", [1, 2, 7])
def test_a_single_look_is_at_full_alpha(k):
    assert alpha_of_attempt(0.025, k, "one") == 0.025


def test_every_attempt_spends_less_than_the_one_before():
    spent = [alpha_of_attempt(0.01, k, "open") for k in range(1, 50)]
    assert spent == sorted(spent, reverse=True)
    assert len(set(spent)) == len(spent)


def test_the_first_attempt_knows_of_nothing():
    assert (FIRST.number, FIRST.replay, FIRST.changed) == (1, False, None)
