"""Labelled: a text artifact whose documents carry a yes-no label and the split they belong to. Imports no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..refusal import Refusal
from ..texts import Texts, text_hash

SPLITS = ("train", "validation", "test")


class Labelled:
    """Documents with a ``label`` (0 or 1) and a ``split``, the same for all of them.

    Attributes:
        path: the artifact's folder.
        ids: ``[n]`` document ids.
        texts: ``[n]``.
        counterparts: ``[n]`` the minimally changed text with the other label; None where nobody knows one.
        labels: ``[n]`` int64, 0 or 1.
        hashes: ``[n]`` by which texts are told apart, whatever they are called.
        split: what they may be used for: ``train`` (fitting and every choice), ``validation`` (choices) or ``test``.

    Raises:
        Refusal: no labels, splits mixed, or a split of another name.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        lines = list(Texts(self.path))
        wrong = [line["id"] for line in lines if line.get("label") not in (0, 1)]
        splits = {line.get("split") for line in lines}
        if wrong or len(splits) != 1 or not splits <= set(SPLITS):
            what = f"document {wrong[0]!r} without a label" if wrong else f"splits {sorted(map(str, splits))}"
            raise Refusal(
                what, f"label 0 or 1 and one split of {', '.join(SPLITS)}", "Build it with one of mi.probing.examples."
            )
        self.ids = [str(line["id"]) for line in lines]
        self.texts = [str(line["text"]) for line in lines]
        self.counterparts: list[str | None] = [line.get("counterpart") for line in lines]
        self.labels = np.array([line["label"] for line in lines], dtype=np.int64)
        self.hashes = [text_hash(text) for text in self.texts]
        self.split = str(splits.pop())

    def __len__(self) -> int:
        return len(self.ids)


def require_apart(fitted: Labelled, tested: Labelled) -> None:
    """Refuse to test on what was fitted on.

    Raises:
        Refusal: a text in both, or both of the same split.
    """
    shared = set(fitted.hashes) & set(tested.hashes)
    if shared or fitted.split == tested.split:
        what = f"{len(shared)} texts in both" if shared else f"two artifacts of the split {fitted.split}"
        raise Refusal(
            f"examples to fit on and to test on with {what}",
            "no text in both, and two splits",
            "Draw them from splits that the source keeps apart.",
        )
