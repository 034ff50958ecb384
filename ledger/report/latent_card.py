"""A latent card as the page has it: checked, rounded, with its contexts packed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from ..cards import SCHEMA
from .packed_windows import PackedWindows, Window
from .private import without_secrets

BARS = 10
"""Of the histogram of strongest activations."""


def card_record(card: Mapping[str, Any], windows: PackedWindows) -> dict[str, Any]:
    """What the page shows of one card; its contexts are added to ``windows``.

    ``facts`` and ``own`` are ``[name, text]``: what all cards of an artifact share, and the rest. ``scores`` are rows
    of text. ``groups`` are ``[name, [place in windows, ...], note]``, every context in the first group that has it.
    ``histogram`` counts held-out windows in equal bins from 0 to ``top``. Nothing of ``chosen`` is made up: it is left
    out where the card does not say it.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: not a card as ``mi.autointerp.cards`` writes it.
        LedgerError: it holds something like an access key.
    """
    if card["schema"] != SCHEMA:
        raise ValueError(f"schema {card['schema']!r:.20}, this version reads {SCHEMA}")
    if not all(isinstance(card.get(key), str | None) for key in ("site", "chosen", "explanation", "unexplained")):
        raise ValueError("site, chosen, explanation or unexplained is not text")
    rate = _share(card["rate"])
    if rate is None:
        raise ValueError("no firing rate")
    groups = [(str(g["name"]), [_window(w) for w in g["windows"]]) for g in card["contexts"]]
    held_out = [max(Window.from_json(w).activations) for w in card["answers"] if w["activating"]]
    facts = {"hook point": card.get("site"), "scorer": scorer_text(card["scorer"])}
    kept: dict[str, Any] = without_secrets(
        {
            "latent": _count(card["latent"]),
            "coder": str(card["coder"]),
            "chosen": card.get("chosen"),
            "dead": bool(card["dead"]),
            "facts": [[name, text] for name, text in facts.items() if text],
            "own": [["fires on", f"{100 * rate:.4g} % of the tokens of the training texts"]],
            "said": card["explanation"] or f"none: {card.get('unexplained') or 'not asked'}",
            "scores": [_score(name, score) for name, score in card["scores"].items()],
            "strongest": _four(max((max(w.activations) for _, group in groups for w in group), default=0.0)),
            **_histogram(held_out),
        }
    )
    return {**kept, "groups": _groups(groups, windows)}


def _window(data: Mapping[str, Any]) -> Window:
    window = Window.from_json(data)
    without_secrets("".join(window.tokens), "a context")  # a key may go over several tokens
    return Window(tuple(without_secrets(list(window.tokens))), window.activations)


def _groups(groups: Sequence[tuple[str, Sequence[Window]]], windows: PackedWindows) -> list[list[Any]]:
    seen: set[int] = set()
    found: list[list[Any]] = []
    for name, group in groups:
        places = [windows.add(window) for window in group]
        fresh = [place for place in dict.fromkeys(places) if place not in seen]
        seen.update(places)
        if fresh:
            above = len(places) - len(fresh)
            found.append([name, fresh, f" {above} of {len(places)} are above" if above else ""])
        elif found:
            found[-1][2] += f"{',' if found[-1][2] else ' with'} {name}"
    return found


def scorer_text(scorer: Any) -> str:
    """``chat, model small``: who explained and answered, and how it was set."""
    if isinstance(scorer, str):
        return scorer
    settings = [f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in scorer.items()]
    return ", ".join(text.removeprefix("kind ") for text in settings)


def _score(name: str, score: Mapping[str, Any]) -> list[str]:
    """``[what was asked, balanced accuracy, interval, share of the answers that could not be read]``."""
    value, read, interval = _share(score["score"]), _share(score["parse_rate"]), score.get("interval")
    limits = [_share(x) for x in interval or ()]
    if None in limits or len(limits) not in (0, 2):
        raise ValueError(f"the interval of {name!r:.40} is not [lower, upper]")
    return [
        str(name).replace("_", ", "),
        "not measurable" if value is None else f"{value:.3f}",
        f"[{limits[0]:.3f}, {limits[1]:.3f}]" if limits else "–",
        f"{'–' if read is None else f'{100 * (1 - read):.3g} %'} of {_count(score['n'])}",
    ]


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.40} where a whole number was expected")
    return value


def _share(value: Any) -> float | None:
    """From 0 to 1; None stays None."""
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r:.40} where a share from 0 to 1 was expected")
    return float(value)


def _four(value: float) -> float:
    """To four digits."""
    return float(f"{value:.4g}")


def _histogram(strongest: Sequence[float]) -> dict[str, Any]:
    """Windows by their strongest activation; a value on the edge of two bins is in the lower one."""
    top = max(strongest, default=0.0)
    if top <= 0:
        return {}
    counts = [0] * BARS
    for value in strongest:
        counts[max(0, min(BARS, ceil(BARS * value / top)) - 1)] += 1
    said = ", ".join(f"{n} up to {top * (i + 1) / BARS:.3g}" for i, n in enumerate(counts))
    return {"histogram": counts, "top": _four(top), "label": f"{len(strongest)} windows: {said}"}
