"""TokenStrings: what a token id looks like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..subjects.spec import spec_folder


class TokenStrings:
    """Decodes single tokens with a subject's tokenizer; without a subject, ids in angle brackets."""

    def __init__(self, subject: dict[str, Any] | None) -> None:
        self._tokenizer = None if subject is None else _tokenizer(subject)
        self._known: dict[int, str] = {}

    def of(self, ids: Iterable[int]) -> list[str]:
        """One string per id."""
        return [self._one(int(i)) for i in ids]

    def _one(self, token: int) -> str:
        if token not in self._known:
            self._known[token] = f"<{token}>" if self._tokenizer is None else str(self._tokenizer.decode([token]))
        return self._known[token]


def _tokenizer(subject: dict[str, Any]) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(spec_folder(subject), local_files_only=True, trust_remote_code=False)
