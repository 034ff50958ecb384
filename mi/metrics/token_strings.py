"""TokenStrings: token ids as strings that read as the text when they are put together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class TokenStrings:
    """One string per id; without a tokenizer, ids in angle brackets.

    Alone, SentencePiece tokenizers (Llama's) lose the space that a word begins with; behind another token they keep
    it, so each id is decoded there.
    """

    def __init__(self, tokenizer: Any | None) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, str] = {}
        if tokenizer is not None:
            self._anchor = int(tokenizer.encode("a", add_special_tokens=False)[-1])
            self._before = len(self._decode([self._anchor]))

    def of(self, ids: Iterable[int]) -> list[str]:
        """One string per id."""
        return [self._one(int(i)) for i in ids]

    def _one(self, token: int) -> str:
        if token not in self._known:
            if self._tokenizer is None:
                self._known[token] = f"<{token}>"
            else:
                self._known[token] = self._decode([self._anchor, token])[self._before :]
        return self._known[token]

    def _decode(self, ids: list[int]) -> str:
        assert self._tokenizer is not None
        return str(self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
