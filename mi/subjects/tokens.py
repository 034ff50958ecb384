"""TokenBatch: token ids with what is attended and what is scored, one BOS fed and none scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .errors import SubjectError


def load_tokenizer(spec: dict[str, Any]) -> Any:
    """The Hugging Face tokenizer of a spec, from its own files: no code of theirs, no network."""
    from transformers import AutoTokenizer

    from .spec import spec_folder

    return AutoTokenizer.from_pretrained(spec_folder(spec), local_files_only=True, trust_remote_code=False)


@dataclass(frozen=True)
class Row:
    """One text as tokens, unpadded, BOS first where there is one.

    Attributes:
        text: index of the text it was made from.
        ids: token ids.
        scored: which of them count; never BOS or another special token.
        truncated: whether tokens were cut off.
        spans: character span of each token in the text; ``(0, 0)`` for BOS. Empty unless asked for.
    """

    text: int
    ids: tuple[int, ...]
    scored: tuple[bool, ...]
    truncated: bool = False
    spans: tuple[tuple[int, int], ...] = ()

    def tokens_of(self, start: int, stop: int) -> list[int]:
        """Positions (BOS is 0) of the tokens that overlap characters ``start`` to ``stop``."""
        return [i for i, (a, b) in enumerate(self.spans) if a < b and a < stop and b > start]


@dataclass(frozen=True)
class TokenBatch:
    """Padded rows.

    Attributes:
        ids: ``[n, t]`` int64, all of them in the vocabulary; padding holds ``pad_id``.
        attend: ``[n, t]`` bool, one contiguous run a row.
        scored: ``[n, t]`` bool, attended and neither BOS nor special.
        rows: what the rows were made from.
        excluded: indices of the texts that have nothing to score and are no row.
        pad_id: an id of the vocabulary; masked, so that which one does not matter.
    """

    ids: Tensor
    attend: Tensor
    scored: Tensor
    rows: tuple[Row, ...]
    excluded: tuple[int, ...] = ()
    pad_id: int = 0

    @classmethod
    def of(cls, rows: Sequence[Row], pad_id: int, side: str = "right", excluded: Sequence[int] = ()) -> TokenBatch:
        """Pad rows on ``side`` (``"left"`` or ``"right"``) to the longest of them."""
        if side not in ("left", "right"):
            raise SubjectError(f"padding_side={side!r}", "'left' or 'right'", "Name a side.")
        width = max((len(row.ids) for row in rows), default=0)
        ids = torch.full((len(rows), width), pad_id, dtype=torch.int64)
        attend = torch.zeros((len(rows), width), dtype=torch.bool)
        scored = torch.zeros_like(attend)
        for i, row in enumerate(rows):
            here = slice(width - len(row.ids), width) if side == "left" else slice(0, len(row.ids))
            ids[i, here] = torch.tensor(row.ids)
            attend[i, here] = True
            scored[i, here] = torch.tensor(row.scored)
        return cls(ids, attend, scored, tuple(rows), tuple(excluded), pad_id)

    def __len__(self) -> int:
        return self.ids.shape[0]

    @property
    def positions(self) -> Tensor:
        """``[n, t]`` int64, counted from the first attended token, so that BOS is 0; 0 in padding before it."""
        return (self.attend.long().cumsum(-1) - 1).clamp(min=0)

    def last(self) -> Tensor:
        """``[n]`` column of the last scored token of each row (never padding, on either side)."""
        columns = torch.arange(self.ids.shape[1], device=self.ids.device)
        return torch.where(self.scored, columns, -1).amax(-1)

    def padded(self, side: str) -> TokenBatch:
        """The same rows padded on ``side``."""
        return TokenBatch.of(self.rows, self.pad_id, side, self.excluded)

    def select(self, indices: Sequence[int], side: str = "right") -> TokenBatch:
        """Some of the rows, in this order, padded to the longest of them."""
        return TokenBatch.of([self.rows[i] for i in indices], self.pad_id, side)

    def split(self, size: int, side: str = "right") -> Iterator[TokenBatch]:
        """Batches of ``size`` rows, in order."""
        for start in range(0, len(self), size):
            yield self.select(range(start, min(start + size, len(self))), side)


@dataclass(frozen=True)
class Vocabulary:
    """What of a tokenizer and a model decides how a text is fed.

    Attributes:
        tokenizer: a Hugging Face tokenizer; it is never changed.
        size: number of embeddings; every id is below it.
        bos: id that is fed first; None for a tokenizer that has none.
        needs_bos: whether running without BOS is an error.
        specials: ids that are never scored.
        pad: id that fills up rows.
    """

    tokenizer: Any
    size: int
    bos: int | None
    needs_bos: bool
    specials: frozenset[int]
    pad: int

    @classmethod
    def of(cls, tokenizer: Any, size: int, needs_bos: bool | None, model_type: str = "") -> Vocabulary:
        """Read off a tokenizer.

        Args:
            tokenizer: of the model.
            size: number of embeddings of the model.
            needs_bos: None: a model needs BOS when its tokenizer adds one of its own, and every Gemma does.
            model_type: as in the model's configuration.

        Raises:
            SubjectError: BOS is needed and the tokenizer has none in the vocabulary.
        """
        bos = tokenizer.bos_token_id
        if needs_bos is None:
            own = tokenizer("a").input_ids[:1] if bos is not None else []
            needs_bos = model_type.startswith("gemma") or (bos is not None and list(own) == [bos])
        if needs_bos and (bos is None or bos >= size):
            raise SubjectError(f"bos_token_id={bos}", f"a BOS token below {size}", "Set bos_token in the tokenizer.")
        specials = set(tokenizer.all_special_ids)
        specials |= {i for i, token in getattr(tokenizer, "added_tokens_decoder", {}).items() if token.special}
        # A new padding id would lie beyond the embeddings; any id of the vocabulary will do, since it is masked.
        candidates = (tokenizer.pad_token_id, tokenizer.eos_token_id, bos, 0)
        pad = next(c for c in candidates if c is not None and c < size)
        return cls(tokenizer, size, bos, needs_bos, frozenset(specials), pad)

    def rows(self, texts: Sequence[str], max_length: int, spans: bool = False) -> list[Row | None]:
        """Tokenize; None for a text in which nothing is scored.

        Whatever the text or the tokenizer has put in front, exactly one BOS comes first. Special tokens written out
        inside a text are fed as such and not scored.
        """
        if not texts:
            return []
        encoded = self.tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=False,
            padding=False,
            return_attention_mask=False,
            return_offsets_mapping=spans,
            verbose=False,
        )
        marks = encoded["offset_mapping"] if spans else [()] * len(texts)
        return [
            self._row(i, ids, at, max_length)
            for i, (ids, at) in enumerate(zip(encoded["input_ids"], marks, strict=True))
        ]

    def _row(self, text: int, ids: list[int], spans: Sequence[tuple[int, int]], max_length: int) -> Row | None:
        start = 0
        while self.bos is not None and start < len(ids) and ids[start] == self.bos:
            start += 1
        kept, at = ids[start:], [tuple(s) for s in spans[start:]]
        if self.bos is not None:
            kept, at = [self.bos, *kept], [(0, 0), *at] if spans else []
        whole = len(kept)
        kept = kept[:max_length]
        if kept and max(kept) >= self.size:
            raise SubjectError(
                f"token id {max(kept)}",
                f"ids below {self.size}, the number of embeddings",
                "Use the model's tokenizer.",
            )
        scored = tuple(i not in self.specials for i in kept)
        if not any(scored):
            return None
        return Row(text, tuple(kept), scored, whole > max_length, tuple(at[:max_length]))  # type: ignore[arg-type]

    def batch(self, texts: Sequence[str], max_length: int, side: str = "right", spans: bool = False) -> TokenBatch:
        """Tokenize and pad; texts with nothing to score are in ``excluded``."""
        rows = self.rows(texts, max_length, spans)
        excluded = [i for i, row in enumerate(rows) if row is None]
        return TokenBatch.of([row for row in rows if row is not None], self.pad, side, excluded)

    def check(self, batch: TokenBatch) -> None:
        """Refuse a batch that this model must not be run on.

        Raises:
            SubjectError: ids beyond the vocabulary, a gap in what is attended, a scored special token or padding,
                BOS doubled, or BOS missing where it is needed.
        """
        ids, attend = batch.ids, batch.attend
        if not len(batch) or not bool(attend.any(-1).all()):
            raise SubjectError("a batch with empty rows", "at least one token a row", "Leave out empty texts.")
        if int(ids.max()) >= self.size or int(ids.min()) < 0:
            raise SubjectError(f"token id {int(ids.max())}", f"ids below {self.size}", "Pad with an id that exists.")
        edges = (attend[:, 1:] != attend[:, :-1]).sum(-1) + attend[:, 0].int() + attend[:, -1].int()
        if bool((edges > 2).any()):
            raise SubjectError("padding between tokens", "one run of attended tokens a row", "Pad on one side.")
        special = torch.isin(ids, torch.tensor(sorted(self.specials), device=ids.device, dtype=ids.dtype))
        if bool((batch.scored & (special | ~attend)).any()):
            raise SubjectError("scored padding or special tokens", "neither ever scored", "Use the batch's own mask.")
        if self.bos is None:
            return
        first = attend.int().argmax(-1)
        row = torch.arange(len(batch), device=ids.device)
        led = ids[row, first] == self.bos
        if self.needs_bos and not bool(led.all()):
            raise SubjectError(
                f"{int((~led).sum())} rows that do not begin with BOS",
                f"BOS (id {self.bos}) first, without which this model breaks down",
                "Tokenize with subject.tokens.",
            )
        after = (first + 1).clamp(max=ids.shape[1] - 1)
        doubled = led & (after > first) & (ids[row, after] == self.bos) & attend[row, after]
        if bool(doubled.any()):
            raise SubjectError(f"{int(doubled.sum())} rows with BOS twice", "BOS once", "Tokenize with subject.tokens.")
