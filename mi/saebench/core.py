"""core: SAEBench's core metrics on texts of ours, confirmed on the same tokens by other code. Builder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor

from ..metrics.document_sums import DocumentSums
from ..metrics.loss_recovered import read_documents, splice
from ..metrics.measurable import measurable
from ..metrics.squared_errors import Mean, SquaredErrors
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .engine import keep_result, load, plain_name, running
from .results import CORE_DEPARTURES
from .subject_and_coder import Prepared, prepare
from .windows import Windows

RELATIVE = 1e-3  # float32 means of SAEBench against float64 sums here
CONFIRMED = ("l0", "cossim", "l2_norm_in", "l2_norm_out", "ce_loss_without_sae", "ce_loss_with_sae")


def core(
    out: Path,
    *,
    progress: Progress,
    subject: dict[str, Any],
    coders: Path,
    coder: str,
    texts: Path,
    max_documents: int | None = None,
    context_size: int = 128,
    batch_size: int = 16,
) -> dict[str, Any]:
    """Reconstruction, sparsity and cross-entropy by SAEBench; a table with windows of tokens as units.

    Special tokens are neither replaced nor counted. What SAEBench reports of L0, cosine, norms and cross-entropy has to
    agree with the same quantities from the subject's own forward pass and the coder's own arithmetic.

    Columns, summed over a window's tokens: ``sse``, ``sst`` (about the mean over all tokens), ``n_tokens``, ``l0_sum``,
    ``cosine_sum``, ``ce_clean``, ``ce_spliced``, ``lost`` and ``n_predictions``. FVU is
    ``ratio_of_sums(sse, sst, windows)``. Also written: ``saebench.json`` as SAEBench writes it.

    The facts hold SAEBench's numbers (``saebench``) beside ours (``ours``) and say which of SAEBench's are something
    else than their names say (``departures``).

    Raises:
        Refusal: too few texts for a batch of windows, SAEBench's failures (which it only logs), numbers that differ.
        CoderFault, FidelityFailed, SubjectError: see :func:`.subject_and_coder.prepare`.
    """
    out = out.resolve()
    read = [str(d["text"]) for d in read_documents(texts, None, max_documents)]
    ready = prepare(subject, coders, coder, read, context_size)
    windows = Windows(ready.subject, read, context_size, batch_size)
    main = load("sae_bench.evals.core.main")
    with ExitStack() as stack, progress(f"SAEBench core {coder}", 2 * windows.n_batches, "batches") as bar:
        folder = stack.enter_context(running(main, ready.model, 0))
        store = SimpleNamespace(from_sae=lambda *args, **kwargs: windows)
        stack.enter_context(patch.object(main, "ActivationsStore", store))
        stack.enter_context(patch.object(main.logger, "error", _raise))
        main.multiple_evals(
            [(f"{ready.name}_{plain_name(coder)}", ready.sae)],
            n_eval_reconstruction_batches=windows.n_batches,
            n_eval_sparsity_variance_batches=windows.n_batches,
            eval_batch_size_prompts=batch_size,
            compute_featurewise_density_statistics=True,
            compute_featurewise_weight_based_metrics=True,
            exclude_special_tokens_from_reconstruction=True,
            dataset="texts",
            context_size=context_size,
            output_folder="results",
            dtype=str(subject["dtype"]),
            device=ready.device,
        )
        result = keep_result(folder / "results", out)
        bar.update(windows.n_batches)
        errors, losses, mse = _own(ready, windows, bar.update)
    theirs = {name: v for group in result["eval_result_metrics"].values() for name, v in group.items()}
    columns = {**errors.sums.columns(), **{n: v for n, v in losses.columns().items() if n != "n_tokens"}}
    ours = _totals(errors, losses)
    _require_agreement(theirs, ours)
    facts = {
        **ready.facts,
        "saebench": theirs,
        "ours": ours,
        "departures": dict(CORE_DEPARTURES),
        "mse_by_saebenchs_formula": mse,
        "windows": len(windows),
        "context_size": context_size,
        **measurable(
            [] if errors.variance_explained > 0 else [f"variance explained is {errors.variance_explained:.3f}"]
        ),
    }
    write_units(out, "window", errors.sums.units, columns, facts)
    return facts


def _own(ready: Prepared, windows: Windows, done: Any) -> tuple[SquaredErrors, DocumentSums, float]:
    """The same quantities per window without SAEBench: sums, and the mean of its ``mse`` by its formula."""
    site, coder, mean = ready.coder.site_in, ready.coder, Mean()
    for _, batch in windows.batches():
        mean.add(ready.subject.activations(batch, [site])[site][batch.scored])
    names = [f"window-{i:05d}" for i in range(len(windows))]
    errors, losses = SquaredErrors(mean.value, names), DocumentSums(names)
    odd: list[float] = []
    for start, batch in windows.batches():
        logits, read = ready.subject.run(batch, [site])
        x = read[site][batch.scored]
        window = start + batch.scored.nonzero()[:, 0].numpy()
        with torch.no_grad():
            z = coder.encode(x)
            y = coder.decode(z, x)
            spliced = ready.subject.run_edited(batch, splice(coder, batch.scored))
        cosine = torch.nn.functional.cosine_similarity(x.double(), y.double(), dim=-1)
        per_token = {
            "l0_sum": (z != 0).sum(-1),
            "cosine_sum": cosine,
            "norm_in_sum": x.norm(dim=-1),
            "norm_out_sum": y.norm(dim=-1),
        }
        errors.add(x, y, window, **{name: v.double().cpu().numpy() for name, v in per_token.items()})
        odd += ((x - y).square().sum(-1) / len(x)).tolist()
        at = start + batch.scored[:, :-1].nonzero()[:, 0].numpy()
        clean, edited = (_losses(out, batch.ids, batch.scored) for out in (logits, spliced))
        losses.add(at, ce_clean=clean, ce_spliced=edited, lost=edited - clean, n_predictions=np.ones(len(at)))
        done(1)
    return errors, losses, float(np.mean(odd))


def _losses(logits: Tensor, ids: Tensor, scored: Tensor) -> Any:
    """``[m]`` nats per prediction made at a scored token, whatever comes next: SAEBench's choice of positions."""
    rows = []
    for row, token, counts in zip(logits, ids, scored, strict=True):  # a batch of log-probabilities may fill a GPU
        log_p = row[:-1][counts[:-1].to(row.device)].double().log_softmax(-1).cpu()
        rows.append(-log_p.gather(-1, token[1:][counts[:-1], None])[:, 0])
    return torch.cat(rows).numpy()


