"""Loss recovered: what the model loses when a coder's reconstruction stands in for its site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..coders.coder import Coder
from ..coders.load import load_coder
from ..progress import Progress
from ..refusal import Refusal
from ..subjects.load import load_subject
from ..subjects.subject import Subject
from ..subjects.tokens import TokenBatch
from ..texts import Texts
from ..unit_table import write_units
from .document_sums import DocumentSums
from .measurable import measurable
from .next_token_loss import Losses, next_token_losses
from .reconstruction import describe
from .rows import require_one_path
from .second_look import SecondLook
from .squared_errors import Mean, SquaredErrors

Edits = Mapping[str, Callable[[Tensor], Tensor]]
CLEARLY = 3.29  # standard errors: one-sided p below .001 for 30 documents and more, as the verdict will ask


class Arm(NamedTuple):
    """A batch of texts with the documents they are."""

    tokens: TokenBatch
    document: np.ndarray[Any, np.dtype[np.int64]]


def loss_recovered(
    out: Path,
    *,
    progress: Progress,
    texts: Path,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    max_length: int = 128,
    batch_size: int = 16,
    domains: list[str] | None = None,
    max_documents: int | None = None,
) -> dict[str, Any]:
    """Splice one coder into the forward pass; a table with documents as units.

    At scored positions ``site_out`` is replaced by the reconstruction, by zero, or by its mean over all scored
    positions; BOS, special and padded positions keep their values. Recovered is
    ``(CE ablated - CE spliced) / (CE ablated - CE clean)``: 1 for the identity, 0 for the ablation.

    Columns, in nats summed over a document's predictions: ``ce_clean``, ``ce_spliced``, ``ce_zero``, ``ce_mean``,
    ``lost`` (spliced - clean), ``recovered_zero`` and ``headroom_zero`` (numerator and denominator), the same with
    ``_mean``, and ``n_tokens``. Judge it with ``faithfulness(recovered, headroom, documents, chance=0)``, which also
    asks that ablation hurts; the loss added per token is ``ratio_of_sums(lost, n_tokens, documents)``.

    Raises:
        Refusal: no text left, a subject in which writing back a site's own value changes the logits, a mean that is
            not that of the rows which it replaces, or an ablation that is not where it belongs.
    """
    model = load_subject(subject)
    thing = load_coder(coders / coder, device=str(model.device))
    documents = read_documents(texts, domains, max_documents)
    sums = DocumentSums([d["id"] for d in documents])
    mean = Mean()
    clean: list[Losses] = []
    with progress("clean pass", len(documents), "documents") as bar, torch.no_grad():
        for k, arm in enumerate(_batches(model, documents, max_length, batch_size)):
            logits, read = model.run(arm.tokens, [thing.site_out])
            if k == 0:
                _require_identity(model, arm.tokens, thing.site_out, logits)
            mean.add(read[thing.site_out][arm.tokens.scored])
            clean.append(next_token_losses(logits, arm.tokens.ids, arm.tokens.scored))
            bar.update(len(arm.document))
    errors, look = SquaredErrors(mean.value, sums.documents), SecondLook()
    with progress(f"splice {coder}", len(documents), "documents") as bar, torch.no_grad():
        for k, arm in enumerate(_batches(model, documents, max_length, batch_size)):
            ce = {"clean": clean[k]}
            arms = _arms(thing, mean.value, arm, errors, look)
            if k == 0:
                for name, by in (("zero", torch.zeros_like(mean.value)), ("mean", mean.value)):
                    _require_in_place(model, arm.tokens, thing.site_out, by, arms[name])
            for name, edits in arms.items():
                logits = model.run_edited(arm.tokens, edits)
                ce[name] = next_token_losses(logits, arm.tokens.ids, arm.tokens.scored)
            values = {name: losses.values for name, losses in ce.items()}
            sums.add(arm.document[clean[k].row], **_columns(values))
            bar.update(len(arm.document))
            bar.note(f"lost {sums.total('lost') / max(sums.total('n_tokens'), 1):.3f} nats/token")
    look.require_mean(mean.value)
    facts = {
        "coder": coder,
        **describe(thing),
        "subject": subject,
        "max_length": max_length,
        **_facts(sums, errors.variance_explained),
    }
    write_units(out, "document", sums.units, sums.columns(), facts)
    return facts


def read_documents(texts: Path, domains: Sequence[str] | None, limit: int | None) -> list[dict[str, Any]]:
    """Documents of a text artifact, in its order.

    Raises:
        Refusal: none is left.
    """
    kept = list(islice((d for d in Texts(texts) if domains is None or d["domain"] in domains), limit))
    if not kept:
        raise Refusal(f"no document of domains {domains}", "at least one", "Check the domains of the text artifact.")
    return kept


def splice(coder: Coder, scored: Tensor, seen: Callable[[Tensor, Tensor], None] | None = None) -> Edits:
    """Edits that replace ``site_out`` by the coder's reconstruction where ``scored`` ``[n, t]``.

    A transcoder's input is caught at ``site_in`` in the same pass. ``seen(target, reconstruction)`` is called with the
    rows that were replaced.
    """
    caught: dict[str, Tensor] = {}

    def catch(value: Tensor) -> Tensor:
        caught["x"] = value[scored]
        return value

    def write(value: Tensor) -> Tensor:
        x = value[scored] if coder.site_in == coder.site_out else caught.pop("x")
        reconstruction = coder.decode(coder.encode(x), x)
        require_one_path(coder, x, reconstruction)
        if seen is not None:
            seen(value[scored], reconstruction)
        return replaced(value, scored, reconstruction)

    if coder.site_in == coder.site_out:
        return {coder.site_out: write}
    return {coder.site_in: catch, coder.site_out: write}


def replaced(value: Tensor, where: Tensor, by: Tensor) -> Tensor:
    """A copy of ``value`` ``[n, t, d]`` with ``by`` (``[m, d]`` or ``[d]``) at the ``m`` positions ``where`` ``[n, t]``."""
    copy = value.clone()
    copy[where] = by.to(copy)
    return copy


def _arms(coder: Coder, mean: Tensor, arm: Arm, errors: SquaredErrors, look: SecondLook) -> dict[str, Edits]:
    scored = arm.tokens.scored
    document = arm.document[scored.nonzero()[:, 0].cpu().numpy()]

    def score(target: Tensor, reconstruction: Tensor) -> None:
        errors.add(target, reconstruction, document)
        look.add(target, reconstruction)

    return {
        "spliced": splice(coder, scored, score),
        "zero": {coder.site_out: lambda value: replaced(value, scored, torch.zeros_like(mean))},
        "mean": {coder.site_out: lambda value: replaced(value, scored, mean)},
    }


def _columns(ce: Mapping[str, Any]) -> dict[str, Any]:
    columns = {f"ce_{name}": values for name, values in ce.items()}
    columns["lost"] = ce["spliced"] - ce["clean"]
    for name in ("zero", "mean"):
        columns[f"recovered_{name}"] = ce[name] - ce["spliced"]
        columns[f"headroom_{name}"] = ce[name] - ce["clean"]
    return columns


def _facts(sums: DocumentSums, in_place: float) -> dict[str, Any]:
    n, reasons = sums.total("n_tokens"), []
    facts: dict[str, Any] = {
        "n_tokens": int(n),
        "documents_scored": len(sums.units),
        "documents_planned": len(sums.documents),
        "variance_explained_in_place": in_place,
        "loss_added": sums.total("lost") / n,
        **{f"ce_{name}": sums.total(f"ce_{name}") / n for name in ("clean", "spliced", "zero", "mean")},
    }
    if in_place < 0:
        reasons.append(f"variance explained in place is {in_place:.3f}: predicting the mean does better")
    for name in ("zero", "mean"):
        headroom = sums.columns()[f"headroom_{name}"]
        error = float(headroom.std(ddof=1) / np.sqrt(len(headroom))) if len(headroom) > 1 else np.inf
        hurts = bool(headroom.mean() > CLEARLY * error)
        facts[f"headroom_{name}"] = sums.total(f"headroom_{name}") / n
        facts[f"{name}_ablation_hurts"] = hurts
        facts[f"recovered_{name}"] = sums.total(f"recovered_{name}") / sums.total(f"headroom_{name}") if hurts else None
    if not (facts["zero_ablation_hurts"] or facts["mean_ablation_hurts"]):
        reasons.append("ablating the site does not clearly raise the loss, so there is nothing to recover")
    return {**facts, **measurable(reasons)}


def _batches(model: Subject, documents: Sequence[Mapping[str, Any]], max_length: int, size: int) -> Iterator[Arm]:
    for k in range(0, len(documents), size):
        tokens = model.tokens([d["text"] for d in documents[k : k + size]], max_length)
        if len(tokens):  # texts in which nothing is scored are no rows
            yield Arm(tokens, np.array([k + row.text for row in tokens.rows]))


def _require_identity(model: Subject, tokens: TokenBatch, site: str, logits: Tensor) -> None:
    again = model.run_edited(tokens, {site: lambda value: value.clone()})
    gap = float((again - logits)[tokens.scored].abs().max())
    if gap > 1e-4 * float(logits[tokens.scored].abs().max()):
        raise Refusal(
            f"writing {site} back unchanged moves a logit by {gap:.2g}",
            "no change",
            "The hook reads or writes another tensor than it says.",
        )


def _require_in_place(model: Subject, tokens: TokenBatch, site: str, by: Tensor, edits: Edits) -> None:
    before, after = (model.run(tokens, [site], edit)[1][site].cpu() for edit in (None, edits))
    scored = tokens.scored.cpu()
    missed = int((after[scored] != by.cpu().to(after)).any(-1).sum())
    others = int((after[~scored] != before[~scored]).any(-1).sum())
    if missed or others:
        raise Refusal(
            f"an ablation that misses {missed} of {int(scored.sum())} scored positions and changes {others} others",
            "all scored positions and no other",
            "Look for an edit of a copy, or one without the batch's mask.",
        )
