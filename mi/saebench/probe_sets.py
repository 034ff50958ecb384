"""Probe data sets of sae-probes: which of them share texts, and which to take when not all 113 are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from ..refusal import Refusal
from .engine import load


@dataclass(frozen=True)
class ProbeSet:
    """One yes-no data set of sae-probes.

    Attributes:
        name: sae-probes's, with its number.
        examples: its size.
        family: the name of the first data set with which it shares texts, directly or through others. Data sets of
            one family ask different questions about the same texts, and are no independent units.
    """

    name: str
    examples: int
    family: str


def probe_sets() -> list[ProbeSet]:
    """All data sets in sae-probes's order, read from its own files."""
    data = load("sae_probes.utils_data")
    family: dict[str, str] = {}
    first_with: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for name in data.get_numbered_binary_tags():
        prompts = data.read_numbered_dataset_df(name)["prompt"]
        sizes[name] = len(prompts)
        family[name] = name
        for other in {first_with.setdefault(prompt, name) for prompt in prompts}:
            _join(family, other, name)
    return [ProbeSet(name, size, _root(family, name)) for name, size in sizes.items()]


def chosen(n: int | None, names: list[str] | None) -> list[ProbeSet]:
    """The data sets to run: all; those named; or the smallest ``n`` (fewest examples), one per family.

    Raises:
        Refusal: an unknown name, a request by number and by name, or for more families than there are.
    """
    known = {s.name: s for s in probe_sets()}
    if names is not None:
        unknown = [name for name in names if name not in known]
        if unknown or n is not None or not names:
            raise Refusal(
                f"data sets {unknown or names}, n={n}",
                "names of sae-probes's data sets, or a number of them",
                "Correct it.",
            )
        return [known[name] for name in names]
    if n is None:
        return list(known.values())
    smallest: dict[str, ProbeSet] = {}
    for one in sorted(known.values(), key=lambda s: (s.examples, s.name)):
        smallest.setdefault(one.family, one)
    if not 0 < n <= len(smallest):
        raise Refusal(f"{n} data sets", f"1 to {len(smallest)}, one per family", "Ask for fewer, or name them.")
    return list(smallest.values())[:n]


@contextmanager
def reduced(sets: Sequence[ProbeSet], n: int | None, seed: int) -> Iterator[None]:
    """While it lasts, sae-probes finds ``n`` examples at most in each of ``sets``, half of each label, drawn by ``seed``.

    They keep their line numbers as index. None leaves the data sets whole.
    """
    data, collect = load("sae_probes.utils_data"), load("sae_probes.generate_model_activations")
    if n is None:
        yield
        return
    frames = {one.name: _drawn(data.read_numbered_dataset_df(one.name), n, seed) for one in sets}
    by_file = SimpleNamespace(read_csv=lambda path, **how: frames[Path(path).name.removesuffix(".csv.zst")])
    with (
        patch.dict(data.get_dataset_sizes(), {name: len(frame) for name, frame in frames.items()}),
        patch.object(data, "read_numbered_dataset_df", frames.__getitem__),
        patch.object(collect, "pd", by_file),
    ):
        yield


def _drawn(frame: Any, n: int, seed: int) -> Any:
    rng, kept = np.random.default_rng(seed), []
    for _, lines in frame.groupby("target"):
        kept += rng.choice(lines.index, min(n // 2, len(lines)), replace=False).tolist()
    return frame.loc[sorted(kept)]


def _root(family: dict[str, str], name: str) -> str:
    while family[name] != name:
        name = family[name]
    return name


def _join(family: dict[str, str], a: str, b: str) -> None:
    a, b = _root(family, a), _root(family, b)
    first, second = sorted((a, b), key=_number)
    family[second] = first


def _number(name: str) -> Any:
    return int(name.partition("_")[0]), name
