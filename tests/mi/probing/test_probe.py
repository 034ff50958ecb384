"""Probes: planted columns are found, nothing is taken from held-out rows, and nothing comes of nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mi.claimable import proportion
from mi.probing.probe import C, fit, mean_differences, top_columns
from mi.probing.split import FitSet, TestSet, split
from mi.refusal import Refusal


def rows(seed, n=200, d=20, planted=3, gap=2.0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    x = rng.normal(size=(n, d)).astype(np.float32)
    x[:, planted] += gap * y
    return x, y


def sets(seed, **about):
    (x, y), (x2, y2) = rows(seed, **about), rows(seed + 1, **about)
    names = [f"a{k}" for k in range(len(y))], [f"b{k}" for k in range(len(y2))]
    return FitSet(x, y, tuple(names[0])), TestSet(x2, y2, names[1], names[1]), (x2, y2)


def test_the_planted_column_is_chosen_first():
    data, _, _ = sets(0)
    assert top_columns(data, 1).tolist() == [3]


def test_columns_are_ranked_by_the_difference_of_class_means():
    data, _, _ = sets(1)
    expected = data.x[data.y == 1].astype(float).mean(0) - data.x[data.y == 0].astype(float).mean(0)
    assert np.allclose(mean_differences(data), expected)
    assert (np.diff(np.abs(expected)[top_columns(data, 20)]) <= 0).all()


@pytest.mark.parametrize("k", [None, 1, 5])
def test_outcomes_are_those_of_scikit_learn(k):
    data, held, (x2, y2) = sets(2)
    columns = slice(None) if k is None else top_columns(data, k)
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    reference.fit(data.x[:, columns].astype(float), data.y)
    expected = reference.predict(x2[:, columns].astype(float)) == y2
    assert (held.outcomes(fit(data, k=k)) == expected).all()


def test_given_columns_are_what_is_read():
    data, held, _ = sets(3)
    assert held.outcomes(fit(data, columns=[3])).mean() > 0.75
    assert abs(held.outcomes(fit(data, columns=[5])).mean() - 0.5) < 0.15


@given(st.integers(0, 50), st.floats(0.1, 100), st.floats(-100, 100))
@settings(max_examples=20, deadline=None)
def test_a_change_of_units_changes_no_outcome(seed, scale, shift):
    data, held, (x2, y2) = sets(seed, n=60, d=5)
    moved = FitSet((data.x * scale + shift).astype(np.float32), data.y, data.hashes)
    names = list(held.ids)
    again = TestSet((x2 * scale + shift).astype(np.float32), y2, names, names)
    assert np.abs(held.outcomes(fit(data)) - again.outcomes(fit(moved))).mean() < 0.05  # rounding at the border only


@given(st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_held_out_rows_change_nothing_that_is_fitted(seed):
    (x, y), (x2, y2) = rows(seed, n=60, d=6), rows(seed + 1, n=60, d=6)
    data = FitSet(x, y, tuple(f"a{k}" for k in range(60)))
    probe = fit(data, k=2)
    TestSet(x2 * 1e3, y2, [f"b{k}" for k in range(60)], [f"b{k}" for k in range(60)]).outcomes(probe)
    same = fit(data, k=2)
    assert (probe.columns == same.columns).all()
    assert (probe.model.coef_ == same.model.coef_).all()


def test_held_out_rows_cannot_be_read():
    _, held, _ = sets(4)
    public = [name for name in dir(held) if not name.startswith("_")]
    assert public == ["ids", "outcomes"]
    for name in ("x", "y", "_x", "_y", "__x", "__y"):
        with pytest.raises(AttributeError):
            getattr(held, name)


@pytest.mark.parametrize("use", [lambda held: top_columns(held, 2), mean_differences, fit])
def test_choosing_and_fitting_take_training_rows_only(use):
    _, held, _ = sets(5)
    with pytest.raises((Refusal, AttributeError)):
        use(held)


def test_a_probe_is_not_tested_on_what_it_was_fitted_on():
    data, _, (x2, y2) = sets(6)
    shared = [*data.hashes[:2], *(f"b{k}" for k in range(len(y2) - 2))]
    with pytest.raises(Refusal, match="fitted on 2 of the texts"):
        TestSet(x2, y2, shared, shared).outcomes(fit(data))


def test_training_halves_of_one_artifact_are_no_test(pooled):
    x, y = rows(7, n=40)
    a = pooled("train", y, {"site": x})
    b = pooled("train", y, {"site": x}, prefix="other ")
    with pytest.raises(Refusal, match="two artifacts of the split train"):
        split(a, b, "site")


def test_splits_are_not_exchanged(pooled):
    x, y = rows(8, n=40)
    train, test = pooled("train", y, {"site": x}), pooled("test", y, {"site": x})
    split(train, test, "site")
    with pytest.raises(Refusal, match="Exchange them"):
        split(test, train, "site")


def test_several_names_lie_side_by_side(pooled):
    x, y = rows(9, n=40)
    train, test = (pooled(name, y, {"a": x, "b": x[:, :3]}) for name in ("train", "test"))
    data, _ = split(train, test, ["a", "b"])
    assert data.x.shape == (40, 23)
    with pytest.raises(Refusal, match="'c'"):
        split(train, test, ["a", "c"])


@pytest.mark.parametrize("labels", ["shuffled", "absent"])
def test_planted_nulls_pass_no_more_often_than_the_nominal_rate(labels):
    """200 probes on labels that nothing predicts, each judged as "better than a coin" at 2.5 %."""
    passes = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, len(labels)])
        (x, y), (x2, y2) = rows(seed, n=80, d=12), rows(seed + 1_000, n=150, d=12)
        if labels == "shuffled":
            y, y2 = rng.permutation(y), rng.permutation(y2)
        else:
            y, y2 = rng.integers(0, 2, len(y)), rng.integers(0, 2, len(y2))
        data = FitSet(x, y, tuple(f"a{k}" for k in range(len(y))))
        names = [f"b{k}" for k in range(len(y2))]
        right = TestSet(x2, y2, names, names).outcomes(fit(data, k=5))
        passes += proportion(int(right.sum()), len(right)).limits(0.025)[0] > 0.5
    assert passes <= stats.binom.ppf(0.999, 200, 0.025)
