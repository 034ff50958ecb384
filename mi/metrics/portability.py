"""Portability: what a measurement owes to the device that it runs on. Builder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from ..unit_table import write_units
from .loss_recovered import read_documents
from .measurable import measurable
from .next_token_loss import next_token_losses


class Seen(NamedTuple):
    """What a subject has for one document, on the CPU."""

    loss: float
    """Nats per predicted token."""
    logits: Tensor
    """``[n, vocabulary]`` at its scored tokens."""
    sites: dict[str, Tensor]
    """Per site ``[n, d]``."""


def portability(
    out: Path,
    *,
    progress: Progress,
    texts: Path,
    subject: dict[str, Any],
    site: str,
    coders: Path | None = None,
    coder: str | None = None,
    max_length: int = 128,
    batch_size: int = 16,
    max_documents: int = 64,
) -> dict[str, Any]:
    """Run some documents on the build's device and on the CPU, each in its own way; a table with documents as units.

    The device runs batches, as every measurement does. The reference runs in float32 on the CPU, loaded anew, one document
    at a time and with another number of threads: where the device is that CPU, sums come in another order all the same.

    Columns: ``loss`` and ``loss_reference`` (nats per predicted token), ``loss_gap`` (their difference, without its sign:
    errors of both signs would cancel over documents), ``residual_gap`` (norm of the difference of ``site`` over the
    norm of it), ``logit_gap`` (largest difference of a logit), ``n_tokens`` (predictions). With a coder also
    ``sse, sse_reference, sst``: its squared errors on either side, and squared deviations from the mean on the CPU.

    Args:
        out: filled.
        progress: counts documents.
        texts: text artifact; its first ``max_documents`` are run.
        subject: spec; the reference is in float32 whatever it says.
        site: of the residual stream.
        coders, coder: a bundle, and the name of one in it.
        max_length: tokens a document, BOS included.
        batch_size: documents that the device runs at a time.
        max_documents: the CPU needs minutes for many of a large model.

    Raises:
        Refusal: no document in which a token is predicted, a coder without a bundle, or numbers of the device that are
            not finite.
    """
    if (coders is None) != (coder is None):
        raise Refusal(f"coders={coders}, coder={coder!r}", "both or neither", "Name a coder and its bundle.")
    documents = read_documents(texts, None, max_documents)
    reference = _on_cpu(subject)  # before the other: on a GPU there is room for one
    model = load_subject(subject)
    rebuilt = None if coders is None or coder is None else Reconstructed(coders / coder, str(model.device))
    sites = list(dict.fromkeys([site, *(rebuilt.sites if rebuilt else ())]))
    found: dict[str, dict[str, float]] = {}
    with progress("compare with the CPU", len(documents), "documents") as bar:
        for k in range(0, len(documents), batch_size):
            some = documents[k : k + batch_size]
            batch = model.tokens([d["text"] for d in some], max_length)
            for row, seen in zip(batch.rows, _seen(model, batch, sites), strict=True):
                about = some[row.text]
                with _other_threads():
                    (same,) = _seen(reference, reference.tokens([about["text"]], max_length), sites)
                if np.isfinite(same.loss):
                    found[about["id"]] = gaps = _gaps(seen, same, site)
                    if not all(map(np.isfinite, gaps.values())):
                        raise Refusal(
                            f"{about['id']}: on {model.device} not every number is finite, on the CPU all are",
                            "a device on which the model can be run",
                            "Measure nothing on this device with this dtype.",
                        )
                    if rebuilt:
                        rebuilt.add(seen.sites, same.sites)
            bar.update(len(some))
    if not found:
        raise Refusal(f"{len(documents)} documents without a predicted token", "some text", "Take other texts.")
    columns = {name: [gaps[name] for gaps in found.values()] for name in next(iter(found.values()))}
    reasons = []
    if rebuilt:
        columns |= rebuilt.columns
        if sum(columns["sse_reference"]) > sum(columns["sst"]):
            reasons.append("on the CPU predicting the mean does better")
    facts = {
        "subject": subject,
        "coder": coder,
        "site": site,
        "device": torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else str(model.device),
        "documents_planned": len(documents),
        **{f"largest_{name}": max(values) for name, values in columns.items() if name.endswith("_gap")},
        **measurable(reasons),
    }
    write_units(out, "document", list(found), columns, facts)
    return facts


def _on_cpu(spec: dict[str, Any]) -> Subject:
    made = load_subject({**spec, "dtype": "float32"})
    return Subject(made.spec, made.hf.to("cpu"), made.vocabulary, made.folder, made.tokenizer_digest)


@contextmanager
def _other_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1 if before > 1 else 2)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _seen(model: Subject, batch: TokenBatch, sites: Sequence[str]) -> Iterator[Seen]:
    """Row by row; a document in which nothing is predicted has no finite loss."""
    if not len(batch):
        return
    with torch.no_grad():
        logits, read = model.run(batch, sites)
    losses = next_token_losses(logits, batch.ids, batch.scored)
    for i, scored in enumerate(batch.scored):
        values = losses.values[losses.row == i]
        at = scored.to(logits.device)
        yield Seen(
            float(values.mean()) if len(values) else float("nan"),
            logits[i][at].float().cpu(),
            {site: value[i][at].float().cpu() for site, value in read.items()},
        )


def _gaps(seen: Seen, same: Seen, site: str) -> dict[str, float]:
    a, b = seen.sites[site].double(), same.sites[site].double()
    return {
        "loss": seen.loss,
        "loss_reference": same.loss,
        "loss_gap": abs(seen.loss - same.loss),
        "residual_gap": float((a - b).norm() / b.norm()),
        "logit_gap": float((seen.logits - same.logits).abs().max()),
        "n_tokens": float(len(same.logits)),
    }


class Reconstructed:
    """One coder on both devices: squared errors of what each has, and what they are a share of."""

    def __init__(self, folder: Path, device: str) -> None:
        self._here, self._there, self._device = load_coder(folder, device), load_coder(folder), device
        self.sites = (self._here.site_in, self._here.site_out)
        self._errors: list[tuple[float, float]] = []
        self._targets: list[Tensor] = []

    def add(self, seen: dict[str, Tensor], same: dict[str, Tensor]) -> None:
        """One document, from the device and from the CPU."""
        self._errors.append((_sse(self._here, seen, self._device), _sse(self._there, same, "cpu")))
        self._targets.append(same[self.sites[1]].double())

    @property
    def columns(self) -> dict[str, list[float]]:
        """``sse, sse_reference, sst`` per document; deviations are from the mean over all of them."""
        mean = torch.cat(self._targets).mean(0)
        return {
            "sse": [error for error, _ in self._errors],
            "sse_reference": [error for _, error in self._errors],
            "sst": [float((target - mean).square().sum()) for target in self._targets],
        }


def _sse(coder: Coder, sites: dict[str, Tensor], device: str) -> float:
    with torch.no_grad():
        x = sites[coder.site_in].to(device)
        written = coder.decode(coder.encode(x), x)
    return float((sites[coder.site_out].double() - written.double().cpu()).square().sum())
