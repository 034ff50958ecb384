"""Matching of dictionaries: cosines of latents paired one to one, and what chance gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..refusal import Refusal

Array = NDArray[np.float64]
Draw = Callable[[int], Array]
"""``n -> [n, d]`` random rows, not yet of unit norm."""

THRESHOLDS = (0.5, 0.7, 0.9)


def unit_rows(rows: Array) -> Array:
    """Rows ``[n, d]`` at norm 1.

    Raises:
        Refusal: a row that is zero or not finite: it has no direction.
    """
    rows = np.asarray(rows, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and (norms > 0).all()):
        bad = int(np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))[0])
        raise Refusal(f"decoder row {bad} of norm {norms[bad, 0]}", "finite rows above 0", "Check the checkpoint.")
    return np.asarray(rows / norms)


def hungarian(a: Array, b: Array) -> Array:
    """Cosines of the one-to-one matching of rows that has the largest sum: ``[min(n_a, n_b)]``, each in [-1, 1].

    ``a`` ``[n_a, d]`` and ``b`` ``[n_b, d]``. Signed: latents are non-negative, so a flipped row is another latent.
    """
    from scipy.optimize import linear_sum_assignment

    if min(len(a), len(b)) == 0:
        raise Refusal(f"dictionaries of {len(a)} and {len(b)} rows", "at least one row each", "Check what is live.")
    cosines = unit_rows(a) @ unit_rows(b).T
    rows, columns = linear_sum_assignment(cosines, maximize=True)
    return np.asarray(cosines[rows, columns])


def best_match(a: Array, b: Array, block: int = 2048) -> Array:
    """``[n_a]`` the largest cosine of each row of ``a`` with any row of ``b``, several rows may share one.

    In float32 and in blocks, so that 16k x 16k dictionaries fit in memory.
    """
    left, right = unit_rows(a).astype(np.float32), unit_rows(b).astype(np.float32).T
    best = [(left[k : k + block] @ right).max(1) for k in range(0, len(left), block)]
    return np.asarray(np.concatenate(best), dtype=np.float64)


def isotropic(d: int, seed: int) -> Draw:
    """Rows in directions drawn evenly from the sphere in ``d`` dimensions: the geometric null."""
    rng = np.random.default_rng(seed)
    return lambda n: rng.standard_normal((n, d))


def gaussian(mean: Array, covariance: Array, seed: int) -> Draw:
    """Rows from a normal distribution with ``mean`` ``[d]`` and ``covariance`` ``[d, d]``.

    A stronger null than the geometric one: dictionaries that share nothing but the directions in which
    activations (or decoder rows) vary are already closer than isotropic ones.
    """
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    return lambda n: mean + rng.standard_normal((n, len(mean))) @ root.T


def null_cosines(draw: Draw, n_a: int, n_b: int, draws: int = 1, match: Callable[..., Array] = hungarian) -> Array:
    """``[draws, n]`` matched cosines of pairs of dictionaries that share nothing, matched like the real ones."""
    return np.stack([match(draw(n_a), draw(n_b)) for _ in range(draws)])


def summary(cosines: Array) -> dict[str, float]:
    """Median, mean and the shares at or above each threshold."""
    shares = {f"share_{int(100 * t)}": float((cosines >= t).mean()) for t in THRESHOLDS}
    return {"median": float(np.median(cosines)), "mean": float(cosines.mean()), **shares}
