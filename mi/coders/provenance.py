"""Provenance: which documents a bundle of coders was trained on, so that nobody evaluates on them by mistake."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .stream import open_activations

if TYPE_CHECKING:
    from ..activations.read import Activations

FILE = "training_texts.json"


def record_training(bundle: Path, activations: Path) -> None:
    """Write the text hashes of a harvest into the bundle that was trained on it; nothing where rows came without them."""
    with suppress(FileNotFoundError):
        hashes = open_activations(activations).text_hashes
        (bundle / FILE).write_text(json.dumps(sorted(set(hashes))), "utf-8")


def trained_on(bundle: Path, evaluation: Activations) -> int | None:
    """How many documents of ``evaluation`` the bundle's coders were trained on; None where nobody wrote it down."""
    path = bundle / FILE
    if not path.exists():
        return None
    known = set(json.loads(path.read_text("utf-8")))
    return sum(text in known for text in evaluation.text_hashes)
