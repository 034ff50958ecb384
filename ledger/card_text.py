"""A latent card in a terminal: tokens by how strongly the latent fires on them, scores, and every answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from .cards import Card
from .errors import LedgerError
from .terminal import Style
from .text import clean

# Backgrounds from pale to strong, black on them: linear in activation, readable on light and dark terminals.
SHADES = (230, 229, 222, 215, 208)
LONGEST = 200  # characters of a token; longer ones are cut
_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "«": "‹", "»": "›"}
_ASCII = {"␣": "_", "⏎": "\\n", "⇥": "\\t", "␍": "\\r", "«": "<<", "»": ">>", "‹": "<", "›": ">"}
WORDS = {True: "right", False: "wrong", None: "unread"}


def card_text(card: Card, style: Style, colour: bool) -> str:
    """The whole card. With ``colour``, backgrounds show activations; otherwise ``«`` and ``»`` stand around tokens.

    Raises:
        LedgerError: something is not as ``mi.autointerp.cards`` writes it.
    """
    try:
        return "\n".join(_lines(card, _Pen(style, colour, _strongest(card.content)))) + "\n"
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as exc:
        raise LedgerError(f"the card in {card.artifact[:12]} cannot be shown ({type(exc).__name__})") from None


class _Pen:
    """Writes windows of tokens; ``strongest`` is the activation with the strongest shade."""

    def __init__(self, style: Style, colour: bool, strongest: float) -> None:
        self.style, self.colour, self.strongest = style, colour, strongest

    def plain(self, text: object) -> str:
        text = clean(text)
        if not self.style.unicode:
            for fancy, ascii_ in _ASCII.items():
                text = text.replace(fancy, ascii_)
        return self.style.text(text)

    def window(self, window: Mapping[str, Any], marked: Iterable[int]) -> str:
        """Marked tokens between « and »; with colours underlined, and every token shaded by its activation."""
        marks, open_ = set(marked), False
        parts = []
        for i, token in enumerate(window["tokens"]):
            if not self.colour and open_ != (i in marks):
                parts.append(self.plain("«" if not open_ else "»"))
                open_ = not open_
            parts.append(self._token(token, window["activations"][i], i in marks))
        return "".join(parts) + (self.plain("»") if open_ else "")

    def _token(self, token: str, activation: float, marked: bool) -> str:
        text = self.plain(visible(token))
        if not self.colour:
            return text
        shade = min(len(SHADES), ceil(len(SHADES) * activation / self.strongest)) if self.strongest > 0 else 0
        codes = [f"48;5;{SHADES[shade - 1]};38;5;16"] if shade > 0 else []
        codes += ["4"] if marked else []
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes else text


def visible(token: str) -> str:
    """White space, control and invisible characters as symbols; guillemets as single ones, so that none is ours."""
    token = token if len(token) <= LONGEST else f"{token[:LONGEST]}…({len(token)} characters)"
    return "".join(_VISIBLE.get(ch, ch if ch.isprintable() else f"<{ord(ch):x}>") for ch in token)


def _strongest(card: Mapping[str, Any]) -> float:
    windows = [w for group in card["contexts"] for w in group["windows"]] + list(card["answers"])
    return max((float(a) for w in windows for a in w["activations"]), default=0.0)


def _lines(card: Card, pen: _Pen) -> Iterator[str]:
    about = card.content
    site = f" at {about['site']}" if about.get("site") else ""
    yield pen.plain(f"latent {about['latent']} of {about['coder']}{site}{', dead' if about['dead'] else ''}")
    scorer = about["scorer"] if isinstance(about["scorer"], str) else json.dumps(about["scorer"], ensure_ascii=False)
    said = f'"{about["explanation"]}"' if about["explanation"] else f"none: {about.get('unexplained') or 'not asked'}"
    facts = (
        ("chosen", about["chosen"]),
        ("fires", f"on {float(about['rate']):.3%} of the tokens of the training texts"),
        ("explanation", said),
        ("scorer", scorer),
        ("artifact", card.artifact),
    )
    for name, value in facts:
        yield pen.plain(f"{name:<14}").ljust(16) + pen.plain(value)
    yield from _scores(about, pen)
    for group in about["contexts"]:
        yield ""
        yield pen.plain(f"{group['name']}, training texts") + ":"
        for w in group["windows"]:
            firing = [i for i, a in enumerate(w["activations"]) if a > 0]
            yield f"  {max(w['activations'], default=0.0):9.3f}  {pen.window(w, firing)}"
    yield from _answers(about["answers"], pen)


def _scores(about: Mapping[str, Any], pen: _Pen) -> Iterator[str]:
    yield ""
    yield "balanced accuracy, chance is 0.5:"
    for name, score in about["scores"].items():
        value = "not measurable" if score["score"] is None else f"{score['score']:.3f}"
        interval = score.get("interval")
        around = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
        read = f"{float(score['parse_rate']):.1%} of {int(score['n'])} answers read"
        yield f"  {pen.plain(str(name).replace('_', ', ')):<20}{value}{around}, {read}"


def _answers(windows: Sequence[Mapping[str, Any]], pen: _Pen) -> Iterator[str]:
    kinds = list(dict.fromkeys(kind for w in windows for kind in w["answers"]))
    words = [[WORDS[_right(w, kind)] if kind in w["answers"] else "-" for kind in kinds] for w in windows]
    yield ""
    yield f"every answer, {len(windows)} windows of held-out texts, marked as for fuzzing:"
    for i, kind in enumerate(kinds):
        counts = Counter(given[i] for given in words)
        yield f"  {pen.plain(kind)}: " + ", ".join(f"{counts[word]} {word}" for word in WORDS.values())
    yield "  " + "".join(f"{name:<10}  " for name in ["fires", *map(pen.plain, kinds)]) + "window"
    for w, given in zip(windows, words, strict=True):
        fires = f"{max(w['activations'], default=0.0):.3f}" if w["activating"] else "no"
        yield "  " + "".join(f"{word:<10}  " for word in (fires, *given)) + pen.window(w, w["marks"])


def _right(window: Mapping[str, Any], kind: str) -> bool | None:
    answer = window["answers"][kind]
    return None if answer is None else bool(answer) is bool(window["activating"])
