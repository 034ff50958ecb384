"""gate: does SAEBench get the coder that was trained? Asked before every evaluation, with a known-bad adapter beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..coders.coder import CoderFault
from ..coders.fidelity import random_rows
from ..coders.fidelity_checks import FidelityFailed, Report, check_coder
from ..coders.linear_coder import LinearCoder
from ..coders.mutants import NotApplicable, pre_bias_dropped, relu_for_topk, threshold_dropped
from ..coders.native import SaelensNative
from .adapter import as_saelens
from .engine import silence

ROWS = 512
# It compares with the rows of training, and a benchmark's texts are others.
NOT_THE_ADAPTERS = "FVU at its site"


def pre_bias_added(c: LinearCoder) -> LinearCoder:
    """D01 the other way round: the output bias subtracted from the input of a coder that was trained without."""
    if c.input_bias is not None or not bool(c.b_dec.any()):
        raise NotApplicable("its input bias is subtracted, or there is none")
    return c.changed(input_bias=c.b_dec)


KNOWN_BAD: tuple[Callable[[LinearCoder], LinearCoder], ...] = (
    pre_bias_dropped,
    pre_bias_added,
    relu_for_topk,
    threshold_dropped,
)


def gate(coder: LinearCoder, sae: Any, rows: Tensor, seed: int = 0) -> dict[str, Any]:
    """Compare ``sae`` with ``coder`` on random and on real rows, then adapters that are known to be wrong.

    Args:
        coder: as it was loaded from its bundle.
        sae: :func:`.adapter.as_saelens` of it, the object that will be evaluated.
        rows: ``[n, d]`` activations at the coder's site as SAEBench collects them.
        seed: of the random rows.

    Returns:
        ``rows``; ``worst``, the largest relative difference of values and reconstructions and the largest share of
        rows in which other latents fire; per known-bad adapter ``caught_by`` or why it does not apply.

    Raises:
        FidelityFailed: the adapter differs, or a known-bad one passes.
    """
    real = {coder.site_in: rows[:ROWS].to(coder.W_enc)}
    x = random_rows(real[coder.site_in], seed)
    report = _compare(coder, sae, x, real)
    failed = _decisive(report)
    found = {bad.__name__: _try(bad, coder, x, real) for bad in KNOWN_BAD}
    passed = [name for name, outcome in found.items() if outcome.get("caught_by") == []]
    if failed or passed:
        what = f"an adapter for SAEBench that fails {', '.join(failed)}" if failed else f"{', '.join(passed)} unnoticed"
        raise FidelityFailed(what, "the latents, values and reconstructions of the coder itself", "Repair the adapter.")
    return {"rows": len(real[coder.site_in]), "worst": _worst(report), "known_bad": found}


def _try(
    bad: Callable[[LinearCoder], LinearCoder], coder: LinearCoder, x: Tensor, real: Mapping[str, Tensor]
) -> dict[str, Any]:
    try:
        wrong = as_saelens(bad(coder), "known-bad", str(coder.W_enc.device))
    except (NotApplicable, CoderFault) as reason:
        return {"not_applicable": str(reason)}
    report = _compare(coder, wrong, x, real)
    return {"caught_by": _decisive(report), "worst": _worst(report)}


def _compare(coder: LinearCoder, sae: Any, x: Tensor, real: Mapping[str, Tensor]) -> Report:
    # What the coder measured in training belongs to other texts.
    site, facts = str(sae.cfg.metadata.hook_name), replace(coder.facts, training={})
    native = SaelensNative(replace(facts, engine="saelens", site_in=site, site_out=site), sae)
    with torch.no_grad(), silence():
        return check_coder(replace(coder, facts=facts), native, x, real)


def _decisive(report: Report) -> list[str]:
    return [name for name in report.failed if not name.startswith(NOT_THE_ADAPTERS)]


def _worst(report: Report) -> dict[str, float]:
    kinds = ("rows with other latents", "1 - Jaccard", "values", "1 - cosine", "reconstruction")
    return {
        kind: max((c.value for c in report.checks if c.name in (f"random: {kind}", f"real: {kind}")), default=0.0)
        for kind in kinds
    }
