"""Native: a coder as its own library computes it, the reference of every adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .coder import CoderFacts, CoderFault


class Native(ABC):
    """The library's own coder behind two functions.

    Attributes:
        facts: what ``coder.json`` says, and the sites that the library's file names, if it does.
        library: the library's object.
    """

    def __init__(self, facts: CoderFacts, library: Any) -> None:
        self.facts, self.library = facts, library

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """``[n, d_in]`` to ``[n, n_latents]``."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """``[n, d_in]`` to ``[n, d_out]``, without passing through :meth:`encode`."""


class SparsifyNative(Native):
    """``sparsify.SparseCoder``."""

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        top = self.library.encode(x)
        dense = torch.zeros(len(x), self.library.num_latents, dtype=top.top_acts.dtype, device=x.device)
        return dense.scatter(-1, top.top_indices, top.top_acts)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.library(x, torch.zeros_like(x)).sae_out
        return result


class SaelensNative(Native):
    """``sae_lens.SAE``; rows are centred before where the coder was made for a centred model."""

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        result: Tensor = self.library.encode(x - self._mean(x))
        return result

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.library(x - self._mean(x)) + self._mean(x)
        return result

    def _mean(self, x: Tensor) -> Tensor | float:
        return x.mean(-1, keepdim=True) if self.facts.training.get("centred") else 0.0


def load_native(folder: Path, facts: CoderFacts | None = None) -> Native:
    """The coder in ``folder``, loaded by the library whose format it has.

    Raises:
        CoderFault: a control coder, which no library knows.
    """
    facts = facts or CoderFacts.read(folder)
    if facts.engine == "sparsify":
        from sparsify import SparseCoder

        return SparsifyNative(facts, SparseCoder.load_from_disk(folder))
    if facts.engine == "saelens":
        import warnings

        from sae_lens import SAE

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it advises on loading its model
            return SaelensNative(facts, SAE.load_from_disk(folder, device="cpu"))
    raise CoderFault(f"a coder of engine {facts.engine!r}", "one with a library of its own", "Check the others.")
