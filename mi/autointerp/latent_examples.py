"""LatentExamples: the contexts that a latent is explained from, and the other ones that its explanation is scored on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..refusal import Refusal

FILE, INDEX = "latents.jsonl", "index.json"


@dataclass(frozen=True)
class Example:
    """One window of text, seen from one latent.

    Attributes:
        id: ``<document>:<position of the first token>``, unique among the examples of a latent.
        tokens: ``[n_tokens]`` strings, one per token id; no BOS, no padding.
        activations: ``[n_tokens]`` of this latent, 0 where it is silent.
        activating: whether it fires anywhere in the window.
        decile: 0 for the strongest tenth of the windows in which it fires; None where it does not.
        marks: indices of the tokens that fuzzing highlights: those on which it fires, or as many elsewhere.
    """

    id: str
    tokens: tuple[str, ...]
    activations: tuple[float, ...]
    activating: bool
    decile: int | None = None
    marks: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The window as it is read."""
        return "".join(self.tokens)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Example:
        """The fields by name."""
        lists = {key: tuple(data[key]) for key in ("tokens", "activations", "marks")}
        return cls(**{**data, **lists})


@dataclass(frozen=True)
class LatentExamples:
    """Everything that is asked about one latent.

    Attributes:
        latent: its index in the coder.
        rate: share of the scored tokens of the training texts on which it fires.
        explain: windows of training texts in which it fires, strongest decile first.
        silent: windows of training texts in which it does not.
        test: windows of held-out texts, of both kinds.
    """

    latent: int
    rate: float
    explain: tuple[Example, ...]
    silent: tuple[Example, ...]
    test: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields; ``dataclasses.asdict`` would copy every token."""
        lists = {key: [vars(e) for e in getattr(self, key)] for key in ("explain", "silent", "test")}
        return {"latent": self.latent, "rate": self.rate, **lists}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LatentExamples:
        """What :meth:`to_json` made."""
        lists = {key: tuple(map(Example.from_json, data[key])) for key in ("explain", "silent", "test")}
        return cls(latent=data["latent"], rate=data["rate"], **lists)


def write_latents(out: Path, latents: Sequence[LatentExamples], index: Mapping[str, Any]) -> None:
    """Write ``latents.jsonl``, one latent a line, and ``index.json``: what was registered, and what became of it."""
    with (out / FILE).open("w", encoding="utf-8") as file:
        for latent in latents:
            file.write(json.dumps(latent.to_json(), ensure_ascii=False) + "\n")
    (out / INDEX).write_text(json.dumps(dict(index), indent=1), "utf-8")


def read_latents(folder: Path) -> Iterator[LatentExamples]:
    """The latents of :func:`write_latents`, in its order."""
    with (folder / FILE).open(encoding="utf-8") as file:
        for line in file:
            yield LatentExamples.from_json(json.loads(line))


def read_index(folder: Path) -> dict[str, Any]:
    """The index of :func:`write_latents`.

    Raises:
        Refusal: none there.
    """
    try:
        found: dict[str, Any] = json.loads((folder / INDEX).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal(f"{folder} ({type(error).__name__})", "sampled examples", "Build them again.") from None
    return found
