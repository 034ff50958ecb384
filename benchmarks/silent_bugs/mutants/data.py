"""Mutants of data: order, splits, shards, and what the store takes for the same thing (catalogue L)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, wrapped

STORE, HARVEST, TRAINING = "store", "subject-llama", "training-sparsify"


def digest_without(*left_out: str) -> Enact:
    """The name of an artifact leaves out some of what decides its contents."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from runners.canonical import sha256_of
        from runners.recipe import Recipe

        def short(self: Any) -> str:
            params = {name: value for name, value in self.params.items() if name not in left_out}
            inputs = {} if "inputs" in left_out else {name: recipe.digest for name, recipe in self.inputs.items()}
            return sha256_of({"build": self.build, "version": self.version, "params": params, "inputs": inputs})

        return replaced(Recipe, "_digest", short)

    return enact


def afterwards(change: Callable[[Path], None]) -> Enact:
    """Something happens to the files of the store between two sessions."""
    return lambda scene: replaced(scene, "after", lambda root: change(_largest(root)))


def _largest(root: Path) -> Path:
    return max(root.rglob("documents.jsonl"), key=lambda path: (path.stat().st_size, path))


def _flipped(path: Path) -> None:
    """One letter in a text becomes another."""
    data = bytearray(path.read_bytes())
    at = data.index(b'"text": "', len(data) // 2) + 10
    at = next(k for k in range(at, len(data)) if chr(data[k]).isalpha())
    data[at] = ord("q") if data[at] != ord("q") else ord("x")
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def _cut(path: Path) -> None:
    """The last third of the lines is lost."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.chmod(0o644)
    path.write_bytes(b"".join(lines[: len(lines) * 2 // 3]))


def _sorted(path: Path) -> None:
    """A tool has put the lines in another order, as many bytes as before."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.chmod(0o644)
    path.write_bytes(b"".join(sorted(lines[: len(lines) // 2], key=len) * 2))


def shards(around: Callable[[Any], Any]) -> Enact:
    """Wrap what runs a batch and files its rows."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.activations.shard_writer import ShardWriter

        return wrapped(ShardWriter, "_run", around)

    return enact


def _swapped_documents(run: Any) -> Any:
    """Rows of documents of one length are filed in the order in which the batch came back."""

    def made(self: Any, rows: Any, offsets: Any, names: Any) -> None:
        by_length: dict[int, list[int]] = {}
        for k, row in enumerate(rows):
            by_length.setdefault(sum(row.scored), []).append(k)
        turned = list(offsets)
        for members in by_length.values():
            for k, other in zip(members, members[1:] + members[:1], strict=True):
                turned[k] = offsets[other]
        run(self, rows, turned, names)

    return made


def _rounded(run: Any) -> Any:
    """Activations pass through bfloat16 on their way into float32 shards."""

    def made(self: Any, rows: Any, offsets: Any, names: Any) -> None:
        run(self, rows, offsets, names)
        for site in self.sites:
            self.tensors[site] = self.tensors[site].bfloat16().float()

    return made


def _shorter(scene: Any) -> AbstractContextManager[None]:
    """The harvest cuts documents at another length than the recipe's."""
    import mi.activations.harvest as harvest

    def around(tokenized: Any) -> Any:
        return lambda source, subject, max_length, start: tokenized(source, subject, max_length // 4, start)

    return wrapped(harvest, "_tokenized", around)


def _corpus_order(scene: Any) -> AbstractContextManager[None]:
    """What was shuffled is thrown away; training sees the corpus in order."""
    from mi.activations.read import Activations

    def around(batches: Any) -> Any:
        return lambda self, sites, size, shuffle_seed=None, epochs=1, **more: batches(
            self, sites, size, None, epochs, **more
        )

    return wrapped(Activations, "batches", around)


def _train_is_test(scene: Any) -> AbstractContextManager[None]:
    """The split is drawn anew on every call: evaluation documents are among the training documents."""
    from dataclasses import replace

    return replaced(scene, "data", replace(scene.data, train=scene.data.held_out))


MUTANTS = (
    Mutant("L02", "data", "training sees the corpus in order, not shuffled", TRAINING, _corpus_order, ("K04", "K19", "K18"), "SAELens#612"),
    Mutant("L04", "data", "the key of a stored artifact leaves out a setting", STORE, digest_without("kinds"), ("K26",), "SAEDashboard bff7fd9, 0308cb1"),
    Mutant("L06", "data", "evaluation documents are among the training documents", TRAINING, _train_is_test, ("K13",), "auto-circuit a50da28"),
    Mutant("L11", "data", "rows of a batch are filed under each other's documents", HARVEST, shards(_swapped_documents), ("K16", "K06", "K14"), "lm-eval#2595, #1349"),
    Mutant("L12", "data", "documents are cut at another length than the recipe's", HARVEST, _shorter, ("K20", "K28"), "SAEBench 63c2561"),
    Mutant("L13", "data", "activations are rounded to bfloat16 before they are stored", HARVEST, shards(_rounded), ("K30", "K04"), "practice"),
    Mutant("L20", "data", "a letter of a stored text changes", STORE, afterwards(_flipped), ("K04",), "practice"),
    Mutant("L21", "data", "a stored file loses its end", STORE, afterwards(_cut), ("K04", "K28"), "practice"),
    Mutant("L22", "data", "a stored file has half of its lines twice", STORE, afterwards(_sorted), ("K04", "K21"), "practice"),
)  # fmt: skip
