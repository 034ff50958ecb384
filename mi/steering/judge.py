"""Judges: whether a continuation shows the concept. They read text, and nothing of the model that wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..organism.world.lexicon import GROUP, JOBS
from ..probing.labelled import Labelled, require_apart
from ..refusal import Refusal
from .directions import FITTED

FOR_JUDGE = slice(1, None, 2)  # the training examples that no direction was fitted on
assert FITTED.start != FOR_JUDGE.start
BAR = 0.8
"""What a judge's accuracy on held-out examples has to lie above, with its whole exact 95 % interval."""


OUTDOOR = tuple(job for job in JOBS if GROUP[job] == "outdoor")
INDOOR = tuple(job for job in JOBS if GROUP[job] == "indoor")


class Judge(Protocol):
    """Reads continuations. It is given strings, so activations and latents cannot reach it."""

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """``[n]`` 1 where a text shows the concept, else 0."""


class AnswerKey:
    """Whether the first word of a text that is in the key at all is one of ``wanted``."""

    def __init__(self, wanted: Sequence[str], others: Sequence[str]) -> None:
        self.wanted = frozenset(wanted)
        self.named = re.compile(rf"\b({'|'.join(map(re.escape, (*wanted, *others)))})\b", re.IGNORECASE)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """See :class:`Judge`."""
        found = (self.named.search(text) for text in _strings(texts))
        return np.array([match is not None and match[1].lower() in self.wanted for match in found], dtype=np.int64)


class Lexical:
    """Logistic regression (scikit-learn) on the words of training examples; a text of unknown words shows nothing."""

    def __init__(self, texts: Sequence[str], labels: NDArray[np.int64]) -> None:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression

        # A word of one text alone says nothing about others; the rare ones are names and places.
        self.words = CountVectorizer(min_df=2, binary=True)
        self.model = LogisticRegression(max_iter=1_000)
        self.model.fit(self.words.fit_transform(_strings(texts)), labels)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """See :class:`Judge`."""
        counts = self.words.transform(_strings(texts))
        known = np.asarray(counts.sum(1))[:, 0] > 0
        shown = known & (self.model.decision_function(counts) > 0)
        return np.asarray(shown, dtype=np.int64)


KEYS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "job_outdoor": (OUTDOOR, INDOOR),
    "nurse": (("nurse",), ("teacher",)),
    # Bias-in-Bios 19 and 21, physician and professor, by words that name or place the one and not the other.
    "professions_19_21": (
        ("physician", "doctor", "surgeon", "hospital", "clinic", "patients", "medical", "medicine"),
        ("professor", "lecturer", "university", "faculty", "students", "teaches", "teaching", "research"),
    ),
}
"""Words of the concept and of its opposite. On the organism's world they are the answer itself."""


def answer_key(concept: str) -> AnswerKey:
    """The key of a concept.

    Raises:
        Refusal: a concept without one.
    """
    if concept not in KEYS:
        raise Refusal(f"concept {concept!r}", f"one of {', '.join(KEYS)}", "Judge it by the lexical judge.")
    return AnswerKey(*KEYS[concept])


def lexical(examples: Labelled, exam: Labelled, bar: float = BAR) -> tuple[Lexical, dict[str, Any]]:
    """The judge, fitted on the training examples that no direction was fitted on, and how it did on held-out ones.

    Returns:
        the judge, and ``accuracy, lo, hi`` (exact 95 % interval), ``n``, ``fitted_on``, ``words``.

    Raises:
        Refusal: examples of another split, texts in both, or an accuracy that is not clearly above ``bar``.
    """
    from scipy.stats import binomtest

    require_apart(examples, exam)
    if examples.split != "train":
        raise Refusal(f"examples of {examples.split} to fit a judge on", "train", "Correct the recipe.")
    judge = Lexical(examples.texts[FOR_JUDGE], examples.labels[FOR_JUDGE])
    right = int((judge(exam.texts) == exam.labels).sum())
    limits = binomtest(right, len(exam)).proportion_ci(0.95, "exact")
    facts = {
        **{"accuracy": right / len(exam), "lo": float(limits.low), "hi": float(limits.high), "n": len(exam)},
        **{"fitted_on": len(examples.texts[FOR_JUDGE]), "words": len(judge.words.vocabulary_)},
    }
    if not limits.low > bar:
        raise Refusal(
            f"a judge that is right on {right} of {len(exam)} held-out examples",
            f"clearly above {bar:g}",
            "Words do not give this concept away; choose another concept or another judge.",
        )
    return judge, facts


def _strings(texts: Sequence[str]) -> list[str]:
    if not all(isinstance(text, str) for text in texts):
        raise Refusal(
            f"a {type(next(t for t in texts if not isinstance(t, str))).__name__} to judge",
            "text: a judge that reads activations shares a basis with what is steered",
            "Give it the continuations.",
        )
    return list(texts)
