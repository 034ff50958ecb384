"""Template: a sentence with slots, which remembers where it put what."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from .document import Span


class Template:
    """``Template("{who:subject} sold a {thing}.")`` fills ``who`` and calls its place ``subject``.

    Args:
        pattern: format string; ``{key:role}`` or ``{key}``, whose role is its key. A role ``_`` records no span.
    """

    __slots__ = ("_pieces", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._pieces = [
            (literal, key or None, spec or key or "") for literal, key, spec, _ in Formatter().parse(pattern)
        ]

    def fill(self, values: Mapping[str, Any]) -> tuple[str, tuple[Span, ...]]:
        """The text, beginning with one space, and its spans.

        Raises:
            KeyError: a slot without a value.
        """
        parts, spans, at = [" "], [], 1
        for literal, key, role in self._pieces:
            parts.append(literal)
            at += len(literal)
            if key is not None:
                word = str(values[key])
                parts.append(word)
                if role != "_":
                    spans.append(Span(role, at, at + len(word)))
                at += len(word)
        return "".join(parts), tuple(spans)
