"""Documents of the world: any number, from a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from . import (
    agreement,
    arithmetic,
    binding,
    biography,
    chat,
    code,
    fact,
    indirect_object,
    list_copy,
    negation,
    prose,
    topics,
)
from .dice import Dice
from .document import Document
from .kind import Kind, Latents, Split

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        fact.KIND,
        indirect_object.KIND,
        agreement.KIND,
        arithmetic.KIND,
        biography.KIND,
        negation.KIND,
        binding.KIND,
        topics.KIND,
        chat.KIND,
        chat.NEGATED_KIND,
        prose.KIND,
        code.KIND,
        list_copy.KIND,
    )
}
SPLITS: tuple[Split, ...] = ("train", "held-out")
PATIENCE = 1000  # draws in a row without a new text before distinct texts count as used up


def documents(
    split: str, seed: int, n: int | None, kinds: Sequence[str] | None = None, *, distinct: bool = False
) -> Iterator[Document]:
    """Documents of ``split``, the same ones for the same arguments.

    Args:
        split: ``"train"`` or ``"held-out"``; they share no filling of a template (see each kind's ``held_out``).
        seed: of the choices. The world itself (who lives where, which town has which emblem) is always the same.
        n: how many; None for no end.
        kinds: only these, with their shares scaled up; None for all.
        distinct: leave out texts that came before. Some kinds are small (about 20 held-out one-digit sums), so
            fewer than ``n`` may come.

    Raises:
        ValueError: unknown split or kind.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r}; expected one of {', '.join(SPLITS)}")
    unknown = sorted(set(kinds or ()) - set(KINDS))
    if unknown or (kinds is not None and not kinds):
        raise ValueError(f"kinds {', '.join(unknown) or 'empty'}; expected some of {', '.join(KINDS)}")
    return _documents(split, seed, n, tuple(kinds) if kinds else None, distinct)


def _documents(
    split: Split, seed: int, n: int | None, names: tuple[str, ...] | None, distinct: bool
) -> Iterator[Document]:
    kinds = [KINDS[name] for name in names or KINDS]
    total = sum(kind.share for kind in kinds)
    weights = [kind.share / total for kind in kinds]
    mix = "+".join(names) if names else "world"
    dice = Dice(f"{mix}/{split}/{seed}")
    seen: set[str] = set()
    made = idle = 0
    while (n is None or made < n) and idle < PATIENCE:
        dice.reset()
        kind = kinds[dice.weighted(weights)]
        labels = kind.draw(dice, split)
        text, spans = kind.render(labels)
        if distinct:
            if text in seen:
                idle += 1
                continue
            seen.add(text)
            idle = 0
        name = f"{mix}-{split}-{seed}-{made:06d}"
        yield Document(name, kind.name, kind.domain, split, text, spans, labels, dice.nats, dice.whole)
        made += 1


def rewrite(document: Document, labels: Latents, suffix: str) -> Document:
    """The document that the same kind writes from other latents; its probability is not known (NaN)."""
    text, spans = KINDS[document.kind].render(labels)
    name = f"{document.id}{suffix}"
    return Document(name, document.kind, document.domain, document.split, text, spans, labels, math.nan, math.nan)


def corrupted(document: Document) -> Document:
    """The counterpart: of the same split, the same template and as many tokens, with another answer."""
    return rewrite(document, KINDS[document.kind].corrupt(dict(document.labels)), "~")


def in_forms(document: Document) -> dict[str, Document]:
    """A document about a topic in every surface form: matched in meaning, form by form.

    Raises:
        ValueError: a document of another kind.
    """
    if document.kind != "topics":
        raise ValueError(f"a {document.kind} document has one form; expected kind 'topics'")
    labels = dict(document.labels)
    return {form: rewrite(document, topics.in_form(labels, form), f"@{form}") for form in topics.FORMS}
