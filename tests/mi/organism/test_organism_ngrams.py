"""N-grams against a slow and obvious implementation."""

import math
from collections import Counter

import numpy as np
import pytest

from mi.organism.ngrams import NGrams

V = 7


@pytest.fixture
def corpus():
    rng = np.random.default_rng(0)
    return [list(map(int, rng.integers(1, V, rng.integers(1, 6)))) for _ in range(40)]


def slow(corpus, ids):
    def rows(text):
        padded = [0, 0, *text, 0]
        return [(padded[k - 2], padded[k - 1], padded[k]) for k in range(2, len(padded))]

    seen = [row for text in corpus for row in rows(text)]
    one = Counter(c for _, _, c in seen)

    def p(history, word):
        if history is None:
            return (one[word] + 1) / (len(seen) + V)
        n = len(history)
        after = [c for a, b, c in seen if (a, b)[2 - n :] == history]
        back = p(history[1:] or None, word)
        return (after.count(word) + len(set(after)) * back) / (len(after) + len(set(after))) if after else back

    return [
        -sum(math.log(p(h(a, b), c)) for a, b, c in rows(ids))
        for h in (lambda a, b: None, lambda a, b: (b,), lambda a, b: (a, b))
    ]


@pytest.mark.parametrize("ids", [[1, 2, 3], [6, 6, 6, 6], [5]])
def test_against_counting(corpus, ids):
    np.testing.assert_allclose(NGrams(corpus, V).nats(ids), slow(corpus, ids), rtol=1e-12)


def test_probabilities_add_up(corpus):
    """Over the next token: nats of a prefix plus one token, less the nats of ending there."""
    grams = NGrams(corpus[:10], V)
    ends = grams.nats([2])
    words = [grams.nats([2, k]) for k in range(1, V)]
    # p(2 k end)/p(end | 2 k) = p(2 k); only the bigram's can be undone without looking inside
    after = [slow(corpus[:10], [2, k])[1] - (-math.log(_bigram_end(corpus[:10], k))) for k in range(1, V)]
    total = math.exp(-ends[1]) + sum(math.exp(-a) for a in after)
    first = math.exp(-ends[1]) / _bigram_end(corpus[:10], 2)
    assert len(words) == V - 1
    assert total == pytest.approx(first)


def _bigram_end(corpus, k):
    stream = [row for text in corpus for row in zip([0, *text], [*text, 0], strict=True)]
    after = [b for a, b in stream if a == k]
    one = Counter(b for _, b in stream)
    back = (one[0] + 1) / (len(stream) + V)
    return (after.count(0) + len(set(after)) * back) / (len(after) + len(set(after))) if after else back
