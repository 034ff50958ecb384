"""Neighbours: what ``mi.coders.neighbours`` among the artifacts of a run knows of a latent's decoder direction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..artifact_files import UNREADABLE, ArtifactFiles
from .coder_tables import coder_tables

BUILD = "mi.coders.neighbours:neighbours"
LOW, HIGH = "0.05", "0.95"


class Neighbours:
    """Nearest decoder directions, by coder and latent; damaged files are left out.

    Args:
        artifacts: searched for neighbours.
    """

    def __init__(self, artifacts: Iterable[ArtifactFiles]) -> None:
        self._found = coder_tables(artifacts, BUILD, "neighbours.json")

    def near(self, coder: tuple[str, str], latent: int) -> dict[str, Any] | None:
        """The neighbours of a latent, nearest first; None where unknown.

        Returns:
            ``of`` (``[[index, cosine, 1 if dead else 0], ...]``), ``null`` (the median for directions at random, from
            -1 to 1), ``told`` (the null in words).
        """
        try:
            found = self._found[coder]
            dead, null = set(found["dead"]), found["null"]
            rows = [[_index(k), _cosine(c), int(k in dead)] for k, c in found["rows"][str(latent)]]
            median, low, high = (_cosine(x) for x in (null["median"], null["quantiles"][LOW], null["quantiles"][HIGH]))
        except UNREADABLE:
            return None
        told = (
            "The line: the nearest of as many directions, drawn at random in as many dimensions, has a median cosine of "
            f"{median:.3f}, and 90 % lie from {low:.3f} to {high:.3f}."
        )
        return {"of": rows, "null": median, "told": told}


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not the index of a latent")
    return value


def _cosine(value: Any) -> float:
    if type(value) not in (int, float) or not -1 <= value <= 1:
        raise ValueError("not a cosine")
    return round(float(value), 3)
