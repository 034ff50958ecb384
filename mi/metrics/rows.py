"""Rows of an activation artifact as a coder sees them, streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..activations.read import Activations
from ..coders.coder import Coder
from ..refusal import Refusal

Ints = NDArray[np.int64]
BYTES_OF_LATENTS = 128 * 1024 * 1024
FEW = 5  # documents that may begin with the same word by chance


class Rows(NamedTuple):
    """Some scored tokens."""

    sites: dict[str, Tensor]
    """Per site ``[n, d]``."""
    document: Ints
    """``[n]`` indices into the artifact's documents."""
    position: Ints
    token: Ints


class Coded(NamedTuple):
    """Some scored tokens, seen through a coder."""

    rows: Rows
    target: Tensor
    """``[n, d_out]`` what the coder should write."""
    latents: Tensor
    """``[n, n_latents]``."""
    reconstruction: Tensor
    """``[n, d_out]`` what it writes."""


def require_sites(activations: Activations, sites: Sequence[str], what: str) -> None:
    """Refuse activations that do not hold what ``what`` reads and writes.

    Raises:
        Refusal: a site is missing.
    """
    missing = [site for site in sites if site not in activations.sites]
    if missing:
        raise Refusal(
            f"activations of {', '.join(activations.sites)}",
            f"{', '.join(missing)} too, which {what} uses",
            "Harvest these sites in the same pass.",
        )


def ordered(activations: Activations, sites: Sequence[str], batch_size: int) -> Iterator[Rows]:
    """Every row once, in the artifact's order.

    Raises:
        Refusal: BOS was harvested as if it were text.
    """
    seen: set[int] = set()
    first: dict[int, int] = {}
    for batch in activations.ordered(list(dict.fromkeys(sites)), batch_size):
        rows = Rows(
            {site: batch[site] for site in sites},
            *(batch[name].numpy().astype(np.int64) for name in ("document", "position", "token")),
        )
        seen.update(np.unique(rows.document).tolist())
        at = rows.position == 0
        first.update(zip(rows.document[at].tolist(), rows.token[at].tolist(), strict=True))
        yield rows
    if len(seen) >= FEW and len(first) == len(seen) and len(set(first.values())) == 1:
        raise Refusal(
            f"token {next(iter(first.values()))} at position 0 of all {len(seen)} documents",
            "no BOS among the scored rows: its norm is many times that of any other token",
            "Harvest with the subject's scored mask.",
        )


def whole_documents(activations: Activations, sites: Sequence[str], batch_size: int) -> Iterator[Rows]:
    """Batches of about ``batch_size`` rows that never cut a document.

    Raises:
        Refusal: a document comes back after another one: per-document statistics would count it twice.
    """
    held: Rows | None = None
    closed: set[int] = set()
    for batch in ordered(activations, sites, batch_size):
        held = batch if held is None else _join(held, batch)
        starts = np.flatnonzero(np.diff(held.document)) + 1
        if len(starts):
            done, held = _cut(held, int(starts[-1]))
            _close(closed, done.document)
            yield done
    if held is not None and len(held.document):
        _close(closed, held.document)
        yield held


def coded(
    activations: Activations, coder: Coder, batch_size: int | None = None, whole: bool = False
) -> Iterator[Coded]:
    """Rows with the coder's target, latents and reconstruction; documents uncut if ``whole``.

    The input is what the coder reads (``site_in``), the target what it writes (``site_out``): for a transcoder
    they differ. ``batch_size`` defaults to what keeps a batch of latents near 128 MB.

    Raises:
        Refusal: sites that are missing, or a coder whose ``reconstruct`` is not ``decode(encode)``.
    """
    require_sites(activations, [coder.site_in, coder.site_out], f"this {coder.kind}")
    size = batch_size or max(64, min(4096, BYTES_OF_LATENTS // (4 * coder.n_latents)))
    stream = (whole_documents if whole else ordered)(activations, [coder.site_in, coder.site_out], size)
    first = True
    with torch.no_grad():
        for rows in stream:
            x = rows.sites[coder.site_in]
            latents = coder.encode(x)
            reconstruction = coder.decode(latents, x)
            if first:
                require_one_path(coder, x, reconstruction)
                first = False
            yield Coded(rows, rows.sites[coder.site_out], latents, reconstruction)


def require_one_path(coder: Coder, x: Tensor, reconstruction: Tensor) -> None:
    """Refuse a coder with two answers: a skip term or a shift that only one of its paths applies.

    Raises:
        Refusal: ``reconstruct(x)`` and ``decode(encode(x), x)`` differ by more than 0.1 % of their norm.
    """
    other = coder.reconstruct(x)
    gap = float((other.double() - reconstruction.double()).norm() / other.double().norm().clamp_min(1e-12))
    if not gap < 1e-3:
        raise Refusal(
            f"a coder whose reconstruct(x) differs from decode(encode(x), x) by {gap:.1%}",
            "the same numbers on both paths",
            "Look for a skip connection, shift or scale that one of them leaves out.",
        )


def _join(a: Rows, b: Rows) -> Rows:
    return Rows(
        {site: torch.cat([a.sites[site], b.sites[site]]) for site in a.sites},
        *(np.concatenate([x, y]) for x, y in zip(a[1:], b[1:], strict=True)),
    )


def _cut(rows: Rows, at: int) -> tuple[Rows, Rows]:
    before = Rows({site: x[:at] for site, x in rows.sites.items()}, *(x[:at] for x in rows[1:]))
    after = Rows({site: x[at:] for site, x in rows.sites.items()}, *(x[at:] for x in rows[1:]))
    return before, after


def _close(closed: set[int], documents: Ints) -> None:
    order = documents[np.concatenate([[True], np.diff(documents) != 0])].tolist()
    again = closed.intersection(order) | {d for d in order if order.count(d) > 1}
    if again:
        raise Refusal(
            f"rows of document {min(again)} in two places",
            "each document's rows next to each other",
            "Harvest documents whole, or read them in order.",
        )
    closed.update(order)
