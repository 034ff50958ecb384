"""The generated world: seeded documents that carry their own answer key. Standard library and numpy only."""

from __future__ import annotations

from .concept import CONCEPTS, Concept, Example, examples
from .document import Document, Span
from .generate import KINDS, SPLITS, corrupted, documents, in_forms
from .item import KIND_OF, TASKS, Item, items

__all__ = [
    "CONCEPTS",
    "KINDS",
    "KIND_OF",
    "SPLITS",
    "TASKS",
    "Concept",
    "Document",
    "Example",
    "Item",
    "Span",
    "corrupted",
    "documents",
    "examples",
    "in_forms",
    "items",
]
