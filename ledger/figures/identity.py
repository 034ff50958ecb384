"""Ids of figures: readable, and the same for the same artifact."""

from __future__ import annotations

import re

from .evidence import Evidence

_OTHER = re.compile("[^a-z0-9]+")


def identity(kind: str, evidence: Evidence, *what: object) -> str:
    """``circuit-sizes-organism-negated-job-outdoor-one-layer-003a411e``."""
    words = _OTHER.sub("-", " ".join([evidence.subject, *map(str, what)]).casefold()).strip("-")
    return "-".join(part for part in (kind, words[:60].strip("-"), evidence.digest[:8]) if part)
