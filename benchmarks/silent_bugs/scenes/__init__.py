"""The scenes by name. Nothing heavy is imported before one is prepared."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from ..scene import Scene

SCENES = {
    "subject-neox": "subject:neox",
    "subject-neox-loud": "subject:neox_loud",
    "subject-llama": "subject:llama",
    "subject-gemma2": "subject:gemma2",
    "subject-left": "subject:left",
    "subject-gemma2-left": "subject:gemma2_left",
    "subject-gpt2-left": "subject:gpt2_left",
    "steering": "steering:organism",
    "organism": "organism:trained",
    "coders": "coders:llama",
    "training-sparsify": "training:sparsify",
    "training-schedule": "training:schedule",
    "training-saelens": "training:saelens",
    "probing": "probing:composed",
    "probing-mean": "probing:averaged",
    "control-a": "control_a:copies",
    "steered": "steered:organism",
    "circuits": "circuits:negation",
    "saebench": "saebench:organism",
    "autointerp": "autointerp:organism",
    "court-paired": "court:paired",
    "court-null": "court:null",
    "court-random-sets": "court:random_sets",
    "court-family": "family:null",
    "court-runs": "court:runs",
    "store": "store:texts",
}


@lru_cache(maxsize=3)
def prepared(name: str, seed: int) -> Scene:
    """A scene's clean pipeline on one seed; the last few stay in memory."""
    module, _, function = SCENES[name].partition(":")
    made: Scene = getattr(import_module(f".{module}", __package__), function)(seed)
    return made
