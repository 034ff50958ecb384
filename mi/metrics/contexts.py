"""Contexts: the tokens around a latent's strongest activations, and what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Context(NamedTuple):
    """One strong activation with the tokens around it."""

    latent: int
    document: str
    domain: str
    position: int
    activation: float
    tokens: list[str]
    activations: list[float]
    peak: int
    """Index of the strongest token in ``tokens``."""

    def line(self) -> str:
        """The text on one line, the peak marked «so», white space made visible."""
        shown = [visible(token) for token in self.tokens]
        shown[self.peak] = f"«{shown[self.peak]}»"
        return "".join(shown)

    def to_json(self) -> dict[str, Any]:
        """All fields, activations at four digits (they are for display)."""
        return {**self._asdict(), "activations": [float(f"{a:.4g}") for a in self.activations]}


class TopDocuments:
    """Per latent the documents with the strongest activations, streamed; one entry per document."""

    def __init__(self, n_latents: int, keep: int) -> None:
        self.keep = keep
        self.value = torch.zeros(0, n_latents)
        self.document = torch.zeros(0, n_latents, dtype=torch.int64)
        self.at = torch.zeros(0, n_latents, dtype=torch.int64)

    def add(self, document: int, latents: Tensor) -> None:
        """Consider one whole document's latents ``[n_tokens, n_latents]``."""
        value, at = latents.max(0)
        self.value = torch.cat([self.value, value[None]])
        self.document = torch.cat([self.document, torch.full_like(at, document)[None]])
        self.at = torch.cat([self.at, at[None]])
        if len(self.value) >= 8 * self.keep:
            self._shrink()

    def of(self, latent: int) -> list[tuple[int, int, float]]:
        """``(document, row within it, activation)``, strongest first; only where it fired."""
        self._shrink()
        columns = (self.document[:, latent], self.at[:, latent], self.value[:, latent])
        return [(int(d), int(a), float(v)) for d, a, v in zip(*columns, strict=True) if v > 0]

    def _shrink(self) -> None:
        # Stable, so that ties go to the document that came first, on every machine.
        order = self.value.sort(dim=0, descending=True, stable=True).indices[: self.keep]
        self.value, self.document, self.at = (x.gather(0, order) for x in (self.value, self.document, self.at))


def window(
    activations: NDArray[np.float64],
    tokens: Sequence[str],
    positions: NDArray[np.int64],
    at: int,
    around: int,
    *,
    latent: int,
    document: str,
    domain: str,
) -> Context:
    """The rows around row ``at`` of a document, whose rows have ``activations``, ``tokens``, ``positions`` ``[n]``."""
    lo, hi = max(0, at - around), min(len(tokens), at + around + 1)
    here = [float(a) for a in activations[lo:hi]]
    return Context(latent, document, domain, int(positions[at]), here[at - lo], list(tokens[lo:hi]), here, at - lo)


def label(contexts: Sequence[Context]) -> str:
    """A guess from the peak tokens alone: the commonest, if at most three make up 60 %; else what kind they are.

    A heuristic for reading tables, not an explanation that anything was tested against.
    """
    peaks = [c.tokens[c.peak] for c in contexts]
    if not peaks:
        return "never fires"
    common, share = [], 0.0
    for token, count in Counter(peaks).most_common(3):
        if count == 1 and len(peaks) > 1:
            break
        common.append(f"{visible(token).strip('␣') or '␣'} ({count}/{len(peaks)})")
        share += count / len(peaks)
        if share >= 0.6:
            return ", ".join(common)
    stripped = [p.strip() for p in peaks]
    kinds = {
        "digits": sum(s.isdigit() for s in stripped),
        "white space": sum(not s for s in stripped),
        "punctuation": sum(bool(s) and not any(ch.isalnum() for ch in s) for s in stripped),
        "capitalised": sum(s[:1].isupper() for s in stripped),
        "lower case": sum(s[:1].islower() for s in stripped),
    }
    kind, count = max(kinds.items(), key=lambda item: item[1])
    return f"{kind} ({count}/{len(peaks)}), mixed tokens" if count >= 0.8 * len(peaks) else "mixed"


def visible(token: str) -> str:
    """White space and control characters as symbols, so that a token can be read in a table."""
    swaps = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍", "`": "ˋ", "|": "∣"}
    return "".join(swaps.get(ch, ch if ch.isprintable() else f"<{ord(ch):x}>") for ch in token)
