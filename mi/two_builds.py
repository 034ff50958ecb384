"""``python -m mi.two_builds STORE_A STORE_B DIGEST``: two builds of one recipe, side by side.

A recipe has one digest wherever it is built, so two stores may hold it as two machines made it. This says whether they
hold the same bytes, and if not, by how much tensors and tables differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .refusal import Refusal
from .unit_table import FILE, UnitTable

# As in runners/store.py, which the library does not import.
LAYOUT, ARTIFACTS, MANIFEST, FILES = "v1", "artifacts", "manifest.json", "files"
TENSORS = ".safetensors"
AT_ONCE = 1 << 22  # numbers that are compared together
TYPES: Mapping[str, str] = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1"},
    **{"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"},
}


@dataclass(frozen=True)
class Difference:
    """One tensor or column in both builds.

    Attributes:
        where: file and name.
        n: numbers compared; 0 where they cannot be.
        largest: absolute difference; NaN on one side only counts as infinite.
        relative: the same over the root mean square of the first build's numbers.
        note: why they cannot be compared, or "".
    """

    where: str
    n: int = 0
    largest: float = 0.0
    relative: float = 0.0
    note: str = ""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.note and self.largest == 0


def compare(first: Path, second: Path, digest: str) -> tuple[dict[str, Any], dict[str, Any], list[Difference]]:
    """The manifests of an artifact in two stores, and what differs or could.

    Args:
        first, second: stores.
        digest: of the recipe, or the beginning of it.

    Raises:
        Refusal: no such artifact in one of them, or several.
    """
    homes = [_home(store, digest) for store in (first, second)]
    if homes[0].name != homes[1].name:
        raise Refusal(f"{digest}: {homes[0].name[:12]} and {homes[1].name[:12]}", "one artifact", "Give more digits.")
    one, other = (json.loads((home / MANIFEST).read_text("utf-8")) for home in homes)
    found: list[Difference] = []
    for name in sorted({*one["files"], *other["files"]}):
        if name not in one["files"] or name not in other["files"]:
            found.append(Difference(name, note=f"only in the {'first' if name in one['files'] else 'second'}"))
        elif name.endswith(TENSORS):
            found += _tensors(name, *(home / FILES / name for home in homes))
        elif Path(name).name == FILE:
            found += _columns(name, *(UnitTable.read((home / FILES / name).parent) for home in homes))
        else:
            same = one["files"][name]["sha256"] == other["files"][name]["sha256"]
            found.append(Difference(name, note="" if same else "other bytes"))
    return one, other, found


def _home(store: Path, digest: str) -> Path:
    usable = len(digest) > 2 and digest.isalnum()
    found = sorted((store / LAYOUT / ARTIFACTS).glob(f"{digest[:2]}/{digest}*")) if usable else []
    if len(found) != 1:
        raise Refusal(
            f"{len(found)} artifacts {digest} in {store}",
            "one",
            "Give a digest of python -m runners ls, or more of it.",
        )
    return found[0]


def _tensors(file: str, first: Path, second: Path) -> Iterator[Difference]:
    one, other = _mapped(first), _mapped(second)
    for name in sorted({*one, *other}):
        where = f"{file} {name}"
        if name not in one or name not in other:
            yield Difference(where, note=f"only in the {'first' if name in one else 'second'}")
        else:
            yield _numbers(where, one[name], other[name])


def _columns(file: str, first: UnitTable, second: UnitTable) -> Iterator[Difference]:
    if first.units != second.units:
        yield Difference(file, note=f"other units: {len(first.units)} and {len(second.units)}")
        return
    for name in sorted({*first.columns, *second.columns}):
        if name not in first.columns or name not in second.columns:
            yield Difference(f"{file} {name}", note=f"only in the {'first' if name in first.columns else 'second'}")
        else:
            yield _numbers(f"{file} {name}", ("F64", first.columns[name]), ("F64", second.columns[name]))


Kept = tuple[str, NDArray[Any]]
"""The format's name for a type, and numbers of it."""


