"""Reference: what latents and errors are on average, which is what stands in for an ablated one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..coders.linear_coder import LinearCoder
from ..progress import Progress
from ..refusal import Refusal
from ..subjects.subject import Subject

BATCH = 64


@dataclass(frozen=True)
class Reference:
    """Means over all scored positions of some texts, by coder.

    Attributes:
        latents: ``[n_latents]`` float32 mean of each latent.
        site: ``[d]`` float32 mean of what the coder reads, summed on its own.
        error: ``[d]`` float32 mean of what its reconstruction leaves.
        rates: ``[n_latents]`` share of positions at which each latent fires.
        positions: how many there are.
    """

    latents: Mapping[str, Tensor]
    site: Mapping[str, Tensor]
    error: Mapping[str, Tensor]
    rates: Mapping[str, NDArray[np.float64]]
    positions: int


def reference(
    subject: Subject,
    coders: Mapping[str, LinearCoder],
    texts: Sequence[str],
    progress: Progress,
    max_length: int,
    batch_size: int = BATCH,
) -> Reference:
    """Means over all scored positions of ``texts``: sums in float64, divided once, so that batches cannot matter.

    Raises:
        Refusal: a coder that reads one site and writes another, two coders at one site, or means that do not add up:
            decoded mean latents and mean error are the mean of the site, whatever the coder.
    """
    require_spliceable(coders)
    sums: dict[tuple[str, str], Tensor] = {}
    count = 0

    def add(name: str, what: str, rows: Tensor) -> None:
        total = rows.double().sum(0).cpu()
        sums[name, what] = sums[name, what] + total if (name, what) in sums else total

    sites = [coder.site_in for coder in coders.values()]
    with progress("mean latents", len(texts), "texts") as bar, torch.no_grad():
        for start in range(0, len(texts), batch_size):
            batch = subject.tokens(texts[start : start + batch_size], min(max_length, subject.context))
            found = subject.activations(batch, sites)
            count += int(batch.scored.sum())
            for name, coder in coders.items():
                x = found[coder.site_in][batch.scored.to(subject.device)].float()
                z = coder.encode(x)
                for what, rows in (("site", x), ("latents", z), ("error", x - coder.decode(z)), ("rates", z != 0)):
                    add(name, what, rows)
            bar.update(len(batch))
    _require_all(subject, texts, max_length, count)
    means = {key: total / count for key, total in sums.items()}
    for name, coder in coders.items():
        _require_sums(name, coder, {what: means[name, what] for what in ("site", "latents", "error")})

    def of(what: str) -> dict[str, Tensor]:
        return {name: means[name, what].float().to(subject.device) for name in coders}

    rates = {name: means[name, "rates"].numpy() for name in coders}
    return Reference(of("latents"), of("site"), of("error"), rates, count)


def _require_all(subject: Subject, texts: Sequence[str], max_length: int, count: int) -> None:
    rows = subject.vocabulary.rows(texts, min(max_length, subject.context))
    scored = sum(sum(row.scored) for row in rows if row is not None)
    if count != scored:
        raise Refusal(f"means over {count} positions", f"all {scored} that are scored", "Look for a lost batch.")


def _require_sums(name: str, coder: LinearCoder, means: Mapping[str, Tensor]) -> None:
    again = coder.decode(means["latents"].float().to(coder.W_dec.device)[None])[0].double().cpu()
    off = float((again + means["error"] - means["site"]).norm())
    if not off <= 1e-4 * float(means["site"].norm()):
        raise Refusal(
            f"means of {name} that miss the mean of {coder.site_in} by {off:.2g}",
            "decoded mean latents and mean error that add up to it",
            "Look for a mean of the last batch, or one divided by another number; or for a decoder that is not affine.",
        )


def require_spliceable(coders: Mapping[str, LinearCoder]) -> None:
    """Refuse coders whose latents cannot be set in place one site at a time.

    Raises:
        Refusal: a transcoder, or two coders at one site.
    """
    sites = [coder.site_in for coder in coders.values()]
    crossing = [name for name, coder in coders.items() if coder.site_in != coder.site_out]
    if crossing or len(set(sites)) != len(sites) or not sites:
        what = f"coder {crossing[0]} between two sites" if crossing else f"coders at sites {sites}"
        raise Refusal(what, "SAEs, each at a site of its own", "Name one SAE per layer.")
