"""A second look at fitted probes: the honest ones pass, and each way of peeking or mixing up is refused."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mi.probing.probe import fit
from mi.probing.second_look import SecondLook, require_different_draws
from mi.probing.split import split
from mi.refusal import Refusal

N, D = 120, 12


@pytest.fixture
def data(pooled):
    """Two splits with two planted columns, another mean in the second, and what is fitted on the first."""
    rng = np.random.default_rng(0)

    def one(name, shift):
        y = rng.permutation(np.arange(N) % 2)
        x = 3 * rng.normal(size=(N, D)) + shift
        x[:, :2] += 2 * y[:, None]
        return pooled(name, y, {"a": x})

    return one("train", 0.0), one("test", 0.5)


@pytest.fixture
def look(data):
    """``look(change, k)``: fits, changes the probe or its outcomes, and looks again."""
    rows, held = split(*data, "a")
    again = SecondLook(*(p.path for p in data), "a")

    def run(change=lambda probe, right: (probe, right), k=None, drawn=None):
        probe = fit(rows if drawn is None else rows.take(drawn), k=k)
        again.require(*change(probe, held.outcomes(probe)), k, drawn)

    return run


@pytest.mark.parametrize("k", [None, 1, 5])
def test_an_honest_probe_passes(look, k):
    look(k=k)


def test_so_does_one_on_few_examples(look, data):
    y = data[0].examples.labels
    look(drawn=np.concatenate([np.flatnonzero(y == label)[:10] for label in (0, 1)]))


def test_columns_that_do_not_differ_most_are_refused(look):
    with pytest.raises(Refusal, match="difference of class means"):
        look(lambda probe, right: (replace(probe, columns=np.array([7])), right), k=1)


def test_a_scale_of_other_rows_is_refused(look):
    with pytest.raises(Refusal, match="standard deviations off"):
        look(lambda probe, right: (replace(probe, centre=probe.centre + 0.25), right))


def test_weights_fitted_on_other_labels_are_refused(look, data):
    def change(probe, right):
        x = (data[0].rows("a") - probe.centre) / probe.scale
        other = LogisticRegression(C=0.5, max_iter=1000).fit(x, data[1].examples.labels)
        return replace(probe, model=other), right

    with pytest.raises(Refusal, match="slope"):
        look(change)


def test_outcomes_in_another_order_are_refused(look):
    with pytest.raises(Refusal, match="outcomes"):
        look(lambda probe, right: (probe, right[::-1]))


def test_one_draw_counted_many_times_is_refused_and_drawing_everything_is_not():
    y, rows = np.arange(20) % 2, np.arange(10)
    with pytest.raises(Refusal, match="same examples"):
        require_different_draws([rows, rows[::-1]], y)
    require_different_draws([rows, rows + 1], y)
    require_different_draws([np.arange(20)] * 2, y)
