"""Prepared: a subject and one coder of a bundle as SAEBench takes them, after the checks that come before any number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..coders.linear_coder import LinearCoder
from ..coders.load import load_coder
from ..metrics.reconstruction import describe
from ..subjects.errors import SubjectError
from ..subjects.load import load_subject
from ..subjects.subject import Subject
from .adapter import as_saelens
from .engine import plain_name, versions
from .gate import gate
from .model import model_for, parity

CHECKED = 64  # texts on which activations are compared


@dataclass(frozen=True)
class Prepared:
    """What an evaluation needs.

    Attributes:
        subject: as it was loaded.
        coder: as it was trained.
        model: the subject for SAEBench.
        sae: the coder for SAEBench.
        name: the subject's, safe in names of files and folders.
        facts: what was executed, ``parity`` of the activations and the ``gate`` of the adapter.
    """

    subject: Subject
    coder: LinearCoder
    model: Any
    sae: Any
    name: str
    facts: dict[str, Any]

    @property
    def device(self) -> str:
        """Where the subject runs."""
        return str(self.subject.device)


def prepare(subject: dict[str, Any], coders: Path, coder: str, texts: Sequence[str], max_length: int) -> Prepared:
    """Load both, and check them on some of the ``texts`` that will be evaluated.

    Raises:
        CoderFault: a coder that SAEBench cannot evaluate.
        FidelityFailed: an adapter that computes something else.
        SubjectError: a subject that is not in float32, in which adapters are checked; activations that SAEBench sees
            otherwise than the subject.
    """
    if subject["dtype"] != "float32":
        raise SubjectError(f"a subject in {subject['dtype']}", "float32, as its coders", "Make its spec in float32.")
    thing, about = load_subject(subject), load_coder(coders / coder)
    name = plain_name(subject["name"])
    own = about.to(device=str(thing.device))
    sae = as_saelens(own, name, str(thing.device))
    model = model_for(thing)
    seen, rows = parity(thing, model, list(texts)[:CHECKED], own.site_in, max_length)
    facts = {
        "coder": coder,
        **describe(own),
        "subject": subject,
        "versions": dict(versions()),
        "parity": seen,
        "gate": gate(own, sae, rows.to(thing.device)),
    }
    return Prepared(thing, own, model, sae, name, facts)
