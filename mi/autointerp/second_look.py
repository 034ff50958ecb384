"""A second look at scores: recomputed from the kept answers, by other code, before anybody sees the first ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from ..refusal import Refusal
from .latent_examples import read_index, read_latents

CLOSE = 1e-12
_LOOK = "Look for answers that were moved, dropped or counted otherwise than the definition says."


def require_answers(
    answers: Path,
    examples: Path,
    drawn: Sequence[int],
    columns: Mapping[str, Sequence[float]],
    facts: Mapping[str, Any],
) -> None:
    """Refuse a table that the kept answers do not confirm.

    Which windows are activating is read from the examples again; scores are areas under the one-point ROC curve, by
    confusion matrices; answers and missing ones are counted anew; what was registered is compared with what is there.

    Raises:
        Refusal: with the first number that comes out otherwise.
    """
    truth = {n.latent: [(e.id, int(max(e.activations) > 0)) for e in n.test] for n in read_latents(examples)}
    lines = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    if sorted(line["latent"] for line in lines) != sorted(truth) or list(drawn) != read_index(examples)["drawn"]:
        raise Refusal(f"answers about {len(lines)} latents", f"the {len(truth)} that were sampled", _LOOK)
    total: dict[str, int] = {}
    missing: dict[str, int] = {}
    for line in lines:
        place, known = list(drawn).index(line["latent"]), truth[line["latent"]]
        if list(zip(line["examples"], line["activating"], strict=True)) != known:
            raise Refusal(f"other windows of latent {line['latent']}", "those that were sampled, in order", _LOOK)
        labels = np.array([label for _, label in known])
        for kind, arms in line["answers"].items():
            for arm, given in arms.items():
                name = kind if arm == "true" else f"{kind}_{arm}"
                values = np.array([np.nan if v is None else float(v) for v in given])
                total[name] = total.get(name, 0) + len(labels)
                missing[name] = missing.get(name, 0) + int(np.isnan(values).sum())
                _compare(f"{name} of latent {line['latent']}", columns[name][place], _roc(labels, values))
                wrong = np.where(np.isnan(values), 1 - labels, values)
                _compare(
                    f"{name}_nulls_wrong of latent {line['latent']}",
                    columns[f"{name}_nulls_wrong"][place],
                    _roc(labels, wrong),
                )
    for name, n in total.items():
        if (facts["examples"][name], facts["missing"][name]) != (n, missing[name]):
            raise Refusal(
                f"{facts['missing'][name]} of {facts['examples'][name]} answers missing ({name})",
                f"{missing[name]} of {n}, counted in the kept answers",
                _LOOK,
            )


def _roc(labels: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> float:
    """The area under the ROC curve of 0/1 answers, which is their balanced accuracy: (1 + TPR - FPR) / 2."""
    read = ~np.isnan(values)
    yes, no = values[read & (labels == 1)], values[read & (labels == 0)]
    if not len(yes) or not len(no):
        return float("nan")
    return float(1 + yes.mean() - no.mean()) / 2


def _compare(what: str, given: float, wanted: float) -> None:
    if not (isnan(given) and isnan(wanted)) and not abs(given - wanted) <= CLOSE:
        raise Refusal(f"{what}: {given:.6g}", f"{wanted:.6g}, from the kept answers", _LOOK)
