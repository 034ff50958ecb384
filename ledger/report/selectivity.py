"""Selectivity: what the tables of ``mi.metrics.selectivity`` among the artifacts of a run know of a latent."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from ..artifact_files import UNREADABLE, ArtifactFiles
from ..errors import LedgerError
from .coder_tables import coder_tables
from .private import without_secrets

BUILD = "mi.metrics.selectivity:selectivity"


def coder_of(artifact: ArtifactFiles, coder: str) -> tuple[str, str] | None:
    """``(digest of the trained coders, name)`` that an artifact was made with; None where that is not certain."""
    try:
        recipes = artifact.manifest["recipe"]["recipes"].values()
        found = {
            r["inputs"]["coders"] for r in recipes if "coders" in r["inputs"] and r["params"].get("coder") == coder
        }
    except (LedgerError, *UNREADABLE):
        return None
    return (str(found.pop()), coder) if len(found) == 1 else None


class Selectivity:
    """Mean activations in two domains, by coder and latent; damaged tables are left out.

    Args:
        artifacts: searched for tables of selectivity.
    """

    def __init__(self, artifacts: Iterable[ArtifactFiles]) -> None:
        self._tables = coder_tables(artifacts, BUILD, "latents/units.json")

    def facts(self, coder: tuple[str, str], latent: int) -> list[list[str]]:
        """``[[name, text], ...]``: the two means, their difference and the class of a latent; empty where unknown."""
        try:
            table = self._tables[coder]
            at, columns, names = table["units"].index(str(latent)), table["columns"], table["facts"]["names"]
            classes = {"a": f"specific to {names['a']}", "b": f"specific to {names['b']}"}
            classes |= {word: word for word in ("shared", "undecided", "dead")}
            (word,) = (text for key, text in classes.items() if columns[f"is_{key}"][at])
            a, b, p = (float(columns[key][at]) for key in ("mean_a", "mean_b", "p_adjusted"))
        except UNREADABLE:
            return []
        if not all(map(isfinite, (a, b, p))):
            return []
        text = f"{names['a']} {a:.4g}, {names['b']} {b:.4g}, difference {a - b:+.4g}; {word}, adjusted p {p:.3g}"
        return [["mean activation", without_secrets(f"{text}; no interval is recorded")]]
