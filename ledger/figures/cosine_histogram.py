"""Counts of matched cosines in bins, as ``mi.metrics.stability:stability`` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import LedgerError
from .evidence import Evidence

NAME = "histogram.json"


@dataclass(frozen=True)
class CosineHistogram:
    """Matched cosines of several sets of latents, in the same bins.

    Attributes:
        edges: ``[n + 1]``, rising.
        counts: ``[n]`` per set: ``live``, ``all``, ``null_<kind>``; each bin has its lower edge.
    """

    edges: tuple[float, ...]
    counts: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, evidence: Evidence) -> CosineHistogram:
        """From the artifact's file.

        Raises:
            LedgerError: the artifact has none, or it is no histogram.
        """
        if NAME not in evidence.files.names:
            raise LedgerError("built by an older version; run the claim again")
        found = evidence.files.json(NAME)
        edges = tuple(float(edge) for edge in found["edges"])
        counts = {str(name): tuple(numbers) for name, numbers in found["counts"].items()}
        rising = list(edges) == sorted(set(edges))
        if not rising or not all(_counts(c) and len(c) == len(edges) - 1 and sum(c) for c in counts.values()):
            raise LedgerError(f"{NAME} of {evidence.digest[:12]}: not counts of cosines in bins")
        return cls(edges, counts)

    def total(self, name: str) -> int:
        """How many matched latents a set has, over all pairs."""
        return sum(self.counts[name])

    def shares(self, name: str) -> list[float]:
        """``[n]`` shares of a set's matched latents, bin by bin; their sum is 1."""
        total = self.total(name)
        return [count / total for count in self.counts[name]]

    def above(self, name: str, threshold: float) -> int:
        """How many matched latents have a cosine of at least ``threshold``, which is an edge.

        Raises:
            LedgerError: it is no edge.
        """
        if threshold not in self.edges:
            raise LedgerError(f"{NAME}: the threshold {threshold:g} is no edge of a bin")
        return sum(self.counts[name][self.edges.index(threshold) :])

    def filled(self, name: str) -> range:
        """From the first to the last bin that is not empty."""
        some = [i for i, count in enumerate(self.counts[name]) if count]
        return range(some[0], some[-1] + 1)


def _counts(values: tuple[object, ...]) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in values)
