"""Tables of coders: what one builder among the artifacts of a run wrote down of each coder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..artifact_files import UNREADABLE, ArtifactFiles
from ..errors import LedgerError


def coder_tables(artifacts: Iterable[ArtifactFiles], build: str, file: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """A JSON file of every artifact that ``build`` made, by ``(digest of the trained coders, name)``.

    Artifacts that are damaged, or that were made of no single coder, are left out.
    """
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for artifact in artifacts:
        try:
            recipe = artifact.manifest["recipe"]
            root = recipe["recipes"][recipe["root"]]
            if str(root["build"]).endswith(build):
                found[str(root["inputs"]["coders"]), str(root["params"]["coder"])] = artifact.json(file)
        except (LedgerError, *UNREADABLE):
            continue
    return found
