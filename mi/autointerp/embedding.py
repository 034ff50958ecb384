"""Embedding scores: is a window in which a latent fires more like its explanation than another one? delphi's scorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..device import device
from ..progress import SILENT, Progress
from ..subjects.errors import NotHere, SpecError
from .delphi_engine import load
from .latent_examples import LatentExamples
from .window_scores import window_scores


class Encoder(Protocol):
    """What is needed of a ``SentenceTransformer``."""

    def encode(self, texts: Any, /) -> Any:
        """``[d]`` of one text, ``[n, d]`` of a list."""

    def similarity(self, queries: Any, texts: Any, /) -> Any:
        """``[1, n]``, a tensor."""


def load_encoder(folder: str | Path) -> Any:
    """The SentenceTransformer in a local folder: safetensors, no code of its own, no network.

    Raises:
        NotHere: no such folder.
        SpecError: pickled weights only, or modules that are not sentence-transformers' own.
    """
    path = Path(folder).expanduser()
    if not (path / "modules.json").is_file():
        raise NotHere(f"{path.name} is no folder with a SentenceTransformer", fix="Save one there: model.save(folder).")
    pickled = [p for p in path.rglob("*.bin") if not any(p.parent.glob("*.safetensors"))]
    if pickled:
        raise SpecError(
            f"{path.name}: pickled weights only ({pickled[0].name})",
            "safetensors, because unpickling runs code",
            "Load it elsewhere and save it again.",
        )
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(path),
            device=device(),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (ImportError, OSError, ValueError) as error:
        raise SpecError(f"{path.name} ({error})", "modules of sentence-transformers", "Take another one.") from error


def embedding_scores(
    latents: Sequence[LatentExamples],
    explanations: Mapping[int, str],
    model: Encoder,
    *,
    progress: Progress = SILENT,
) -> dict[int, float]:
    """Per explained latent the AUC of cosine similarity to the explanation, over its test windows.

    Explanation and windows are embedded by delphi's ``EmbeddingScorer``, with its instruction in front of the
    explanation. NaN with windows of one class only. A window is a text here: where in it the latent fires is not used.

    Raises:
        Refusal: an explanation without text, or similarities that are not finite.
    """
    scorer = load("delphi.scorers.embedding.embedding").EmbeddingScorer(model)
    return window_scores("embed", latents, explanations, scorer, lambda output: float(output.similarity), progress)
