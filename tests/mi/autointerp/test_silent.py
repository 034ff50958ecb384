import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.auc import auc
from mi.autointerp.silent import silent_windows


@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 8), st.integers(0, 9))
def test_different_windows_of_the_pool(n, more, kinds, seed):
    rng = np.random.default_rng(seed)
    size = rng.integers(5, 5 + kinds, size=2 * (n + more))
    pool = rng.choice(len(size), n + more, replace=False)
    drawn = silent_windows(pool, size, rng.integers(5, 20, size=7), n, rng)
    assert len(set(drawn.tolist())) == n  # delphi draws with replacement
    assert set(drawn.tolist()) <= set(pool.tolist())


@given(st.integers(0, 20))
def test_every_window_of_a_length_may_come(seed):
    size = np.array([6] * 10 + [20] * 10)
    drawn = silent_windows(np.arange(20), size, np.array([20, 20, 20]), 3, np.random.default_rng(seed))
    assert (drawn >= 10).all()
    seen = {int(silent_windows(np.arange(20), size, np.array([20]), 1, np.random.default_rng(s))[0]) for s in range(99)}
    assert seen == set(range(10, 20))


def test_length_tells_nothing():
    """A latent of long documents: drawn blindly, silent windows are told by their length."""
    rng = np.random.default_rng(0)
    size = np.concatenate([rng.integers(6, 33, size=2000)])
    fires = np.flatnonzero(rng.random(2000) < (size / 40) ** 2)
    pool = np.setdiff1d(np.arange(2000), fires)
    like = size[rng.choice(fires, 40, replace=False)]
    matched = size[silent_windows(pool, size, like, 50, rng)]
    blind = size[rng.choice(pool, 50, replace=False)]
    activating = [True] * len(like) + [False] * 50
    assert abs(auc(activating, [*like, *matched]) - 0.5) < 0.03
    assert auc(activating, [*like, *blind]) > 0.65
