"""Harvested rows that the scenes of coders, training and metrics share: two disjoint harvests of one random Llama."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mi.activations.harvest import harvest
from mi.activations.read import Activations
from mi.progress import SILENT
from mi.subjects.spec import subject_spec
from mi.subjects.tiny import make_tiny

from ..scratch import fresh
from .subject import LENGTH, MLP_IN, MLP_OUT, POST, SITES, write_texts


@dataclass(frozen=True)
class Harvested:
    """A subject's rows: to train on, and to evaluate on."""

    spec: dict[str, Any]
    train: Path
    held_out: Path
    texts: Path

    def rows(self, site: str, split: str = "train") -> Tensor:
        """``[n, d]`` all rows of a site."""
        parts = Activations(getattr(self, split)).ordered(site, 1 << 20)
        return torch.cat([part[site] for part in parts])


@lru_cache(maxsize=4)
def harvested(seed: int, split_of: str = "train") -> Harvested:
    """Rows of a random Llama of this seed."""
    texts, held = write_texts(1000 + seed, 480, split_of)
    eval_texts, _ = write_texts(seed, 240)
    folder = make_tiny(fresh("llama"), "llama", seed=seed, corpus=[d["text"] for d in held], vocabulary=400)
    spec = subject_spec(folder)
    paths = []
    # The evaluation rows come in several batches, the last of them smaller: a bug in adding them up has to show.
    for path, shard_rows in ((texts, 1 << 16), (eval_texts, 1600)):
        paths.append(fresh("activations"))
        harvest(
            paths[-1],
            progress=SILENT,
            texts=path,
            subject=spec,
            sites=list(SITES),
            max_length=LENGTH,
            shard_rows=shard_rows,
        )
    return Harvested(spec, paths[0], paths[1], eval_texts)


__all__ = ["MLP_IN", "MLP_OUT", "POST", "Harvested", "harvested"]
