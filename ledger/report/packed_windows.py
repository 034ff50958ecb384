"""Packed windows: tokens and activations of many contexts in a vocabulary and two blobs, a fifth of their JSON."""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 200
"""Characters of a token; of a longer one the page has these and its length."""
STEPS = 255
"""Levels of an activation, as shares of the strongest of its window."""


@dataclass(frozen=True)
class Window:
    """One context.

    Attributes:
        tokens: ``[n_tokens]`` strings.
        activations: ``[n_tokens]``, from 0 to 1e30.
    """

    tokens: tuple[str, ...]
    activations: tuple[float, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Window:
        """``tokens`` and ``activations`` of a window of a card.

        Raises:
            ValueError: not as many activations as tokens, none of either, or not strings and non-negative numbers.
        """
        tokens, activations = data["tokens"], data["activations"]
        if not (isinstance(tokens, list) and isinstance(activations, list) and len(tokens) == len(activations) > 0):
            raise ValueError("a window needs tokens, and as many activations")
        if not all(isinstance(t, str) for t in tokens):
            raise ValueError("a token that is not text")
        if not all(type(a) in (int, float) and 0 <= a <= 1e30 for a in activations):
            raise ValueError("an activation that is not a number from 0 to 1e30")
        return cls(tuple(tokens), tuple(map(float, activations)))


class PackedWindows:
    """Windows, each kept once; ``windowsOf`` in latents.js reads them."""

    def __init__(self) -> None:
        self._places: dict[Window, int] = {}
        self._vocabulary: dict[str, int] = {}

    def add(self, window: Window) -> int:
        """Its place, the old one where the same window is there."""
        for token in window.tokens:
            self._vocabulary.setdefault(token, len(self._vocabulary))
        return self._places.setdefault(window, len(self._places))

    def content(self) -> dict[str, Any]:
        """JSON: ``vocabulary``, ``lengths``, ``peaks`` (strongest activations), ``ids`` and ``levels`` (base64).

        A word of the vocabulary is its text, or ``[first characters, length]``. ``ids`` has ``bits`` per token, low
        byte first. A level is the activation in 255ths of the window's strongest; only 0 has level 0.
        """
        bits = 16 if len(self._vocabulary) <= 1 << 16 else 32
        ids = array("H" if bits == 16 else "I", (self._vocabulary[t] for w in self._places for t in w.tokens))
        if ids.itemsize * 8 != bits or array("H", [1]).tobytes() != b"\x01\x00":
            raise AssertionError("this machine has other integers than every browser")
        levels = bytes(level for w in self._places for level in _levels(w.activations))
        return {
            "vocabulary": [t if len(t) <= LONGEST else [t[:LONGEST], len(t)] for t in self._vocabulary],
            "bits": bits,
            "lengths": [len(w.tokens) for w in self._places],
            "peaks": [float(f"{max(w.activations):.4g}") for w in self._places],
            "ids": b64encode(ids.tobytes()).decode(),
            "levels": b64encode(levels).decode(),
        }


def _levels(activations: tuple[float, ...]) -> list[int]:
    peak = max(activations)
    return [max(1, round(STEPS * a / peak)) if a > 0 else 0 for a in activations]
