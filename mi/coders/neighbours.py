"""neighbours: the decoder directions nearest to each latent's, against directions that share nothing. Builder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.matching import unit_rows
from ..metrics.measurable import measurable
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import UnitTable, write_units
from .load import load_coder
from .sphere import Sphere

FILE = "neighbours.json"
QUANTILES = (0.05, 0.5, 0.95)
BLOCK = 1024
"""Rows at once: with 16,384 latents of 2,304 dimensions 0.3 GB besides the decoder, and under a minute on one core."""
DIGITS = 6


def neighbours(
    out: Path, *, progress: Progress, coders: Path, coder: str, reconstruction: Path, n: int = 10
) -> dict[str, Any]:
    """The ``n`` nearest decoder directions of every latent by signed cosine; a table with latents as units.

    All latents of the coder are searched, dead ones included. ``reconstruction``, of the same coder
    (:func:`mi.metrics.reconstruction.reconstruction`), says which ones are dead. The null is :class:`.sphere.Sphere`
    with as many directions in as many dimensions.

    Columns: ``nearest_cosine`` (from -1 to 1), ``excess`` (less the null's mean), ``nearest`` (index), ``dead`` (1
    where it never fired), and ``pair``: its own index, or the smaller one of two that are each other's nearest. Those
    share one cosine, so intervals come from pairs as clusters.

    Also written: ``neighbours.json`` with ``n``, ``null`` (``mean``, ``median``, ``quantiles`` by share), ``dead``
    (indices) and ``rows``, ``{latent: [[index, cosine], ...]}``, nearest first, the smaller index first where two are
    equally near.

    Raises:
        Refusal: a decoder row that is zero or not finite, fewer than 2 latents, ``n`` below 1, or another coder's
            ``reconstruction``.
    """
    if n < 1:
        raise Refusal(f"n={n}", "at least 1 neighbour", "Ask for more.")
    thing, fired = load_coder(coders / coder), UnitTable.read(reconstruction / "latents")
    if fired.facts["coder"] != coder or len(fired.units) != thing.n_latents:
        raise Refusal(
            f"a reconstruction by {fired.facts['coder']} with {len(fired.units)} latents",
            f"one by {coder} with {thing.n_latents}",
            "Name one coder in both.",
        )
    null = Sphere(thing.d_out, thing.n_latents)
    decoder = unit_rows(thing.W_dec.detach().double().numpy())
    index, cosine = [], []
    with progress(f"neighbours {coder}", thing.n_latents, "latents") as bar:
        for found, value in nearest(decoder, min(n, thing.n_latents - 1)):
            index.append(found)
            cosine.append(value)
            bar.update(len(found))
    at, cosines = np.concatenate(index), np.concatenate(cosine)
    dead = fired.column("dead")
    low, median, high = map(float, null.quantile(QUANTILES))
    expected = {
        "mean": null.mean,
        "median": median,
        "quantiles": dict(zip(map(str, QUANTILES), (low, median, high), strict=True)),
    }
    facts = {
        "coder": coder,
        "site_out": thing.site_out,
        "d_out": thing.d_out,
        "n_latents": thing.n_latents,
        "dead": int(dead.sum()),
        "null": expected,
        **measurable(fired.facts["not_measurable_because"]),
    }
    columns = {
        "nearest_cosine": cosines[:, 0],
        "excess": cosines[:, 0] - null.mean,
        "nearest": at[:, 0].astype(float),
        "dead": dead,
        "pair": pairs(at[:, 0]).astype(float),
    }
    write_units(out, "latent", [str(k) for k in range(thing.n_latents)], columns, facts)
    rows = {
        str(k): [[int(i), round(float(c), DIGITS)] for i, c in zip(at[k], cosines[k], strict=True)]
        for k in range(thing.n_latents)
    }
    kept = {"n": at.shape[1], "null": expected, "dead": [int(k) for k in np.flatnonzero(dead)], "rows": rows}
    (out / FILE).write_text(json.dumps(kept), "utf-8")
    return facts


def nearest(
    rows: NDArray[np.float64], n: int, block: int = BLOCK
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Indices and cosines ``[block, n]`` of the ``n`` nearest other rows, nearest first, for one block after another.

    ``rows`` ``[n_latents, d]`` of norm 1, ``n`` below their number. Candidates are found in float32, and their
    cosines computed in float64 and rounded to 12 decimals, so that neither the block nor the order of sums shows.
    """
    single = rows.astype(np.float32)
    for start in range(0, len(rows), block):
        own = np.arange(start, min(start + block, len(rows)))
        cosine = single[own] @ single.T
        cosine[np.arange(len(own)), own] = -np.inf
        found = np.argpartition(-cosine, n - 1, axis=1)[:, :n]
        exact = np.stack([rows[found[k]] @ rows[i] for k, i in enumerate(own)]).round(12).clip(-1, 1)
        order = np.lexsort((found, -exact), axis=1)
        yield np.take_along_axis(found, order, 1), np.take_along_axis(exact, order, 1)


def pairs(nearest: NDArray[np.int64]) -> NDArray[np.int64]:
    """``[n]`` the smaller index of two that are each other's nearest, and of every other one its own."""
    own = np.arange(len(nearest))
    return np.where(nearest[nearest] == own, np.minimum(own, nearest), own)
