"""Coder: what every sparse coder offers here, whichever engine trained it. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..refusal import Refusal

if TYPE_CHECKING:
    from torch import Tensor

FILE = "coder.json"
ENGINES = ("sparsify", "saelens", "control")
KINDS = ("sae", "transcoder", "skip-transcoder")


class CoderFault(Refusal):
    """A coder folder, or a request for one, that cannot be used as it is."""


@dataclass(frozen=True)
class CoderFacts:
    """What is written beside a coder's weights (``coder.json``).

    Attributes:
        engine: whose file format the weights have: ``sparsify``, ``saelens`` or ``control``.
        kind: ``sae`` (reads and writes one site), ``transcoder`` or ``skip-transcoder`` (with a linear path from input to output).
        architecture: how it was trained, e.g. ``topk`` or ``batchtopk`` (which is a JumpReLU when used).
        site_in, site_out: the TransformerLens names of what it reads and of what it reconstructs.
        d_in, d_out, n_latents: widths.
        k: latents kept per row where the architecture fixes it, else None.
        seed: of the initial weights; None where nobody knows.
        training: how it came to be, what it measured at the end, and every warning, in JSON.
    """

    engine: str
    kind: str
    architecture: str
    site_in: str
    site_out: str
    d_in: int
    d_out: int
    n_latents: int
    k: int | None = None
    seed: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.engine not in ENGINES or self.kind not in KINDS:
            raise CoderFault(
                f"a coder of engine {self.engine!r} and kind {self.kind!r}",
                f"one of {', '.join(ENGINES)} and one of {', '.join(KINDS)}",
                "Build it with a builder of mi.coders.",
            )
        if self.kind == "sae" and self.site_in != self.site_out:
            raise CoderFault(
                f"an SAE from {self.site_in} to {self.site_out}",
                "one site",
                "Call it a transcoder if it reads another one.",
            )

    @classmethod
    def read(cls, folder: Path) -> CoderFacts:
        """The facts in ``folder``.

        Raises:
            CoderFault: no ``coder.json``, or one with fields missing or unknown.
        """
        try:
            data = json.loads((folder / FILE).read_text("utf-8"))
        except FileNotFoundError:
            raise CoderFault(
                f"{folder} without {FILE}",
                "a coder made by a builder of mi.coders",
                "Weights from elsewhere come in through mi.coders.pretrained.",
            ) from None
        known = {f.name for f in fields(cls)}
        required = known - {"k", "seed", "training"}
        if not required <= set(data) <= known:
            raise CoderFault(f"{FILE} with {sorted(data)}", f"{sorted(known)}", "Build the coder again.")
        return cls(**data)

    def write(self, folder: Path) -> None:
        """Write ``coder.json`` into ``folder``."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1, sort_keys=True), "utf-8")


class Coder(Protocol):
    """A sparse coder. Rows are positions of a text; all tensors of one coder share device and dtype."""

    @property
    def facts(self) -> CoderFacts:
        """What is known about it."""

    @property
    def kind(self) -> str:
        """``sae``, ``transcoder`` or ``skip-transcoder``."""

    @property
    def architecture(self) -> str:
        """How it was trained."""

    @property
    def site_in(self) -> str:
        """What it reads."""

    @property
    def site_out(self) -> str:
        """What it reconstructs."""

    @property
    def d_in(self) -> int:
        """Width of what it reads."""

    @property
    def d_out(self) -> int:
        """Width of what it reconstructs."""

    @property
    def n_latents(self) -> int:
        """Number of latents."""

    @property
    def W_dec(self) -> Tensor:
        """``[n_latents, d_out]`` what one unit of each latent writes."""

    def encode(self, x: Tensor) -> Tensor:
        """``[n, d_in]`` to ``[n, n_latents]``, zero where a latent is silent."""

    def decode(self, z: Tensor, x: Tensor | None = None) -> Tensor:
        """``[n, n_latents]`` to ``[n, d_out]``; a skip-transcoder needs ``x`` ``[n, d_in]`` as well."""

    def reconstruct(self, x: Tensor) -> Tensor:
        """``[n, d_in]`` to ``[n, d_out]``: ``decode(encode(x), x)``."""