def _mapped(path: Path) -> dict[str, Kept]:
    """Tensors of a safetensors file, not read yet; bfloat16, which numpy does not know, as its bits."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    found: dict[str, Kept] = {}
    for name, about in header.items():
        if name != "__metadata__":
            kind, start = np.dtype(TYPES[about["dtype"]]), 8 + size + about["data_offsets"][0]
            shape = tuple(about["shape"])
            empty = 0 in shape
            values = np.empty(shape, kind) if empty else np.memmap(path, kind, "r", start, shape)
            found[name] = (about["dtype"], values)
    return found


def _numbers(where: str, first: Kept, second: Kept) -> Difference:
    (kind, a), (other, b) = first, second
    if kind != other or a.shape != b.shape:
        return Difference(where, note=f"{kind} {list(a.shape)} and {other} {list(b.shape)}")
    largest = total = 0.0
    a, b = a.reshape(-1), b.reshape(-1)
    for k in range(0, len(a), AT_ONCE):
        x, y = (_floats(kind, part[k : k + AT_ONCE]) for part in (a, b))
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        with np.errstate(invalid="ignore"):
            off = np.where(same, 0.0, np.abs(x - y))
        largest = max(largest, float(np.nan_to_num(off, nan=np.inf).max()))
        total += float(np.square(x[np.isfinite(x)]).sum())
    size = (total / len(a)) ** 0.5 if len(a) else 0.0
    relative = largest / size if size else (float("inf") if largest else 0.0)
    return Difference(where, len(a), largest, relative)


def _floats(kind: str, values: NDArray[Any]) -> NDArray[np.float64]:
    if kind == "BF16":
        return (values.astype("<u4") << 16).view("<f4").astype(np.float64)
    return values.astype(np.float64)


def table(one: Mapping[str, Any], other: Mapping[str, Any], found: Sequence[Difference]) -> str:
    """What :func:`compare` found, for people: what differs most first, and how much is the same."""
    built = "\n".join(f"{m['when']}  {m['device']}, {m['platform']}, by {m['runner']}" for m in (one, other))
    same = one["content"] == other["content"]
    lines = [built, f"content: {'the same' if same else 'differs'} ({one['content'][:12]}, {other['content'][:12]})"]
    differing = sorted((d for d in found if not d.same), key=lambda d: (not d.note, -d.relative, d.where))
    if differing:
        rows = [("", "numbers", "largest difference", "over the RMS")]
        rows += [(d.where, d.note, "", "") if d.note else _row(d) for d in differing]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines += [
            "  ".join(c.ljust(w) if not k else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
            for row in rows
        ]
    lines.append(f"{len(found) - len(differing)} of {len(found)} tensors, columns and other files are the same")
    return "\n".join(line.rstrip() for line in lines)


def _row(found: Difference) -> tuple[str, str, str, str]:
    return found.where, str(found.n), f"{found.largest:.3g}", f"{found.relative:.3g}"


def main(argv: list[str] | None = None) -> int:
    """The command line: 0 if the contents are the same, 1 if they differ, 2 if they cannot be compared."""
    parser = argparse.ArgumentParser(prog="python -m mi.two_builds", description="Two builds of one recipe.")
    parser.add_argument("first", type=Path, metavar="STORE_A", help="a store")
    parser.add_argument("second", type=Path, metavar="STORE_B", help="another one")
    parser.add_argument("digest", metavar="DIGEST", help="of the recipe, or the beginning of it (python -m runners ls)")
    given = parser.parse_args(argv)
    try:
        one, other, found = compare(given.first, given.second, given.digest)
    except Refusal as refusal:
        print(f"two_builds: {refusal}", file=sys.stderr)
        return 2
    print(table(one, other, found))
    return int(one["content"] != other["content"])


if __name__ == "__main__":
    sys.exit(main())
