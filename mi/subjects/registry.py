"""The subjects known by name. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

STAND_IN = "stand-in/"
"""Begins the sources of :mod:`mi.subjects.stand_in`."""


@dataclass(frozen=True)
class Known:
    """What is known of a subject before it is loaded.

    Attributes:
        name: the short name that claims use.
        source: ``"organism/<folder>"`` below this package, ``"stand-in/<architecture>"``, or a hub id.
        revision: hub commit that is used and no other; None for what comes with this repository.
        needs_bos: whether the model breaks down without a BOS token, so that running it without is an error.
        texts: default text source, the name of a text recipe.
        layer: suggested layer for coders; about the middle, where the published coders sit.
        context: the longest input in tokens, BOS included.
        tier: ``"smoke"`` (CPU, here), ``"cpu"`` (CPU, once downloaded) or ``"gpu"``.
        sources: other hub ids under which the same snapshot may lie in the cache.
    """

    name: str
    source: str
    revision: str | None
    needs_bos: bool
    texts: str
    layer: int
    context: int
    tier: str
    sources: tuple[str, ...] = ()

    @property
    def site(self) -> str:
        """The suggested site: what the MLP of the suggested layer writes."""
        return f"blocks.{self.layer}.hook_mlp_out"


def _organism(name: str, folder: str) -> Known:
    return Known(name, f"organism/{folder}", None, True, "world", 2, 64, "smoke")


def _stand_in(architecture: str) -> Known:
    return Known(
        STAND_IN + architecture, STAND_IN + architecture, None, architecture == "gemma2", "world", 2, 256, "gpu"
    )


# The revisions are the hub's main branches as of 2026-11. needs_bos is false where the model was trained on packed
# documents and runs well from any first token; BOS is fed to those too.
_KNOWN = (
    _organism("organism", "seed0"),
    *(_organism(f"organism/{folder}", folder) for folder in ("seed0", "seed1", "seed2", "seed0-early")),
    *(_stand_in(architecture) for architecture in ("neox", "gpt2", "llama", "gemma2")),
    Known(
        "pythia-70m", "EleutherAI/pythia-70m", "a39f36b100fe8a5377810d56c3f4789b9c53ac42", False, "pile", 3, 2048, "cpu"
    ),
    Known(
        "pythia-70m-deduped",
        "EleutherAI/pythia-70m-deduped",
        "e93a9faa9c77e5d09219f6c868bfc7a1bd65593c",
        False,
        "pile",
        3,
        2048,
        "cpu",
    ),
    Known(
        "gpt2",
        "openai-community/gpt2",
        "607a30d783dfa663caf39e06633721c8d4cfcd7e",
        False,
        "pile",
        8,
        1024,
        "cpu",
        ("gpt2",),
    ),
    Known("gemma-2-2b", "google/gemma-2-2b", "c5ebcd40d208330abc697524c919956e692655cf", True, "pile", 12, 8192, "gpu"),
    Known("gemma-2-9b", "google/gemma-2-9b", "33c193028431c2fde6c6e51f29e6f17b60cbfac6", True, "pile", 20, 8192, "gpu"),
)

SUBJECTS: dict[str, Known] = {known.name: known for known in _KNOWN}


def known(name_or_source: str) -> Known | None:
    """The entry with this name or hub id; None for anything else, which is loaded as it is."""
    if name_or_source in SUBJECTS:
        return SUBJECTS[name_or_source]
    return next((k for k in _KNOWN if name_or_source in (k.source, *k.sources)), None)
