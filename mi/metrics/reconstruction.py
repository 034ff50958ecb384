"""Reconstruction: how well, and how sparsely, a coder rewrites its site. Builder and facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..activations.read import Activations
from ..coders.coder import Coder
from ..coders.load import load_coder
from ..coders.provenance import trained_on
from ..progress import Progress
from ..unit_table import write_units
from .firing import Firing
from .measurable import measurable
from .rows import coded, ordered, require_sites
from .second_look import SecondLook, require_documents
from .squared_errors import Mean, SquaredErrors

LATENTS = "latents"
EXACT_K = frozenset({"topk"})
ROUNDING = 1e-9
KNOWN = 0.01  # share of documents that may have been in training: public corpora repeat some


def reconstruction(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: Path,
    coder: str,
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Measure one coder of a bundle on an evaluation set; a table with documents as units.

    A transcoder is scored on its own objective: rows of ``site_in`` go in, rows of ``site_out`` are the target.
    Two passes: the mean of the target, then the sums. Memory does not grow with the number of tokens.

    Columns, summed over a document's scored tokens: ``sse``, ``sst`` (about the mean over *all* scored tokens),
    ``n_tokens``, ``l0_sum``, ``l1_sum``, ``l1_scaled_sum`` (times the decoder norm), ``cosine_sum``,
    ``legacy_ratio_sum``. FVU with its interval is ``ratio_of_sums(sse, sst, documents)``.

    Also written, into ``latents``: a table with latents as units, with counts and sums over all tokens, ``fired`` and
    ``activation``, and ``dead``, 1 where it never fired.

    Raises:
        Refusal: sites missing, a target without variance, a coder with two answers, sums that a second count does not
            confirm.
    """
    rows, thing = Activations(activations), load_coder(coders / coder)
    require_sites(rows, [thing.site_in, thing.site_out], f"coder {coder!r}")
    errors = SquaredErrors(target_mean(rows, thing.site_out, progress).value, rows.documents)
    firing, look = Firing(thing.W_dec), SecondLook()
    with progress(f"reconstruct {coder}", rows.n_rows, "tokens") as bar:
        for batch in coded(rows, thing, batch_size):
            cosine = _cosine(batch.target, batch.reconstruction)
            errors.add(
                batch.target,
                batch.reconstruction,
                batch.rows.document,
                cosine_sum=cosine,
                **firing.add(batch.latents),
            )
            look.add(batch.target, batch.reconstruction, batch.latents)
            bar.update(len(batch.target))
    known = trained_on(coders, rows)
    facts = {"coder": coder, **describe(thing), **facts_of(errors, firing, thing, rows, known)}
    units, columns = errors.sums.units, errors.sums.columns()
    look.require_mean(errors.mean)
    look.require_totals(columns, facts)
    require_documents(rows, thing.site_out, errors.mean, units, columns)
    write_units(out, "document", units, columns, facts)
    (out / LATENTS).mkdir()
    dead = (~firing.live).double()
    by_latent = {"fired": firing.fired.tolist(), "activation": firing.activation.tolist(), "dead": dead.tolist()}
    write_units(out / LATENTS, "latent", [str(i) for i in range(len(dead))], by_latent, facts)
    return facts


def target_mean(rows: Activations, site: str, progress: Progress, batch_size: int = 8192) -> Mean:
    """Mean of a site over all scored tokens, in one pass."""
    mean = Mean()
    with progress("mean of the target", rows.n_rows, "tokens") as bar:
        for batch in ordered(rows, [site], batch_size):
            mean.add(batch.sites[site])
            bar.update(len(batch.document))
    return mean


def describe(coder: Coder) -> dict[str, Any]:
    """What was executed, by its values: to be compared with what a claim registered."""
    return {
        "engine": coder.facts.engine,
        "kind": coder.kind,
        "architecture": coder.architecture,
        "site_in": coder.site_in,
        "site_out": coder.site_out,
        "k": coder.facts.k,
    }


def facts_of(
    errors: SquaredErrors, firing: Firing, coder: Coder, rows: Activations, known: int | None = None
) -> dict[str, Any]:
    """The numbers over the whole set, and whether they mean anything.

    ``known``: how many of the documents the coder was trained on; None where nobody wrote it down.
    """
    sums, d = errors.sums, len(errors.mean)
    n = sums.total("n_tokens")
    facts: dict[str, Any] = {
        "variance_explained": errors.variance_explained,
        "fvu": errors.fvu,
        "r2": errors.variance_explained,
        "r2_uniform": errors.r2_uniform,
        "legacy_variance_explained": errors.legacy_variance_explained,
        "mse_per_token": sums.total("sse") / n,
        "mse_per_element": sums.total("sse") / (n * d),
        "cosine_mean": sums.total("cosine_sum") / n,
        "l0_mean": sums.total("l0_sum") / n,
        "l1_mean": sums.total("l1_sum") / n,
        "l1_scaled_mean": sums.total("l1_scaled_sum") / n,
        "n_tokens": int(n),
        "documents_scored": len(sums.units),
        "documents_planned": len(sums.documents) + int(rows.index.get("excluded", 0)),
        "documents_trained_on": known,
        "d_out": d,
        **firing.facts(),
    }
    return {**facts, **measurable(reasons_against(facts, coder))}


def reasons_against(facts: dict[str, Any], coder: Coder) -> list[str]:
    """Why a measurement of reconstruction would say nothing about the coder."""
    reasons = []
    if facts["variance_explained"] < -ROUNDING:
        reasons.append(
            f"variance explained is {facts['variance_explained']:.3f}: predicting the mean does better, "
            "so hook point, scale or checkpoint is wrong"
        )
    k = coder.facts.k
    if coder.architecture in EXACT_K and k and facts["l0_max"] > k:
        reasons.append(f"a TopK coder with k={k} let {facts['l0_max']} latents fire on one token")
    known, scored = facts["documents_trained_on"], facts["documents_scored"]
    if known is not None and known > KNOWN * scored:
        reasons.append(f"{known} of the {scored} documents are among those that the coder was trained on")
    if facts["alive"] == 0:
        reasons.append("no latent ever fired")
    return reasons


def _cosine(a: Any, b: Any) -> Any:
    from torch.nn.functional import cosine_similarity

    return cosine_similarity(a.detach().double(), b.detach().double(), dim=1).cpu().numpy()
