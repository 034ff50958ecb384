"""What words alone give away: nothing about compositional concepts, everything about token concepts."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit

from mi.organism.world import CONCEPTS, examples

TRAIN, TEST = 1500, 600


def bag_of_words(concept):
    """Hits and count of a logistic regression on word counts, on texts whose fillings it has not seen."""
    train, test = (examples(concept, split, 0, n) for split, n in (("train", TRAIN), ("held-out", TEST)))
    if CONCEPTS[concept].group:
        everything = train + test
        groups = [e.group for e in everything]
        a, b = next(GroupShuffleSplit(1, test_size=0.5, random_state=0).split(everything, groups=groups))
        train, test = [everything[k] for k in a], [everything[k] for k in b]
    # Punctuation counts on its own, as in the tokenizer: glued to a word it says where the word stands.
    words = CountVectorizer(token_pattern=r"\w+|[^\w\s]").fit([e.text for e in train])
    x, y = words.transform([e.text for e in train]), [e.label for e in train]
    right = LogisticRegression(C=0.1, max_iter=300).fit(x, y).predict(words.transform([e.text for e in test]))
    return int(np.sum(right == [e.label for e in test])), len(test)


@pytest.mark.parametrize("concept", [c for c, about in CONCEPTS.items() if about.level == "compositional"])
def test_a_bag_of_words_is_at_chance(concept):
    hits, n = bag_of_words(concept)
    low, high = binom.interval(0.9999, n, 0.5)
    assert low <= hits <= high, f"{hits} of {n}"


@pytest.mark.parametrize("concept", [c for c, about in CONCEPTS.items() if about.level == "token"])
def test_a_bag_of_words_reads_token_concepts(concept):
    hits, n = bag_of_words(concept)
    assert hits / n > 0.97


def test_unseen_towns_cannot_be_read_off_words():
    """384 + 128 texts of 128 towns; texts of one town stand and fall together, so the interval is in towns."""
    hits, n = bag_of_words("emblem_bird")
    low, high = binom.interval(0.9999, 64, 0.5)
    assert low <= hits * 64 / n <= high


@pytest.mark.parametrize("concept", CONCEPTS)
def test_labels_are_balanced_and_texts_end_where_the_answer_is_due(concept):
    found = examples(concept, "train", 1, 1000)
    low, high = binom.interval(0.9999, len(found), 0.5)
    assert low <= sum(e.label for e in found) <= high
    for e in found:
        assert e.document.text.startswith(e.text)
        assert e.text == e.text.rstrip()
    assert len({e.text for e in found}) == len(found)


def test_an_unknown_concept_is_refused():
    with pytest.raises(ValueError, match="concept 'truth'; expected one of negated_job_outdoor"):
        examples("truth", "train", 0, 1)
