"""spot_check: some windows of a finished cache encoded again, each document alone, and its counts taken again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..activations.read import Activations
from ..coders.coder import Coder
from ..refusal import Refusal
from ..subjects.gates.report import REORDERED
from .cached import Cached

WINDOWS = 8
SWITCHED = 1  # windows that may have other latents: of two that are equal up to rounding, a TopK coder takes either


def spot_check(stored: Cached, rows: Activations, coder: Coder) -> None:
    """Refuse a cache in which windows have other tokens or latents than their document, or counts do not add up.

    Raises:
        Refusal: with the window, or with the latent.
    """
    _recount(stored)
    windows, kept = stored.windows, torch.tensor(stored.index["latents"])
    filed = {int(latent): stored.firings(int(latent)) for latent in kept}
    device, switched = coder.W_dec.device, 0
    for w in sorted({round(k * (len(windows) - 1) / (WINDOWS - 1)) for k in range(WINDOWS)}):
        document = rows.document(int(windows.document[w]))
        at = (document["position"] == int(windows.start[w])).nonzero().flatten()
        here = slice(int(at[0]), int(at[0]) + int(windows.size[w])) if len(at) else slice(0, 0)
        name = f"window {w}, at {windows.start[w]} of document {stored.documents[windows.document[w]]!r},"
        if document["token"][here].tolist() != list(windows.ids(w)):
            raise Refusal(f"{name} with other tokens than are there", "the tokens that were scored", _LOOK)
        with torch.no_grad():
            again = coder.encode(document[coder.site_in][here].to(device)).cpu()[:, kept]
        cached = torch.zeros_like(again)
        for column, latent in enumerate(kept.tolist()):
            found = filed[latent]
            part = slice(*np.searchsorted(found.window, [w, w + 1]))
            cached[found.offset[part], column] = torch.from_numpy(found.activation[part]).to(cached)
        off = _off(cached, again)
        switched += not off <= 1
        if switched > SWITCHED:
            raise Refusal(
                f"{name} with latents {off:.3g} times as far from those of the document alone as rounding explains",
                "the same activations",
                _LOOK,
            )


_LOOK = "Look for rows filed under another window or place, for values that were rounded, or for another coder."


def _recount(stored: Cached) -> None:
    counts, size = stored.counts, stored.windows.size
    for latent in stored.index["latents"]:
        found = stored.firings(latent)
        if (found.window >= len(size)).any() or (found.offset >= size[found.window]).any():
            raise Refusal(f"latent {latent} in padding, or in no window", "places that hold tokens", _LOOK)
        given = (int(counts["windowed"][latent]), int(counts["windows"][latent]))
        seen = (len(found.window), len(np.unique(found.window)))
        if given != seen or counts["tokens"][latent] < given[0]:
            raise Refusal(
                f"latent {latent} counted on {given[0]} tokens in {given[1]} windows",
                f"{seen[0]} tokens in {seen[1]} windows, which are on file",
                "Look for places that were lost, filed twice or filed under another latent.",
            )


def _off(cached: Tensor, again: Tensor) -> float:
    """The largest difference, as a multiple of what another batch may change."""
    a, b = cached.double(), again.double()
    active = b[b != 0]
    if not len(active):
        return 0.0 if not bool(a.any()) else float("inf")
    allowed = REORDERED[torch.float32] * float(active.square().mean().sqrt())
    return float((a - b).abs().max()) / allowed
