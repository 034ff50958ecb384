"""check_coder: does the adapter compute what the coder's own library computes, on the rows it is meant for?"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..refusal import Refusal
from .coder import CoderFault
from .last_look import last_look
from .linear_coder import LinearCoder
from .load import load_coder, save_coder
from .native import Native, load_native

RELATIVE = 1e-4  # largest difference, relative to the largest value
TIED_ROWS = 1e-3  # rows in which a tie at the k-th place may fall differently
FOLDED_ROWS = 0.01  # rows in which rounding puts a latent at its threshold on the other side
NORM_RANGE = 0.05  # distance of decoder norms from 1 that is worth a warning


class FidelityFailed(Refusal):
    """An adapter that does not compute what its library does, or a gate that missed a planted bug."""


@dataclass(frozen=True)
class Check:
    """One comparison: ``value`` must not exceed ``limit``."""

    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """NaN fails."""
        return self.value <= self.limit


@dataclass(frozen=True)
class Report:
    """All comparisons of one coder, and what is only worth a warning."""

    checks: tuple[Check, ...]
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> list[str]:
        """Names of the checks that failed."""
        return [c.name for c in self.checks if not c.passed]

    def to_json(self) -> dict[str, Any]:
        """For ``fidelity.json``."""
        return {"checks": [{**asdict(c), "passed": c.passed} for c in self.checks], "warnings": list(self.warnings)}


def check_coder(coder: LinearCoder, native: Native | None, x_random: Tensor, real: Mapping[str, Tensor]) -> Report:
    """Compare ``coder`` with its library on made-up and on harvested rows.

    Args:
        coder: what :func:`~.load.load_coder` gives.
        native: the same coder in its library; None for control coders, which are only checked against themselves.
        x_random: ``[n, d_in]`` rows of about the scale of the real ones.
        real: site to ``[n, d]`` harvested rows, from texts like those it was trained on.

    Returns:
        The report; nothing is raised for a failed check.
    """
    checks: list[Check] = []
    with torch.no_grad():
        for label, x in (("random", x_random), ("real", real[coder.site_in])):
            if native is not None:
                checks += _against_native(coder, native, x, label)
            checks += _against_itself(coder, x, label)
        checks += _saved_again(coder, native, x_random)
        checks += _folded(coder, x_random)
        checks += _at_its_site(coder, native, real)
    norms = coder.W_dec.norm(dim=-1)
    off = float((norms - 1).abs().max())
    said = (f"decoder norms are off 1 by up to {off:.3f}, mean {float(norms.mean()):.3f}",) if off > NORM_RANGE else ()
    return Report(tuple(checks), said)


def _against_native(coder: LinearCoder, native: Native, x: Tensor, label: str) -> list[Check]:
    ours, theirs = coder.encode(x), native.encode(x)
    if ours.shape != theirs.shape:
        return [Check(f"{label}: latents", abs(ours.shape[1] - theirs.shape[1]), 0)]
    same = ((ours > 0) == (theirs > 0)).all(-1)
    both, either = ((ours > 0) & (theirs > 0)).sum(), ((ours > 0) | (theirs > 0)).sum()
    l0, l0_theirs = (float((z > 0).float().sum(-1).mean()) for z in (ours, theirs))
    cosine = torch.nn.functional.cosine_similarity(ours, theirs, dim=-1)
    silent = (ours == 0).all(-1) & (theirs == 0).all(-1)
    y, y_theirs = coder.reconstruct(x), native.forward(x)
    return [
        Check(f"{label}: rows with other latents", float((~same).float().mean()), TIED_ROWS),
        Check(f"{label}: 1 - Jaccard", 1 - float(both / either) if either else 0.0, TIED_ROWS),
        Check(f"{label}: values", _off(ours[same], theirs[same]), RELATIVE),
        Check(f"{label}: L0", abs(l0 - l0_theirs), TIED_ROWS * max(1.0, l0_theirs)),
        Check(f"{label}: 1 - cosine", 1 - float(torch.where(silent, 1.0, cosine).mean()), RELATIVE),
        Check(f"{label}: reconstruction", _off(y[same], y_theirs[same]), RELATIVE),
    ]


def _against_itself(coder: LinearCoder, x: Tensor, label: str) -> list[Check]:
    z = coder.encode(x)
    half = len(x) // 2
    parts = torch.cat([coder.encode(x[:half]), coder.encode(x[half:])])
    same = ((z > 0) == (parts > 0)).all(-1)
    checks = [
        Check(f"{label}: decode of encode", _off(coder.decode(z, x), coder.reconstruct(x)), 0.0),
        Check(f"{label}: rows that depend on their batch", float((~same).float().mean()), TIED_ROWS),
        Check(f"{label}: values that depend on the batch", _off(z[same], parts[same]), RELATIVE),
    ]
    if coder.gate.k is not None:
        checks.append(Check(f"{label}: latents beyond k", float((z > 0).sum(-1).max()) - coder.gate.k, 0.0))
    return checks


def _saved_again(coder: LinearCoder, native: Native | None, x: Tensor) -> list[Check]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            save_coder(coder, Path(folder))
        except CoderFault:
            return [Check("the engine's format can hold it", 1.0, 0.0)]
        again = load_coder(Path(folder))
        checks = [Check("saved and loaded", _off(again.reconstruct(x), coder.reconstruct(x)), 0.0)]
        if native is not None:
            theirs = load_native(Path(folder))
            checks.append(
                Check("saved by us, read by the library", _off(theirs.forward(x), native.forward(x)), RELATIVE)
            )
    return checks


def _folded(coder: LinearCoder, x: Tensor) -> list[Check]:
    if coder.gate.name not in ("relu", "jumprelu"):
        return []
    folded = coder.with_latents_scaled(coder.W_dec.norm(dim=-1).clamp(min=1e-8))
    on, on_folded = (c.encode(x) > 0 for c in (coder, folded))
    same = (on == on_folded).all(dim=-1)
    return [
        Check("decoder norms folded: rows with other latents", float((~same).double().mean()), FOLDED_ROWS),
        Check(
            "decoder norms folded: reconstruction",
            _off(folded.reconstruct(x)[same], coder.reconstruct(x)[same]),
            10 * RELATIVE,
        ),
    ]


def _at_its_site(coder: LinearCoder, native: Native | None, real: Mapping[str, Tensor]) -> list[Check]:
    checks = []
    if native is not None:
        named = (native.facts.site_in, native.facts.site_out)
        checks.append(Check("site names", float((coder.site_in, coder.site_out) != named), 0.0))
    seen = coder.facts.training.get("on_training_rows")
    fvu = last_look({"it": coder}, [dict(real)])["it"]["fvu"]
    if seen is None:
        if coder.facts.engine != "control":
            checks.append(Check("FVU at its site, against the mean's", fvu, 1.0))
        return checks
    return [*checks, Check("FVU at its site, against training", abs(fvu - seen["fvu"]), max(0.02, 0.1 * seen["fvu"]))]


def _off(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest value of ``b``; NaN counts as infinite."""
    if a.shape != b.shape:
        return float("inf")
    if not a.numel():
        return 0.0
    off = float((a - b).abs().max() / b.abs().max().clamp(min=1e-30))
    return off if off == off else float("inf")
