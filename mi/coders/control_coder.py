"""Control coders: our own folder format (``control.json``, ``control.safetensors``), which holds any :class:`LinearCoder`."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import load_file, save_file

from .coder import CoderFacts, CoderFault
from .linear_coder import Gate, LinearCoder

CONFIG = "control.json"
WEIGHTS = "control.safetensors"


def read(folder: Path, facts: CoderFacts) -> LinearCoder:
    """The coder in ``folder``.

    Raises:
        CoderFault: it is not one of ours.
    """
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        raise CoderFault(f"{folder} without {CONFIG}", "a control coder", "Build it with mi.coders.controls.") from None
    weights = load_file(folder / WEIGHTS)
    gate = Gate(config["gate"], k=config["k"], threshold=weights.pop("threshold", None))
    return LinearCoder(facts, gate=gate, centred=config["centred"], **weights)


def write(coder: LinearCoder, folder: Path) -> None:
    """Write ``coder`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"gate": coder.gate.name, "k": coder.gate.k, "centred": coder.centred}
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    save_file({name: t.contiguous().clone() for name, t in coder.tensors().items()}, folder / WEIGHTS)
