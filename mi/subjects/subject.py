"""Subject: a model that can be run on texts, read at sites and edited there."""

from __future__ import annotations

import copy
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import SubjectError
from .sites import Edit, Enough, Hooks, Place, Read, layer_of, places
from .tokens import TokenBatch, Vocabulary


class Subject:
    """A loaded model with its tokenizer.

    What runs is Hugging Face's own model, with hooks at the modules that TransformerLens's bridge names. The bridge
    itself re-implements attention, and re-ordered sums are not bit-equal (3e-6 on a tiny GPT-2); reading Hugging
    Face's modules leaves nothing to be equal to but itself, keeps its faster attention, and makes the bridge a
    second implementation for the gates to compare with.

    Attributes:
        spec: what it was loaded from.
        hf: the Hugging Face model, in eval mode, without gradients.
        vocabulary: tokenizer, BOS, padding and special tokens.
        folder: where its files lie.
        tokenizer_digest: SHA-256 of the tokenizer's files.
    """

    def __init__(
        self, spec: dict[str, Any], hf: Any, vocabulary: Vocabulary, folder: Path, tokenizer_digest: str = ""
    ) -> None:
        self.spec, self.hf, self.vocabulary, self.folder = spec, hf, vocabulary, folder
        self.tokenizer_digest = tokenizer_digest
        self.tokenizer = vocabulary.tokenizer
        self.needs_bos = vocabulary.needs_bos
        text = hf.config.get_text_config()
        self.n_layers, self.d_model = int(text.num_hidden_layers), int(text.hidden_size)
        self.context = int(getattr(text, "max_position_embeddings", None) or 1 << 20)
        self.window = _window(text)
        self.device = next(hf.parameters()).device
        self._takes_positions = "position_ids" in inspect.signature(hf.forward).parameters

    @cached_property
    def bridge(self) -> Any:
        """A TransformerLens ``TransformerBridge`` on these weights (shared, unprocessed), with its own hooks.

        Raises:
            SubjectError: TransformerLens has no adapter for this architecture.
        """
        return make_bridge(self.hf, self.folder)

    @cached_property
    def places(self) -> dict[str, Place]:
        """Every site of this model and the module it belongs to."""
        return places(self.bridge, self.hf)

    @property
    def sites(self) -> tuple[str, ...]:
        """Every site of this model, in the order of a forward pass."""
        return tuple(self.places)

    def tokens(
        self,
        texts: Sequence[str],
        max_length: int | None = None,
        padding_side: str = "right",
        *,
        spans: bool = False,
    ) -> TokenBatch:
        """Tokenize; see :class:`~mi.subjects.tokens.TokenBatch`. ``max_length`` counts BOS; None: the context."""
        length = self.context if max_length is None else max_length
        if length > self.context:
            raise SubjectError(f"max_length={length}", f"at most {self.context}, the context", "Ask for less.")
        if length < 2:
            raise SubjectError(f"max_length={length}", "at least 2: BOS and a token", "Ask for more.")
        return self.vocabulary.batch(texts, length, padding_side, spans)

    def logits(self, batch: TokenBatch) -> Tensor:
        """``[n, t, vocabulary]`` logits; meaningless where the batch is not attended."""
        return self.forward(batch)

    def run(
        self, batch: TokenBatch, sites: Sequence[str] = (), edits: Mapping[str, Edit] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits, and ``[n, t, d]`` what was at each site: copies, owned by the caller.

        ``edits`` as in :meth:`run_edited`; a site that is edited is read after the edit.
        """
        kept: dict[str, Tensor] = {}
        logits = self.forward(batch, {site: _keep(kept, site) for site in sites}, edits or {})
        return logits, {site: kept[site] for site in sites}

    def run_edited(self, batch: TokenBatch, edits: Mapping[str, Edit]) -> Tensor:
        """Logits with ``edits[site](x [n, t, d]) -> [n, t, d]`` put in place of what is at each site, once."""
        return self.forward(batch, {}, edits)

    def activations(self, batch: TokenBatch, sites: Sequence[str]) -> dict[str, Tensor]:
        """``[n, t, d]`` copies of what was at each site; the model is not run further than the last of them."""
        kept: dict[str, Tensor] = {}
        self.stream(batch, {site: _keep(kept, site) for site in sites})
        return {site: kept[site] for site in sites}

    def stream(self, batch: TokenBatch, reads: Mapping[str, Read]) -> None:
        """Hand the tensor at each site to its reader and stop after the last one.

        A reader that keeps what it was given has to copy it: the model may write into it later.
        """
        self.forward(batch, reads, stop=True)

    def forward(
        self,
        batch: TokenBatch,
        reads: Mapping[str, Read] | None = None,
        edits: Mapping[str, Edit] | None = None,
        stop: bool = False,
    ) -> Tensor:
        """One forward pass, behind all of the above. With ``stop``, an empty tensor instead of logits.

        Raises:
            SubjectError: a batch that must not be run (no BOS, ...), an unknown site, or a site that did not come by
                exactly once.
        """
        reads, edits = reads or {}, edits or {}
        self.vocabulary.check(batch)
        wanted = {site: self._place(site) for site in (*reads, *edits)}
        hooks = Hooks(self.hf, wanted)
        with torch.no_grad(), _full_precision(), hooks.installed(reads, edits, stop and bool(reads)):
            try:
                logits: Tensor = self.hf(**self.inputs(batch)).logits
            except Enough:
                logits = torch.empty(0)
        wrong = {site: n for site, n in hooks.fired.items() if n != 1}
        if wrong:
            raise SubjectError(
                f"sites that came by another number of times: {wrong}", "once in a forward pass", "Choose other sites."
            )
        return logits

    def inputs(self, batch: TokenBatch) -> dict[str, Any]:
        """What the model is called with."""
        # Positions are counted from the first attended token: Hugging Face's own default counts padding on the left.
        inputs: dict[str, Any] = {"input_ids": batch.ids, "attention_mask": batch.attend.long()}
        if self._takes_positions:
            inputs["position_ids"] = batch.positions
        return {name: value.to(self.device) for name, value in inputs.items()} | {"use_cache": False}

    def _place(self, site: str) -> Place:
        layer = layer_of(site)
        if site not in self.places:
            why = (
                f"layers 0 to {self.n_layers - 1}" if layer >= self.n_layers else f"one of {', '.join(self._at(layer))}"
            )
            raise SubjectError(f"{self.spec['name']} has no site {site}", why, "Choose a site of this architecture.")
        return self.places[site]

    def _at(self, layer: int) -> list[str]:
        return [site for site in self.places if layer_of(site) == layer]


def make_bridge(hf: Any, folder: Path) -> Any:
    """TransformerLens's bridge around a copy of ``hf`` that shares its weights: the bridge rewires what it wraps."""
    os.environ.setdefault("JAXTYPING_DISABLE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformer_lens.model_bridge import TransformerBridge

        shared: dict[int, Any] = {id(t): t for t in (*hf.parameters(), *hf.buffers())}
        try:
            bridge = TransformerBridge.boot_transformers(
                str(folder), hf_model=copy.deepcopy(hf, shared), device=str(next(hf.parameters()).device)
            )
            bridge.enable_compatibility_mode(no_processing=True)
        except Exception as error:
            name = type(hf).__name__
            raise SubjectError(
                f"TransformerLens cannot wrap {name}: {type(error).__name__}: {str(error)[:300]}",
                "an architecture that TransformerLens's bridge supports",
                "Choose another model.",
            ) from error
    return bridge.eval()


def _keep(kept: dict[str, Tensor], site: str) -> Callable[[Tensor], None]:
    def read(value: Tensor) -> None:
        kept[site] = value.detach().clone()

    return read


def _window(config: Any) -> int | None:
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if window is None or (kinds is not None and "sliding_attention" not in kinds):
        return None
    return int(window)


@contextmanager
def _full_precision() -> Iterator[None]:
    # Some engines lower this process-wide (sparsify sets "high"), and results would depend on what ran before.
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
