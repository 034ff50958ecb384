"""A second look at scores: recomputed from the kept answers, by other code, before anybody sees the first ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from ..refusal import Refusal
from .latent_examples import read_index, read_latents
from .registered import digest
from .said import require_said

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
    index, latents = read_index(examples), list(read_latents(examples))
    truth = {n.latent: [(e.id, int(max(e.activations) > 0)) for e in n.test] for n in latents}
    lines = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    if sorted(line["latent"] for line in lines) != sorted(truth) or list(drawn) != index["drawn"]:
        raise Refusal(f"answers about {len(lines)} latents", f"the {len(truth)} that were sampled", _LOOK)
    _require_covered(index, columns, facts)
    _require_others([line["explanations"] for line in lines])
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
                read = 1 - float(np.isnan(values).mean())
                _compare(f"read of {name}, latent {line['latent']}", columns[f"{name}_parse_rate"][place], read)
    for name, n in total.items():
        _compare(f"share read of {name}", facts["parse_rate"][name], 1 - missing[name] / n)
        if (facts["examples"][name], facts["missing"][name]) != (n, missing[name]):
            raise Refusal(
                f"{facts['missing'][name]} of {facts['examples'][name]} answers missing ({name})",
                f"{missing[name]} of {n}, counted in the kept answers",
                _LOOK,
            )
    journal = answers.with_name("journal.jsonl")
    if facts["scorer"]["kind"] == "chat" and facts["spent"]["served_as"] and journal.exists():
        require_said(journal, lines, latents, facts["scorer"])


def _require_covered(
    index: Mapping[str, Any], columns: Mapping[str, Sequence[float]], facts: Mapping[str, Any]
) -> None:
    """Every registered latent has a row: it is dead, or scored, or lost, and nothing else."""
    drawn, rates = index["drawn"], [index["rates"][str(latent)] for latent in index["drawn"]]
    if digest(drawn) != index["digest"] or facts["digest"] != index["digest"]:
        raise Refusal(f"{len(drawn)} latents with digest {digest(drawn)}", f"those of {index['digest']}", _LOOK)
    dead = [float(rate == 0) for rate in rates]
    scored = [float(latent in index["scored"]) for latent in drawn]
    wanted = {"rate": rates, "dead": dead, "scored": scored}
    off = [name for name, values in columns.items() if len(values) != len(drawn)]
    off += [name for name, values in wanted.items() if list(columns[name]) != values]
    ghosts = [name for name in columns if not {name} & {*off, *wanted} and _any_of(columns[name], scored)]
    share = sum(scored) / len(drawn)
    told = [facts[name] for name in ("registered", "dead", "scored")]
    if off or ghosts or told != [len(drawn), sum(dead), sum(scored)] or abs(facts["coverage"] - share) > CLOSE:
        raise Refusal(
            f"{told} latents registered, dead and scored, coverage {facts['coverage']:.3g} ({', '.join([*off, *ghosts])})",
            f"{[len(drawn), int(sum(dead)), int(sum(scored))]}, {share:.3g}, by their firing rates",
            _LOOK,
        )


def _any_of(values: Sequence[float], scored: Sequence[float]) -> bool:
    """Whether a latent that was not scored has a value."""
    return any(not s and not isnan(v) for v, s in zip(values, scored, strict=True))


def _require_others(explanations: Sequence[Mapping[str, str]]) -> None:
    """The shuffled control has each explanation once, and of another latent unless two say the same."""
    own = Counter(e["true"] for e in explanations if "true" in e)
    given = Counter(e["shuffled"] for e in explanations if "shuffled" in e)
    kept = [e["true"] for e in explanations if own[e.get("true", "")] == 1 and e.get("shuffled") == e["true"]]
    if kept or (given and given != own):
        raise Refusal(
            f"{len(kept)} latents shuffled onto their own explanation, {sum((own - given).values())} explanations lost",
            "every latent with another one's, each once",
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
