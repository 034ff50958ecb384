"""Mutants of tokens: BOS, padding, masks and batches (catalogue C)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, together, wrapped
from .loading import altered


def each_row(change: Callable[[Any, Any], Any]) -> Enact:
    """Change every row as it is tokenized: ``change(vocabulary, row)``."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.subjects.tokens import Vocabulary

        def around(inner: Any) -> Any:
            def made(self: Any, *given: Any) -> Any:
                row = inner(self, *given)
                return row and change(self, row)

            return made

        return wrapped(Vocabulary, "_row", around)

    return enact


def each_batch(change: Callable[[Any, str], Any]) -> Enact:
    """Change every batch as it is padded: ``change(batch, side)``."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.subjects.tokens import TokenBatch

        def around(inner: Any) -> Any:
            def made(cls: Any, rows: Any, pad_id: int, side: str = "right", excluded: Any = ()) -> Any:
                return change(inner(cls, rows, pad_id, side, excluded), side)

            return made

        return wrapped(TokenBatch, "of", around)

    return enact


def fed(change: Callable[[Any, Any, dict[str, Any]], dict[str, Any]]) -> Enact:
    """Change what the model is called with: ``change(subject, batch, inputs)``."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.subjects.subject import Subject

        return wrapped(Subject, "inputs", lambda inner: lambda self, batch: change(self, batch, inner(self, batch)))

    return enact


def _without_bos(vocabulary: Any, row: Any) -> Any:
    return replace(row, ids=row.ids[1:], scored=row.scored[1:])


def _double_bos(vocabulary: Any, row: Any) -> Any:
    return replace(row, ids=(row.ids[0], *row.ids), scored=(False, *row.scored))


def _stray_token(vocabulary: Any, row: Any) -> Any:
    quote = vocabulary.tokenizer.encode('"', add_special_tokens=False)
    return replace(row, ids=(row.ids[0], *quote, *row.ids[1:]), scored=(False, *([True] * len(quote)), *row.scored[1:]))


def _last_column(scene: Any) -> AbstractContextManager[None]:
    from mi.subjects.tokens import TokenBatch

    def last(self: Any) -> Any:
        import torch

        return torch.full((len(self),), self.ids.shape[1] - 1)

    return replaced(TokenBatch, "last", last)


def _padding_scored(scene: Any) -> AbstractContextManager[None]:
    """Whoever reads a batch finds no mask in it: padding counts like text."""
    from mi.subjects.subject import Subject

    def around(tokens: Any) -> Any:
        def made(self: Any, *given: Any, **more: Any) -> Any:
            batch = tokens(self, *given, **more)
            return replace(batch, scored=batch.scored | ~batch.attend)

        return made

    return wrapped(Subject, "tokens", around)


def _specials_scored(vocabulary: Any, row: Any) -> Any:
    return replace(row, scored=(True,) * len(row.ids))


def _side_lost(scene: Any) -> AbstractContextManager[None]:
    """The tokenizer is made anew on loading, with the default side; whoever asked for the left reads the last column."""
    from mi.subjects.tokens import TokenBatch

    def around(inner: Any) -> Any:
        def made(cls: Any, rows: Any, pad_id: int, side: str = "right", excluded: Any = ()) -> Any:
            return inner(cls, rows, pad_id, "right", excluded)

        return made

    return wrapped(TokenBatch, "of", around)


def _new_pad_token(scene: Any) -> AbstractContextManager[None]:
    """Padding with an id that the embedding does not have, and an embedding that clamps."""
    from mi.subjects.tokens import Vocabulary

    def around(inner: Any) -> Any:
        return lambda cls, *given, **more: replace(inner(cls, *given, **more), pad=given[1])

    def clamping(hf: Any) -> None:
        table = hf.get_input_embeddings()
        table.register_forward_pre_hook(lambda module, args: (args[0].clamp(max=module.num_embeddings - 1), *args[1:]))

    return together(wrapped(Vocabulary, "of", around), altered(clamping)(scene))


