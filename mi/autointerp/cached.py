"""Cached: the files that the cache builder leaves, read back."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from ..activations.index import DOCUMENTS, HASHES
from ..refusal import Refusal
from .windows import Ints, Windows

INDEX, WINDOWS, COUNTS, FOLDER = "index.json", "windows.safetensors", "counts.safetensors", "latents"


class Firings(NamedTuple):
    """Where one latent fires, in the order of the windows."""

    window: Ints
    """``[m]``."""
    offset: Ints
    """``[m]`` place in the window."""
    activation: NDArray[np.float32]
    """``[m]``, positive."""


class Cached:
    """Latents of one coder on one harvest.

    Attributes:
        path: the artifact's folder.
        index: coder, subject, texts, kept latents, and how much there is.
    """

    def __init__(self, path: Path) -> None:
        """Read the index.

        Raises:
            Refusal: not a cache.
        """
        self.path = Path(path)
        try:
            self.index: dict[str, Any] = json.loads((self.path / INDEX).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise Refusal(f"{path} ({type(error).__name__})", "cached latents", "Build them again.") from None

    @property
    def hookpoint(self) -> str:
        """The sub-folder of ``latents`` that delphi is told."""
        return str(self.index["coder"]["site_out"])

    @property
    def n_latents(self) -> int:
        """Of the coder, kept or not."""
        return int(self.index["coder"]["n_latents"])

    @cached_property
    def documents(self) -> list[str]:
        """Ids of the harvest's documents."""
        found: list[str] = json.loads((self.path / DOCUMENTS).read_text("utf-8"))
        return found

    @cached_property
    def text_hashes(self) -> list[str]:
        """:func:`mi.texts.text_hash` of each."""
        found: list[str] = json.loads((self.path / HASHES).read_text("utf-8"))
        return found

    @cached_property
    def windows(self) -> Windows:
        """What was encoded, without what was too short."""
        edges = {name: values.astype(np.int64) for name, values in load_file(self.path / WINDOWS).items()}
        return Windows(edges["document"], edges["start"], edges["size"], self._tensors["tokens"].astype(np.int64))

    @cached_property
    def counts(self) -> dict[str, Ints]:
        """``[n_latents]`` each: scored ``tokens`` on which a latent fires, those of them in windows (``windowed``), and
        ``windows`` in which it fires."""
        return load_file(self.path / COUNTS)

    def rate(self, latent: int) -> float:
        """Share of the scored tokens on which a latent fires."""
        return int(self.counts["tokens"][latent]) / int(self.index["n_tokens"])

    def firings(self, latent: int) -> Firings:
        """Where a kept latent fires.

        Raises:
            Refusal: it was not kept.
        """
        if latent not in self._kept:
            raise Refusal(
                f"latent {latent} of a cache that keeps {len(self._kept)} latents",
                "one of those",
                "Cache the latents that were registered.",
            )
        latents = self._by_latent[:, 2]
        here = slice(*np.searchsorted(latents, [latent, latent + 1]))
        part = self._by_latent[here]
        return Firings(part[:, 0], part[:, 1], self._tensors["activations"][self._order[here]])

    @cached_property
    def _kept(self) -> frozenset[int]:
        return frozenset(self.index["latents"])

    @cached_property
    def _tensors(self) -> dict[str, NDArray[Any]]:
        return load_file(self.path / FOLDER / self.hookpoint / f"0_{self.n_latents - 1}.safetensors")

    @cached_property
    def _order(self) -> Ints:
        return np.argsort(self._tensors["locations"][:, 2], kind="stable")

    @cached_property
    def _by_latent(self) -> Ints:
        return self._tensors["locations"][self._order].astype(np.int64)