def _totals(errors: SquaredErrors, losses: DocumentSums) -> dict[str, float]:
    total = errors.sums.total
    n, predictions = total("n_tokens"), losses.total("n_predictions")
    return {
        "l0": total("l0_sum") / n,
        "cossim": total("cosine_sum") / n,
        "l2_norm_in": total("norm_in_sum") / n,
        "l2_norm_out": total("norm_out_sum") / n,
        "ce_loss_without_sae": losses.total("ce_clean") / predictions,
        "ce_loss_with_sae": losses.total("ce_spliced") / predictions,
        "mse_per_token": total("sse") / n,
        "fvu": errors.fvu,
        "variance_explained": errors.variance_explained,
    }


def _require_agreement(theirs: dict[str, float], ours: dict[str, float]) -> None:
    wrong = {n: (theirs[n], ours[n]) for n in CONFIRMED if not abs(theirs[n] - ours[n]) <= RELATIVE * abs(ours[n])}
    if wrong:
        raise Refusal(
            f"SAEBench's and our {wrong} on the same tokens",
            "the same numbers",
            "Look at masks, hooks and the adapter.",
        )


def _raise(message: str) -> None:
    """SAEBench logs a failure and goes on without a result."""
    raise Refusal(message, "a result", "Look at what SAEBench says.")
