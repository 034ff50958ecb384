"""Compare: two measurements, or two builds of one artifact. Light, except where tensors are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import UnitTable


class Sums(NamedTuple):
    """A numerator and a denominator per document, for ``ratio_of_sums``."""

    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    documents: tuple[str, ...]


def relative_l0(a: UnitTable, b: UnitTable) -> Sums:
    """``(L0 of a - L0 of b) / L0 of b``: within ±m of 0 when the two coders' L0 is matched.

    Both from :func:`.reconstruction.reconstruction` on the same evaluation set.

    Raises:
        Refusal: other documents, or other numbers of tokens in them.
    """
    if set(a.units) != set(b.units):
        raise Refusal("tables of different documents", "one evaluation set", "Measure both on the same activations.")
    at = {unit: k for k, unit in enumerate(b.units)}
    order = [at[unit] for unit in a.units]
    if not np.array_equal(a.column("n_tokens"), b.column("n_tokens")[order]):
        raise Refusal("other tokens of the same documents", "one mask", "Measure both on the same activations.")
    l0_b = b.column("l0_sum")[order]
    return Sums(a.column("l0_sum") - l0_b, l0_b, a.units)


def same(
    out: Path, *, progress: Progress, first: Path, second: Path, ignore: list[str] | None = None
) -> dict[str, Any]:
    """Compare two builds file by file: bytes, and for safetensors the largest difference of each tensor.

    Writes ``comparison.json``. Facts: ``equal`` (every file, byte for byte), ``same_tensors`` (every tensor bit for
    bit, whatever the files' headers say), ``files`` compared, ``different``, ``only_in_one``, ``largest_difference``.
    ``ignore`` names files that may differ, such as logs.
    """
    import json

    skip = {"manifest.json", *(ignore or [])}
    names = [
        {p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file() and p.name not in skip}
        for f in (first, second)
    ]
    both = sorted(names[0] & names[1])
    if not both:
        raise Refusal("artifacts without a file in common", "two builds of one recipe", "Check the inputs.")
    different, tensors_equal, largest = [], True, 0.0
    with progress("compare", len(both), "files") as bar:
        for name in both:
            if (first / name).read_bytes() != (second / name).read_bytes():
                different.append(name)
                if name.endswith(".safetensors"):
                    gap = tensor_difference(first / name, second / name)
                    tensors_equal &= gap == 0
                    largest = max(largest, gap)
            bar.update(1)
    only = sorted(names[0] ^ names[1])
    facts = {
        "equal": not different and not only,
        "same_tensors": tensors_equal and not any(name.endswith(".safetensors") for name in only),
        "files": len(both),
        "different": different,
        "only_in_one": only,
        "largest_difference": largest if np.isfinite(largest) else "shapes or names differ",
    }
    (out / "comparison.json").write_text(json.dumps(facts, indent=1), "utf-8")
    return facts


def tensor_difference(first: Path, second: Path) -> float:
    """Largest absolute difference of any element; infinity if names, shapes or types differ, or one holds NaN."""
    from safetensors.torch import load_file

    a, b = load_file(str(first)), load_file(str(second))
    if a.keys() != b.keys():
        return float("inf")
    largest = 0.0
    for name, x in a.items():
        y = b[name]
        if x.shape != y.shape or x.dtype != y.dtype:
            return float("inf")
        gap = float((x.double() - y.double()).abs().max()) if x.numel() else 0.0
        largest = max(largest, gap if np.isfinite(gap) else float("inf"))
    return largest