def _first_column_dropped(batch: Any, side: str) -> Any:
    scored = batch.attend.clone()
    scored[:, 0] = False
    return replace(batch, scored=scored)


def _second_mask_lost(subject: Any, batch: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    mask = inputs["attention_mask"].clone()
    mask[len(mask) // 2 :] = 1
    return {**inputs, "attention_mask": mask}


def _no_mask(subject: Any, batch: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    import torch

    return {**inputs, "attention_mask": torch.ones_like(inputs["attention_mask"])}


def _positions_from_the_left(subject: Any, batch: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    import torch

    columns = torch.arange(batch.ids.shape[1]).expand_as(batch.ids)
    return {**inputs, "position_ids": columns}


def _bos_filtered(subject: Any, batch: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """BOS goes before the model runs, and is still counted as fed."""
    mask = inputs["attention_mask"].clone()
    mask[batch.ids == subject.vocabulary.bos] = 0
    return {**inputs, "attention_mask": mask}


def _length_without_bos(vocabulary: Any, row: Any) -> Any:
    """Lengths come from a call without BOS: the last token is lost."""
    return replace(row, scored=(*row.scored[:-1], False)) if sum(row.scored) > 1 else row


MUTANTS = (
    Mutant("C01", "tokens", "no BOS is fed to a model that needs it", "subject-gemma2", each_row(_without_bos), ("K07",), "lm-eval#1465, Gemma 2"),
    Mutant("C01b", "tokens", "no BOS is fed to the organism", "organism", each_row(_without_bos), ("K07",), "lm-eval#1465"),
    Mutant("C03", "tokens", "BOS twice: literally and by the tokenizer", "subject-gemma2", each_row(_double_bos), ("K07",), "refusal_direction#7"),
    Mutant("C03b", "tokens", "a stray quotation mark behind BOS", "subject-llama", each_row(_stray_token), ("K07",), "refusal_direction#7"),
    Mutant("C05", "tokens", "the last token is read from the last column", "subject-neox", _last_column, ("K05",), "interpretability-prototyping cb4b093"),
    Mutant("C05b", "tokens", "padding is among what is averaged", "subject-neox", _padding_scored, ("K05", "K07"), "interpretability-prototyping e7a1741"),
    Mutant("C07", "tokens", "the padding side is lost on loading", "subject-left", _side_lost, ("K20", "K05"), "TransformerLens#801, #1283"),
    Mutant("C09", "tokens", "padding with an id beyond the vocabulary", "subject-left", _new_pad_token, ("K05", "K20"), "TransformerLens#1179"),
    Mutant("C11", "tokens", "column 0 is dropped for BOS, under left padding", "subject-left", each_batch(_first_column_dropped), ("K07",), "dictionary_learning#44"),
    Mutant("C13", "tokens", "the second half of a merged batch loses its mask", "subject-left", fed(_second_mask_lost), ("K05", "K06"), "nnsight 2fc97490, 19b43ebc"),
    Mutant("C13b", "tokens", "the model is called without a mask", "subject-left", fed(_no_mask), ("K05", "K06"), "MIB-circuit-track 33220cc"),
    Mutant("C13c", "tokens", "positions are counted through the padding", "subject-gpt2-left", fed(_positions_from_the_left), ("K05", "K06"), "practice"),
    Mutant("C17", "tokens", "BOS is filtered before the model runs, and counted as fed", "subject-gemma2", fed(_bos_filtered), ("K07", "K08"), "delphi filter_bos"),
    Mutant("F05", "tokens", "BOS and other special tokens are among what is measured", "subject-neox", each_row(_specials_scored), ("K07",), "SAELens#283"),
    Mutant("C19", "tokens", "lengths come from a call without BOS: the last token is lost", "subject-neox", each_row(_length_without_bos), ("K05", "K07"), "MIB-circuit-track 33220cc"),
)  # fmt: skip
