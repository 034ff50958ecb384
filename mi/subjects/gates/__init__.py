"""Gates: what has to hold of a subject before anything is measured on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import GateFailed
from .exam import Exam
from .report import GateReport

if TYPE_CHECKING:
    from ...progress import Progress
    from ..subject import Subject

__all__ = ["GATES", "Exam", "GateFailed", "GateReport", "build", "check_subject", "examine"]


def _gates() -> dict[str, Callable[[Exam], list[GateReport]]]:
    from . import bos, hooks, masking, parity

    return {
        "weights": parity.weights,
        "bos": bos.bos,
        "census": hooks.census,
        "hugging-face": parity.hugging_face,
        "transformer-lens": parity.transformer_lens,
        "causality": masking.causality,
        "padding": masking.padding,
        "company": masking.company,
        "identity": hooks.identity,
        "effect": hooks.effect,
        "aliasing": hooks.aliasing,
    }


GATES = tuple(_gates())


def examine(exam: Exam, gates: Sequence[str] = GATES, tick: Callable[[str], None] | None = None) -> list[GateReport]:
    """Run gates by name and return what they found; a gate that could not be run has failed."""
    reports: list[GateReport] = []
    for name in gates:
        try:
            reports += _gates()[name](exam)
        except GateFailed:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            reports.append(GateReport(name, False, f"could not be run ({text})", float("inf"), 0.0))
        if tick is not None:
            tick(name)
    return reports


def check_subject(
    subject: Subject,
    texts: Sequence[str],
    sites: Sequence[str] | None = None,
    *,
    reference: Any = None,
    gates: Sequence[str] = GATES,
    tick: Callable[[str], None] | None = None,
) -> list[GateReport]:
    """Run the gates.

    Args:
        subject: a loaded subject.
        texts: some texts of the kind that will be measured; a few hundred tokens are enough.
        sites: the sites that will be used; None: all that the subject has.
        reference: the same model loaded by other means; None: it is loaded once more from its files.
        gates: some of :data:`GATES`.
        tick: called with the name of each gate when it is through.

    Returns:
        What each gate found.

    Raises:
        GateFailed: at least one found a deviation; its text says which and how large.
    """
    from ..load import load_hf

    if reference is None:
        reference = load_hf(subject.spec)
    exam = Exam(subject, reference, tuple(sites if sites is not None else subject.sites), tuple(texts))
    reports = examine(exam, gates, tick)
    failed = [report for report in reports if not report.ok]
    if failed:
        raise GateFailed(
            f"{subject.spec['name']} ({subject.spec['weights']}) failed {len(failed)} of {len(reports)} gates:\n"
            + "\n".join(f"  {report}" for report in failed),
            "every gate to pass before anything is measured",
            "Measure nothing on this model with these versions, dtype and device.",
        )
    return reports


def build(
    out: Path,
    *,
    progress: Progress,
    texts: Path,
    subject: dict[str, Any],
    sites: list[str] | None = None,
    n_texts: int = 16,
) -> dict[str, Any]:
    """Builder: examine a subject on the first ``n_texts`` texts and write ``gates.json``.

    Returns:
        ``gates`` (how many), ``files`` (the digest of configuration, tokenizer and weights that were really used),
        ``perplexity``, ``uniform_perplexity``.

    Raises:
        GateFailed: see :func:`check_subject`; nothing is written then.
    """
    from ...texts import Texts
    from ..load import load_subject
    from ..spec import digest

    chosen = [text["text"] for text in Texts(texts).head(n_texts)]
    loaded = load_subject(subject)
    with progress(f"gates of {subject['name']}", len(GATES), "gates") as bar:

        def tick(name: str) -> None:
            bar.note(name)
            bar.update(1)

        reports = check_subject(loaded, chosen, sites, tick=tick)
    facts = {
        "subject": subject,
        "files": digest(loaded.folder),
        "sites": list(sites if sites is not None else loaded.sites),
        "gates": [report.json() for report in reports],
        "perplexity": perplexity(loaded, chosen),
        "uniform_perplexity": float(loaded.vocabulary.size),
    }
    (out / "gates.json").write_text(json.dumps(facts, indent=1), "utf-8")
    kept = {name: facts[name] for name in ("files", "perplexity", "uniform_perplexity")}
    return {"gates": len(reports), **kept}


def perplexity(subject: Subject, texts: Sequence[str]) -> float:
    """Perplexity of the scored tokens that have one before them; a note, because a random model is a subject too."""
    import torch

    total, count = 0.0, 0
    for batch in subject.tokens(texts, min(subject.context, 256)).split(8):
        logp = subject.logits(batch)[:, :-1].double().log_softmax(-1)
        target = batch.ids[:, 1:].to(logp.device)
        mask = (batch.scored[:, 1:] & batch.attend[:, :-1]).to(logp.device)
        total -= float(logp.gather(-1, target[..., None])[..., 0][mask].sum())
        count += int(mask.sum())
    return float(torch.tensor(total / max(count, 1)).exp())
