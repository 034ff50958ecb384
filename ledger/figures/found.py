"""The figures of a run: which artifacts can be drawn, how, and what is absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..artifact_files import UNREADABLE, ArtifactFiles, artifacts_here, digests
from ..errors import LedgerError
from ..ruling import Ruling, rulings
from ..run import Run
from ..text import clean, label
from . import (
    agreement,
    circuit_buildup,
    circuit_kept,
    circuit_sizes,
    cross_domain,
    probes,
    reconstruction,
    stability,
    steering,
)
from .evidence import Evidence
from .figure import Figure

RECONSTRUCTION, LOSS = "mi.metrics.reconstruction:reconstruction", "mi.metrics.loss_recovered:loss_recovered"
PROBES = "mi.probing.probes:probes"
Draw = Callable[[Evidence], Figure | None]
SINGLE: Mapping[str, tuple[str, Draw]] = {
    "cross-domain": ("mi.metrics.cross_domain:cross_domain", cross_domain.draw),
    "seed stability": ("mi.metrics.stability:stability", stability.draw),
    "steering sweep": ("mi.steering.sweep:sweep", steering.draw),
    "circuit sizes": ("mi.circuits.probing:probing", circuit_sizes.draw),
    "circuit build-up": ("mi.circuits.probing:probing", circuit_buildup.draw),
    "circuit kept alone": ("mi.circuits.causal:causal", circuit_kept.draw),
}
"""Figures of one artifact each, with its builder."""


@dataclass(frozen=True)
class Found:
    """What can be drawn of a run.

    Attributes:
        figures: in the order of the report: coders, steering, circuits, probes.
        absent: what is not there, and why; one sentence each.
    """

    figures: tuple[Figure, ...]
    absent: tuple[str, ...]


def figures_of(run: Run, store: Path) -> Found:
    """All figures whose artifacts the rows of a run name and the store has.

    An artifact that was altered since it was built, or that has another form, is named in ``absent`` and not drawn.
    """
    evidence, damaged, named, missing = _here(run, store)
    builders = {one.digest: build for build, found in evidence.items() for one in found}
    figures: list[Figure] = []
    absent: list[str] = list(damaged)

    def attempt(kind: str, used: Sequence[Evidence], draw: Callable[[], Figure | None]) -> None:
        try:
            for one in used:
                agreement.check(one, builders)
            if (figure := draw()) is not None:
                figures.append(figure)
        except (LedgerError, ArithmeticError, *UNREADABLE) as exc:
            why = (
                clean(exc) if isinstance(exc, LedgerError) else f"its artifact has another form ({type(exc).__name__})"
            )
            rows = ", ".join(dict.fromkeys(label(r.row) for r in used[0].rulings[:3]))
            absent.append(f"{kind} of {clean(used[0].subject)} ({rows}): {why}")

    for subject, used in _groups(evidence, RECONSTRUCTION, lambda e: e.subject).items():
        losses = [e for e in evidence.get(LOSS, ()) if e.subject == subject]
        attempt("reconstruction", used, partial(reconstruction.draw, used, losses))
    for kind, (build, draw) in SINGLE.items():
        for one in evidence.get(build, ()):
            attempt(kind, [one], partial(draw, one))
    by_concept = _groups(evidence, PROBES, lambda e: (e.subject, str(e.about("concept")), str(e.about("null"))))
    for used in by_concept.values():
        attempt("probe accuracy", used, partial(probes.draw, used))
    kinds = {
        "reconstruction": RECONSTRUCTION,
        **{k: build for k, (build, _) in SINGLE.items()},
        "probe accuracy": PROBES,
    }
    if not evidence:
        absent.append(
            f"None of the {named} artifacts that rows of this run name can be read in this store"
            if named
            else "No row of this run names an artifact to draw from"
        )
    else:
        none = "no row of this run rests on such an artifact"
        if missing:
            none = f"none among the artifacts that are here; {missing} that rows of this run name are not in this store"
        absent += [f"{kind}: {none}" for kind, build in kinds.items() if build not in evidence]
    return Found(tuple(figures), tuple(absent))


class _Here(NamedTuple):
    """Evidence by builder, in the order in which rows name it; what is damaged; how many artifacts rows name, and are not there."""

    evidence: dict[str, list[Evidence]]
    damaged: list[str]
    named: int
    missing: int


def _here(run: Run, store: Path) -> _Here:
    files: dict[str, ArtifactFiles] = {}
    by_artifact: dict[str, list[Ruling]] = {}
    wanted: set[str] = set()
    for ruling in sorted(rulings(run.rows), key=lambda r: (r.row["index"], r.row["nodeid"])):
        wanted.update(digests(ruling.row))
        for artifact in artifacts_here(ruling.row, store):
            files.setdefault(artifact.digest, artifact)
            by_artifact.setdefault(artifact.digest, []).append(ruling)
    found: dict[str, list[Evidence]] = {}
    damaged = []
    for digest, artifact in files.items():
        one = Evidence(artifact, tuple(by_artifact[digest]))
        try:
            found.setdefault(one.build, []).append(one)
        except (LedgerError, *UNREADABLE):
            damaged.append(
                f"artifact {digest[:12]}: its manifest cannot be read; run the test again, the store will mend it"
            )
    return _Here(found, damaged, len(wanted), len(wanted) - len(files))


def _groups(
    evidence: Mapping[str, list[Evidence]], build: str, key: Callable[[Evidence], object]
) -> dict[object, list[Evidence]]:
    groups: dict[object, list[Evidence]] = {}
    for one in evidence.get(build, ()):
        groups.setdefault(key(one), []).append(one)
    return groups
