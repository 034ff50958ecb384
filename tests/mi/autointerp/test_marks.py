import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.marks import false_marks, true_marks

MARKED = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.sets(st.integers(0, n - 1), min_size=1).map(lambda s: tuple(sorted(s))), st.just(n))
)


@given(st.integers(1, 30), st.lists(MARKED, min_size=1, max_size=4), st.integers(0, 9))
def test_as_many_different_places_as_an_activating_window_has(size, marked, seed):
    marks = false_marks(size, marked, np.random.default_rng(seed))
    assert list(marks) == sorted(set(marks))
    assert marks[0] >= 0
    assert marks[-1] < size
    fitting = {len(m) for m, _ in marked if len(m) <= size}
    assert len(marks) in (fitting or {size})


@given(MARKED, st.integers(0, 9))
def test_in_a_window_of_the_same_size_the_places_are_the_same(marked, seed):
    assert false_marks(marked[1], [marked], np.random.default_rng(seed)) == marked[0]


@given(st.lists(st.floats(0, 100, width=32), min_size=1).filter(any))
def test_the_strongest_token_is_marked_and_no_silent_one(activations):
    marks = true_marks(activations)
    assert activations.index(max(activations)) in marks
    assert all(activations[i] > 0 for i in marks)
    assert set(marks) == {i for i, a in enumerate(activations) if a >= 0.3 * max(activations)}


def test_place_does_not_tell():
    """delphi marks the token at three quarters in every false example: known there by that alone."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(8, 33, size=200)
    marked = [((int(rng.integers(n)),), int(n)) for n in sizes]
    ours = [false_marks(int(n), marked, rng)[0] / n for n in rng.permutation(sizes)]
    theirs = [(n - n // 4) / n for n in sizes]
    true = np.array([m[0] / n for m, n in marked])

    def told(false):
        return max(abs(np.mean(true <= t) - np.mean(np.array(false) <= t)) for t in np.linspace(0, 1, 21))

    assert told(ours) < 0.15
    assert told(theirs) > 0.5
