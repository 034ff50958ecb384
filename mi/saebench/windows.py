"""Windows: texts packed as SAELens packs them for SAEBench, each window handed out once per pass."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..refusal import Refusal
from ..subjects.subject import Subject
from ..subjects.tokens import Row, TokenBatch
from .engine import load


class Windows:
    """Stands in for SAELens's ``ActivationsStore``, which shuffles a stream, loads by name, and starts again unasked.

    Texts are joined with BOS between them and cut into windows of equal length, BOS first, by SAELens's own function.
    No window is padded; what is left over at the end is dropped.

    Attributes:
        ids: ``[n, context_size]``, n a multiple of the batch size.
        scored: ``[n, context_size]`` bool, no special token.
        context_size, store_batch_size_prompts: as SAELens calls them.
    """

    def __init__(self, subject: Subject, texts: Iterable[str], context_size: int, batch_size: int) -> None:
        load("sae_bench.evals.core.main")
        from sae_lens.tokenization_and_batching import concat_and_batch_sequences

        vocabulary = subject.vocabulary
        rows = (row for row in vocabulary.rows(list(texts), 1 << 30) if row is not None)
        bare = (torch.tensor([i for i in row.ids if i != vocabulary.bos]) for row in rows)
        packed = concat_and_batch_sequences(
            bare,
            context_size,
            begin_batch_token_id=vocabulary.bos,
            sequence_separator_token_id=vocabulary.bos,
        )
        found = list(packed)
        n = len(found) // batch_size * batch_size
        if not n:
            raise Refusal(
                f"{len(found)} windows of {context_size} tokens",
                f"at least one batch of {batch_size}",
                "Give more texts.",
            )
        self.ids = torch.stack(found[:n])
        specials = torch.tensor(sorted(vocabulary.specials), dtype=self.ids.dtype)
        self.scored = ~torch.isin(self.ids, specials)
        self.context_size, self.store_batch_size_prompts = context_size, batch_size
        self._device, self._pad, self._next = subject.device, vocabulary.pad, 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_batches(self) -> int:
        """In one pass."""
        return len(self) // self.store_batch_size_prompts

    def batches(self) -> Iterable[tuple[int, TokenBatch]]:
        """Each batch with the number of its first window, for the subject."""
        for start in range(0, len(self), self.store_batch_size_prompts):
            here = range(start, start + self.store_batch_size_prompts)
            rows = [Row(i, tuple(self.ids[i].tolist()), tuple(self.scored[i].tolist())) for i in here]
            yield start, TokenBatch.of(rows, self._pad)

    def get_batch_tokens(self, batch_size: int) -> Tensor:
        """The next ``[batch_size, context_size]`` token ids.

        Raises:
            Refusal: more than there are: averages would count some windows twice.
        """
        start, self._next = self._next, self._next + batch_size
        if self._next > len(self):
            raise Refusal(f"window {self._next}", f"at most {len(self)} in one pass", "SAEBench reads otherwise now.")
        return self.ids[start : self._next].to(self._device)

    def reset_input_dataset(self) -> None:
        """Begin the next pass."""
        self._next = 0

    def shuffle_input_dataset(self, seed: int) -> None:
        """Nothing: every window is read."""
