import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.windows import cut
from mi.refusal import Refusal

# A document is a list of runs of scored tokens; between two runs lies a position that is not scored.
DOCUMENTS = st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=3), min_size=1, max_size=6)


def rows(documents, first=1):
    document, position = [], []
    for k, runs in enumerate(documents):
        at = first
        for run in runs:
            document += [k] * run
            position += range(at, at + run)
            at += run + 1
    token = 100 + np.arange(len(document))
    return np.array(document), np.array(position), token


@given(DOCUMENTS, st.integers(1, 9), st.integers(0, 4), st.integers(0, 1))
def test_windows_partition_the_scored_tokens(documents, length, less, first):
    shortest = max(1, length - less)
    document, position, token = rows(documents, first)
    try:
        found = cut(document, position, token, length, shortest)
    except Refusal:
        assert all(run < shortest for runs in documents for run in runs)
        return
    windows = found.windows
    shown = [t for w in range(len(windows)) for t in windows.ids(w)]
    dropped = token[found.window < 0].tolist()
    assert sorted(shown + dropped) == token.tolist()  # each token once: none lost, none twice, no BOS, no padding
    assert len(dropped) == found.dropped_tokens
    assert shown == sorted(shown)
    assert ((windows.size >= shortest) & (windows.size <= length)).all()
    assert len(set(zip(windows.document.tolist(), windows.start.tolist(), strict=True))) == len(windows)
    for w in range(len(windows)):
        here = found.window == w
        assert set(document[here]) == {windows.document[w]}
        assert position[here].tolist() == list(range(windows.start[w], windows.start[w] + windows.size[w]))
        assert found.offset[here].tolist() == list(range(windows.size[w]))
    assert found.documents == len(documents)
    assert found.led == (len(documents) if first else 0)


@given(DOCUMENTS, st.integers(1, 9))
def test_only_the_end_of_a_run_is_shorter(documents, length):
    found = cut(*rows(documents), length, 1)
    runs = [run for runs in documents for run in runs]
    assert sorted(found.windows.size.tolist()) == sorted(
        [length] * sum(run // length for run in runs) + [run % length for run in runs if run % length]
    )
    assert found.dropped == found.dropped_tokens == 0


def test_what_is_dropped_is_counted():
    found = cut(*rows([[10], [3], [7, 2]]), 5, 3)
    assert found.windows.size.tolist() == [5, 5, 3, 5]
    assert (found.dropped, found.dropped_tokens) == (2, 4)


@pytest.mark.parametrize(("length", "shortest"), [(4, 5), (4, 0), (0, 0)])
def test_lengths_that_contradict_each_other(length, shortest):
    with pytest.raises(Refusal, match="shortest <= length"):
        cut(*rows([[9]]), length, shortest)


def test_nothing_left():
    with pytest.raises(Refusal, match="2 windows below 6"):
        cut(*rows([[5], [3]]), 32, 6)
