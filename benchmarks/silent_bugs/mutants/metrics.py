"""Mutants of metrics: variance explained, means, counts, losses (catalogue F, I03)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import wrapped

SCENE = "coders"


def sums(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Enact:
    """Change per-token columns before they are summed per document."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.metrics.document_sums import DocumentSums

        def around(add: Any) -> Any:
            return lambda self, document, **columns: add(self, document, **change(columns))

        return wrapped(DocumentSums, "add", around)

    return enact


def of(module: str, owner: str, name: str, around: Callable[[Any], Any]) -> Enact:
    """Wrap a method of a class of mi.metrics, or a function where ``owner`` is empty."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from importlib import import_module

        home = import_module(f"mi.metrics.{module}")
        return wrapped(getattr(home, owner) if owner else home, name, around)

    return enact


def _per_token_ratio(columns: dict[str, Any]) -> dict[str, Any]:
    """Mean of per-token ratios instead of a ratio of sums."""
    import numpy as np

    if "sst" not in columns:
        return columns
    sst = np.asarray(columns["sst"])
    return {**columns, "sse": columns["sse"] / np.maximum(sst, 1e-12), "sst": np.ones_like(sst)}


def _half_sums(columns: dict[str, Any]) -> dict[str, Any]:
    """Squared errors are rounded to bfloat16 on their way."""
    import torch

    return {n: torch.as_tensor(v).bfloat16().double().numpy() if n == "sse" else v for n, v in columns.items()}


def _unsquared(columns: dict[str, Any]) -> dict[str, Any]:
    """Norms instead of squared norms: a share of length, called a share of variance."""
    import numpy as np

    return {n: np.sqrt(v) if n in ("sse", "sst") else v for n, v in columns.items()}


def _scaled_target(add: Any) -> Any:
    """The target is on the scale of training, the reconstruction is not."""

    def made(self: Any, target: Any, reconstruction: Any, document: Any, **columns: Any) -> None:
        mean, self.mean = self.mean, self.mean * 0.5
        add(self, target * 0.5, reconstruction, document, **columns)
        self.mean = mean

    return made


def _batch_mean(add: Any) -> Any:
    """Each batch is compared with its own mean."""

    def made(self: Any, target: Any, reconstruction: Any, document: Any, **columns: Any) -> None:
        mean, self.mean = self.mean, target.double().mean(0).cpu()
        add(self, target, reconstruction, document, **columns)
        self.mean = mean

    return made


def _about_zero(init: Any) -> Any:
    return lambda self, mean, documents: init(self, mean * 0, documents)


def _last_batch(add: Any) -> Any:
    """The hook assigns instead of accumulating: the mean is that of the last batch."""

    def made(self: Any, rows: Any) -> None:
        self._sum, self.n = None, 0
        add(self, rows)

    return made


def _per_batch(add: Any) -> Any:
    """A sum over rows, divided by the number of batches of 64."""

    def made(self: Any, rows: Any) -> None:
        n = self.n
        add(self, rows)
        self.n = n + -(-len(rows) // 64)

    return made


def _first_32(scored: Any) -> Any:
    """A limit of 32 documents, left from debugging."""
    import numpy as np

    def first(self: Any) -> Any:
        every = scored.fget(self)
        return every & (np.cumsum(every) <= 32)

    return property(first)


def _input_as_target(coded: Any) -> Any:
    """The transcoder is scored on what it read."""

    def made(activations: Any, coder: Any, *given: Any, **more: Any) -> Any:
        for batch in coded(activations, coder, *given, **more):
            yield batch._replace(target=batch.rows.sites[coder.site_in])

    return made


def _other_documents(coded: Any) -> Any:
    """Rows are filed under the document of the row before."""
    import numpy as np

    def made(*given: Any, **more: Any) -> Any:
        for batch in coded(*given, **more):
            yield batch._replace(rows=batch.rows._replace(document=np.roll(batch.rows.document, 40)))

    return made


def _visible(add: Any) -> Any:
    """Only activations that a dashboard would show count as active."""
    return lambda self, latents: add(self, latents * (latents > latents.mean()))


def _rounded_rates(facts: Any) -> Any:
    """Firing rates are rounded before dead latents are counted (5 digits, scaled to this number of tokens)."""

    def made(self: Any) -> Any:
        rates = (self.fired.double() / self.n_tokens * 50).round() / 50
        fired, self.fired = self.fired, (rates * self.n_tokens).round().long()
        try:
            return facts(self)
        finally:
            self.fired = fired

    return made


def _alive_in_the_last_batch(add: Any) -> Any:
    def made(self: Any, latents: Any) -> Any:
        self.fired.zero_()
        return add(self, latents)

    return made


def _same_token(inner: Any) -> Any:
    """The logits are compared with the token that was read, not with the one to come."""

    def made(logits: Any, ids: Any, scored: Any) -> Any:
        return inner(logits, ids.roll(1, 1), scored)

    return made


def _first_predictions_only(inner: Any) -> Any:
    """A slice of the mask is applied to another slice of the logits."""

    def made(logits: Any, ids: Any, scored: Any) -> Any:
        return inner(logits.roll(1, 1), ids, scored)

    return made


MUTANTS = (
    Mutant("F01", "metrics", "variance explained as a mean of per-token ratios", SCENE, sums(_per_token_ratio), ("K02", "K24"), "SAELens#443, SAEBench#61, #76"),
    Mutant("F03", "metrics", "a scaled target against an unscaled reconstruction", SCENE, of("squared_errors", "SquaredErrors", "add", _scaled_target), ("K02",), "SAELens#518, #521"),
    Mutant("F07", "metrics", "firing rates are rounded before dead latents are counted", SCENE, of("firing", "Firing", "facts", _rounded_rates), ("K30", "K24"), "SAEBench d1eea66"),
    Mutant("F07b", "metrics", "latents count as dead that are silent in the last batch", SCENE, of("firing", "Firing", "add", _alive_in_the_last_batch), ("K06", "K24"), "practice"),
    Mutant("F08", "metrics", "L0 counts large activations only", SCENE, of("firing", "Firing", "add", _visible), ("K24", "K02"), "practice"),
    Mutant("F09", "metrics", "32 documents, left from debugging", SCENE, of("document_sums", "DocumentSums", "scored", _first_32), ("K20", "K28", "K24"), "sparsify 3befd93"),
    Mutant("F12", "metrics", "variance about zero, not about the mean", SCENE, of("squared_errors", "SquaredErrors", "__init__", _about_zero), ("K02", "K24"), "practice"),
    Mutant("F13", "metrics", "variance about the mean of each batch", SCENE, of("squared_errors", "SquaredErrors", "add", _batch_mean), ("K06", "K02"), "practice"),
    Mutant("F14", "metrics", "norms instead of squared norms", SCENE, sums(_unsquared), ("K02", "K24"), "practice"),
    Mutant("F15", "metrics", "a transcoder is scored on its input", SCENE, of("reconstruction", "", "coded", _input_as_target), ("K22", "K23", "K20"), "sparsify 6d51754"),
    Mutant("F16", "metrics", "rows are filed under a neighbouring document", SCENE, of("reconstruction", "", "coded", _other_documents), ("K16", "K24"), "lm-eval#1349"),
    Mutant("F30", "metrics", "squared errors are rounded to bfloat16", SCENE, sums(_half_sums), ("K30", "K24", "K02"), "practice"),
    Mutant("I03", "metrics", "the mean is that of the last batch", SCENE, of("squared_errors", "Mean", "add", _last_batch), ("K06", "K24", "K02"), "MIB-circuit-track da57460"),
    Mutant("I03b", "metrics", "the mean is divided by the number of batches", SCENE, of("squared_errors", "Mean", "add", _per_batch), ("K06", "K24", "K02"), "MIB-circuit-track da57460"),
    Mutant("I03c", "metrics", "mean ablation with the mean of the last batch", "organism", of("squared_errors", "Mean", "add", _last_batch), ("K06", "K24", "K02"), "MIB-circuit-track da57460"),
    Mutant("F40", "metrics", "the loss is that of the token that was read", "organism", of("loss_recovered", "", "next_token_losses", _same_token), ("K24",), "practice"),
    Mutant("F41", "metrics", "logits are one position off", "organism", of("loss_recovered", "", "next_token_losses", _first_predictions_only), ("K24",), "practice"),
)  # fmt: skip
