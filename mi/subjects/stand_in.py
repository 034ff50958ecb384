"""stand_in: a tiny random model that exists wherever it is asked for, to rehearse what needs a big one."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .errors import NotHere
from .registry import STAND_IN, SUBJECTS

VERSION = 1
"""Goes up when other weights or another tokenizer come out; it is all that a spec says of the files."""
LAYERS, WIDTH, CONTEXT = 4, 32, 256
DOCUMENTS = 400  # of the world, to train the tokenizer on: its words are one token each, as in a big model's
VOCABULARY = 1_200


def is_stand_in(spec: dict[str, Any]) -> bool:
    """Whether a spec's numbers mean nothing."""
    return str(spec["source"]).startswith(STAND_IN)


def require_known(source: str) -> None:
    """Refuse an architecture that is not there.

    Raises:
        NotHere: with those that are.
    """
    names = [name for name in SUBJECTS if name.startswith(STAND_IN)]
    if source not in names:
        raise NotHere(f"{source!r} is no stand-in", fix=f"There are {', '.join(names)}.")


def digest(source: str) -> str:
    """What a spec has in place of the files' digest.

    Raises:
        NotHere: no such architecture.
    """
    require_known(source)
    return f"stand-in:{VERSION}:{source.removeprefix(STAND_IN)}"


def stand_in(source: str) -> Path:
    """The folder of ``"stand-in/<architecture>"``, written on the first call on this machine.

    Weights are drawn from a fixed seed and nothing was ever learned: **no number measured on a stand-in means anything**.
    It says that every build works, on this machine or a rented one, before a big model is paid for. The files are the
    same on every machine with the same torch and tokenizers.

    Raises:
        NotHere: no such architecture.
    """
    require_known(source)
    architecture = source.removeprefix(STAND_IN)
    base = Path(tempfile.gettempdir()) / f"mi-assay-{os.getuid() if hasattr(os, 'getuid') else 0}"
    folder = base / f"stand-in-{VERSION}-{_versions()}" / architecture
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            _write(own / architecture, architecture)
            (own / architecture).rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same files
                raise
        finally:
            shutil.rmtree(own, ignore_errors=True)
    return folder


def _write(folder: Path, architecture: str) -> None:
    from ..organism.world import documents
    from .tiny import make_tiny

    corpus = [document.text for document in documents("train", 0, DOCUMENTS, None)]
    make_tiny(
        folder,
        architecture,
        layers=LAYERS,
        d_model=WIDTH,
        context=CONTEXT,
        corpus=corpus,
        vocabulary=VOCABULARY,
        draw=exact,
    )


def exact(shape: Any) -> Any:
    """About normal, standard deviation 1, from sums of integers: normal draws of torch differ in bits between processors."""
    import torch

    total = torch.randint(0, 1 << 16, (4, *shape), dtype=torch.int64).sum(0)
    return (total - (2 << 16)).double().div(1 << 16).mul(3**0.5).float()


def _versions() -> str:
    """Of what decides the files; without importing any of it."""
    from importlib.metadata import version

    return "-".join(version(package) for package in ("torch", "transformers", "tokenizers"))
