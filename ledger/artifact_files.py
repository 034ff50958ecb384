"""Files of the artifacts that rows name: found in the store by digest, read byte for byte as they were built."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .errors import LedgerError
from .home import sibling
from .text import clean

# As in runners/place.py and runners/store.py, which the court does not import.
VARIABLE, STORE, LAYOUT = "MI_ASSAY_STORE", ".store", "v1"
_DIGEST = re.compile("[0-9a-f]{64}")
# What reading a file that is not what it should be may raise.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True)
class ArtifactFiles:
    """One artifact in the store.

    Attributes:
        home: its folder, named by its digest.
    """

    home: Path

    @property
    def digest(self) -> str:
        """64 hexadecimal digits."""
        return self.home.name

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What the store wrote down when it was built: recipe, facts, a sha256 of each file.

        Its seal and its hash over all files must hold, as the store itself asks. That finds accidents and careless
        edits. It stops no forger: whoever can write the files can write the hashes too.

        Raises:
            LedgerError: absent, not a manifest, edited, or another artifact's.
        """
        path = self.home / "manifest.json"
        try:
            text = path.read_text("utf-8")
            found: dict[str, Any] = json.loads(text)
            if found["digest"] != self.digest or not isinstance(found["files"], dict):
                raise ValueError
            store = sibling("runners.artifact")
            if store.Manifest.from_text(text).content != store.content_of(found["files"]):
                raise ValueError
        except UNREADABLE as exc:
            raise LedgerError(
                f"artifact {self.digest}: not the manifest of this artifact ({type(exc).__name__})"
            ) from None
        return found

    @property
    def names(self) -> list[str]:
        """Its files, relative to their folder, with slashes; sorted."""
        return sorted(self.manifest["files"])

    def read(self, name: str) -> bytes:
        """One file as the manifest has it.

        Raises:
            LedgerError: no such file, or it was altered since it was built.
        """
        path = self.home / "files" / name
        try:
            kept = self.manifest["files"][name]["sha256"]
            raw = path.read_bytes()
        except UNREADABLE as exc:
            raise LedgerError(f"{self._called(name)}: not a file of this artifact ({type(exc).__name__})") from None
        if hashlib.sha256(raw).hexdigest() != kept:
            raise LedgerError(
                f"{self._called(name)}: altered since it was built; run the test again, the store will mend it"
            )
        return raw

    def json(self, name: str) -> Any:
        """One file as JSON; NaN and infinities are refused.

        Raises:
            LedgerError: as :meth:`read`, or not JSON.
        """
        raw = self.read(name)
        try:
            return json.loads(raw, parse_constant=_no_constant)
        except (ValueError, RecursionError) as exc:
            raise LedgerError(f"{self._called(name)}: not JSON ({type(exc).__name__})") from None

    def _called(self, name: str) -> str:
        """Without the store's place: a page may show it."""
        return f"{clean(name)} of artifact {self.digest}"


def store_folder(root: Path, named: Path | None = None) -> Path:
    """The store that was named, or ``$MI_ASSAY_STORE``, or ``.store`` in ``root``."""
    return named or Path(os.environ.get(VARIABLE) or root / STORE)


def digests(row: Mapping[str, Any]) -> list[str]:
    """Digests of artifacts that a row names, each once; what only looks like one is left out."""
    named = row.get("artifacts") or ()
    return list(dict.fromkeys(d for d in named if isinstance(d, str) and _DIGEST.fullmatch(d)))


def artifacts_here(row: Mapping[str, Any], store: Path) -> Iterator[ArtifactFiles]:
    """The artifacts of a row that are in the store."""
    for digest in digests(row):
        home = store / LAYOUT / "artifacts" / digest[:2] / digest
        if home.is_dir():
            yield ArtifactFiles(home)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
