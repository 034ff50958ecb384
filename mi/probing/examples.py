"""Examples: labelled texts for probes, from the organism's world, from Bias-in-Bios or one's own. Builders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..progress import Progress
from ..refusal import Refusal
from ..texts import hub_data, own_documents, require_file, write_documents
from .labelled import Labelled

WORLD_SPLIT = {"train": "train", "test": "held-out"}
NULLS = ("shuffled", "absent")
BIAS_IN_BIOS = "LabHC/bias_in_bios"


def world(
    out: Path, *, progress: Progress, concept: str, split: str, seed: int, n: int, null: str | None = None
) -> dict[str, Any]:
    """Builder: texts of the generated world, labelled by one of its concepts (:mod:`mi.organism.world.concept`).

    A text is cut in front of the word that depends on the concept. Test texts are made of fillings that training
    never saw.

    Args:
        concept: a key of ``CONCEPTS``.
        split: ``"train"`` or ``"test"``.
        seed: of the texts.
        n: how many; the world may have fewer.
        null: ``"shuffled"``: true labels given to other texts; ``"absent"``: a coin flipped for each text. Nothing
            in the texts predicts either, so a claim that passes on them is a false pass.

    Returns:
        what :func:`mi.texts.write_documents` returns, with ``positive``, the share of label 1.

    Raises:
        Refusal: an unknown concept, split or null.
    """
    from ..organism.world import CONCEPTS, corrupted
    from ..organism.world import examples as drawn

    if concept not in CONCEPTS or split not in WORLD_SPLIT or null not in (None, *NULLS):
        raise Refusal(
            f"concept={concept!r}, split={split!r}, null={null!r}",
            f"one of {', '.join(CONCEPTS)}; one of {', '.join(WORLD_SPLIT)}; null, {' or '.join(NULLS)}",
            "Correct the recipe.",
        )
    found = drawn(concept, WORLD_SPLIT[split], seed, n)
    labels = np.array([example.label for example in found], dtype=np.int64)
    rng = np.random.default_rng([seed, len(split)])
    if null == "shuffled":
        labels = rng.permutation(labels)
    elif null == "absent":
        labels = rng.integers(0, 2, len(labels))
    role = CONCEPTS[concept].role

    def lines() -> Iterator[dict[str, Any]]:
        for example, label in zip(found, labels, strict=True):
            other = None if null else corrupted(example.document).before(role, 0)
            about = {"domain": concept, "split": split, "label": int(label), "counterpart": other}
            yield {"id": example.id, "text": example.text, **about}

    facts = write_documents(out, lines(), progress, f"{concept} {split}", len(found))
    return {**facts, "positive": float(labels.mean())}


def bias_in_bios(
    out: Path, *, progress: Progress, positive: int, negative: int, split: str, n: int, revision: str | None = None
) -> dict[str, Any]:
    """Builder: biographies of two professions, half of each, from the hub's ``LabHC/bias_in_bios``.

    Args:
        positive, negative: the data set's numbers of the professions; microscope used 21 and 19.
        split: ``"train"``, ``"validation"`` (the data set's ``dev``) or ``"test"``.
        n: biographies in all, an even number.

    Raises:
        NotHere: the data set is not in the cache.
        Refusal: equal professions, an odd number, or too few biographies of one.
    """
    if positive == negative or n % 2 or n < 2:
        raise Refusal(f"professions {positive} and {negative}, n={n}", "two professions, an even n", "Correct it.")
    source = "dev" if split == "validation" else split
    taken = {positive: 0, negative: 0}

    def lines() -> Iterator[dict[str, Any]]:
        for index, row in enumerate(hub_data(BIAS_IN_BIOS, None, source, revision)):
            job = int(row["profession"])
            if job in taken and taken[job] < n // 2 and row["hard_text"].strip():
                taken[job] += 1
                about = {"domain": "bias-in-bios", "split": split, "label": int(job == positive), "counterpart": None}
                yield {"id": f"bios/{source}/{index}", "text": row["hard_text"], **about}
            if min(taken.values()) == n // 2:
                return

    facts = write_documents(out, lines(), progress, f"Bias-in-Bios {split}", n)
    if min(taken.values()) < n // 2:
        raise Refusal(f"{taken} biographies in {source}", f"{n // 2} of each profession", "Ask for fewer.")
    return {**facts, "positive": 0.5}


def file(out: Path, *, progress: Progress, path: str, digest: str, split: str) -> dict[str, Any]:
    """Builder: a user's own labelled texts.

    Args:
        path: a ``.jsonl`` file, a line for each text: ``text``, ``label`` (0 or 1), and maybe ``id`` and
            ``counterpart``, the minimally changed text with the other label.
        digest: :func:`mi.texts.file_digest` of it.
        split: what the texts may be used for.

    Raises:
        NotHere: nothing at ``path``.
        Refusal: other contents than ``digest`` says, or a text without a label.
    """
    source = require_file(path, digest)
    lines = [{**line, "split": split} for line in own_documents(source, source.stem)]
    facts = write_documents(out, iter(lines), progress, f"{source.stem} {split}", len(lines))
    return {**facts, "positive": float(Labelled(out).labels.mean())}
