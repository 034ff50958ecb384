"""Latent cards: what a latent fires on, what was said of it, and every answer, for people to read. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from pathlib import Path
from typing import Any

from ..contrasts.contrast import MIN_UNITS
from ..contrasts.difference import two_proportions
from ..refusal import Refusal
from .accounting import account
from .latent_examples import Example, LatentExamples

FOLDER, SCHEMA = "cards", 1
STRONGEST = 10
"""Windows in the first group of a card."""
PER_DECILE = 5
"""Windows from each tenth: a card of strongest windows alone makes any latent look monosemantic."""
REQUIRED = ("coder", "chosen", "scorer", "explanation", "scores", "answers")


def write_cards(out: Path, latents: Sequence[LatentExamples], about: Mapping[int, Mapping[str, Any]]) -> None:
    """Write ``cards/<latent>.json``, which ``python -m ledger show CLAIM --unit ID`` reads.

    Args:
        out: folder of the artifact.
        latents: with their windows.
        about: per latent ``coder``, ``chosen`` (how it was chosen: evidence or showcase?), ``scorer``,
            ``explanation``, ``scores`` (``{column: {"score", "parse_rate", "n"}}``) and ``answers`` (``{kind: [n]}`` to
            the explanation, in the order of ``test``, None where unread); optionally ``site``, ``unexplained`` (why
            there is no explanation) and whatever else is JSON.

    Raises:
        Refusal: a latent of which nothing is said, a card that does not say how its latent was chosen, or a score that
            does not follow from the answers beside it.
    """
    folder = out / FOLDER
    folder.mkdir()
    for latent in latents:
        if latent.latent not in about:
            raise Refusal(f"nothing about latent {latent.latent}", "what its card says", "Add it, or leave it out.")
        text = json.dumps(_plain(_card(latent, about[latent.latent])), ensure_ascii=False, allow_nan=False)
        (folder / f"{latent.latent}.json").write_text(text + "\n", "utf-8")


def _card(latent: LatentExamples, said: Mapping[str, Any]) -> dict[str, Any]:
    missing = [key for key in REQUIRED if key not in said or (key == "chosen" and not said[key])]
    if missing:
        raise Refusal(f"a card of latent {latent.latent} without {', '.join(missing)}", "all of them", "Say it.")
    scores = {column: dict(score) for column, score in said["scores"].items()}
    truth = [e.activating for e in latent.test]
    for kind, answers in said["answers"].items():
        told = account(truth, answers)
        known = scores.get(kind, {}).get("score")
        if known is None or not (known == told.score or (isnan(known) and isnan(told.score))):
            raise Refusal(
                f"latent {latent.latent}: {kind} {known}, and answers that come to {told.score}",
                "the score of these answers",
                "Score and show the same answers.",
            )
        scores[kind]["interval"] = balanced_interval(truth, answers)
    return {
        "schema": SCHEMA,
        "latent": latent.latent,
        **said,
        "rate": latent.rate,
        "dead": latent.rate == 0,
        "scores": scores,
        "contexts": [{"name": name, "windows": [_window(e) for e in group]} for name, group in groups(latent)],
        "answers": [
            {**_window(e), "answers": {kind: given[i] for kind, given in said["answers"].items()}}
            for i, e in enumerate(latent.test)
        ],
    }


def groups(latent: LatentExamples) -> list[tuple[str, list[Example]]]:
    """The windows that it was explained from: ``strongest``, then some of each ``decile`` (1 is the strongest)."""
    peak = {e.id: max(e.activations, default=0.0) for e in latent.explain}
    ordered = sorted(latent.explain, key=lambda e: (-peak[e.id], e.id))
    found = [("strongest", ordered[:STRONGEST])]
    for decile in sorted({e.decile for e in ordered if e.decile is not None}):
        found.append((f"decile {decile + 1}", [e for e in ordered if e.decile == decile][:PER_DECILE]))
    return [(name, group) for name, group in found if group]


def balanced_interval(activating: Sequence[bool], answers: Sequence[int | None]) -> list[float] | None:
    """95 % interval of a balanced accuracy; None with fewer than ten readable answers in a class.

    It is ``(1 + share of yes on activating - share of yes on others) / 2``: Agresti and Caffo's (2000) interval of
    that difference, halved. About these windows of this latent, which is no unit of any claim.
    """
    read = {
        truth: [a for t, a in zip(activating, answers, strict=True) if t is truth and a is not None]
        for truth in (True, False)
    }
    if min(map(len, read.values())) < MIN_UNITS:
        return None
    found = two_proportions(sum(read[True]), len(read[True]), sum(read[False]), len(read[False])).interval()
    return [(1 + found.lo) / 2, (1 + found.hi) / 2]


def _window(example: Example) -> dict[str, Any]:
    return {
        "id": example.id,
        "activating": example.activating,
        "decile": example.decile,
        "tokens": list(example.tokens),
        "activations": [float(f"{a:.4g}") for a in example.activations],
        "marks": list(example.marks),
    }


def _plain(value: Any) -> Any:
    """NaN and infinities as null: JSON has no word for them."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
