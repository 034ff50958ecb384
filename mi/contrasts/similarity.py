"""Within-group against across-group similarity, with blocks of near-copies kept whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..pivot import Permutation
from ..refusal import Refusal
from ..sample import Sample
from .contrast import Contrast

RELABELLINGS = 9999
EXACT_UP_TO = 20_000


def similarity(
    matrix: ArrayLike,
    topics: Sequence[object],
    blocks: Sequence[object],
    units: Sequence[object] | None = None,
    **about: Any,
) -> Contrast:
    """Mean within-topic minus mean across-topic similarity, blocks permuted among topics.

    ``matrix`` ``[n_texts, n_texts]`` symmetric similarities; ``topics`` and ``blocks`` ``[n_texts]``.
    A block holds texts that are alike for another reason (one surface form, one author); blocks
    nest in topics. Pairs inside a block are dropped, and whole blocks are relabelled: pair-level and
    text-level tests reject a true null half of the time on such data. Limits invert the permutation
    test under a shift of the within-topic similarities.

    Raises:
        Refusal: a block in two topics, fewer than 2 topics, no topic with 2 blocks, or so few blocks
            that no relabelling could be significant.
    """
    sims = np.array(matrix, dtype=float)
    n = len(sims)
    if sims.shape != (n, n) or not np.isfinite(sims).all() or not np.allclose(sims, sims.T):
        raise Refusal(f"a matrix of shape {sims.shape}", "a finite symmetric square one", "Pass all pairs of texts.")
    if len(topics) != n or len(blocks) != n:
        raise Refusal(f"{n} texts, {len(topics)} topics, {len(blocks)} blocks", "one of each per text", "Check them.")
    names = [str(u) for u in (units if units is not None else range(n))]
    i, j = np.triu_indices(n, 1)
    if any("|" in name for name in names):
        raise Refusal("text ids with '|' in them", "ids without it", "It separates the two ids of a pair: rename them.")
    pairs = Sample(sims[i, j], ["|".join(sorted((names[a], names[b]))) for a, b in zip(i, j, strict=True)], **about)
    texts = {name: [str(t), str(b)] for name, t, b in zip(names, topics, blocks, strict=True)}
    if len(texts) != n:
        raise Refusal("text ids that repeat", "one id per text", "Pass units= without repeats.")
    return from_pairs(pairs, texts)


def from_pairs(pairs: Sample, texts: dict[str, list[str]]) -> Contrast:
    """The same from one similarity per pair (``"id|id"``) and ``{text: [topic, block]}``."""
    names = sorted(texts)
    topic_of_block = _topics_of_blocks(texts)
    block_names = sorted(topic_of_block)
    block_index = {b: k for k, b in enumerate(block_names)}
    text_block = {t: block_index[texts[t][1]] for t in names}
    total = np.zeros((len(block_names), len(block_names)))
    count = np.zeros_like(total)
    for key, value in zip(pairs.units, pairs.values, strict=True):
        a, b = key.split("|", 1)
        x, y = text_block[a], text_block[b]
        if x != y:  # within-block pairs are alike for the block's own reason
            total[x, y] += value
            total[y, x] += value
            count[x, y] += 1
            count[y, x] += 1
    topics, labels = np.unique([topic_of_block[b] for b in block_names], return_inverse=True)
    if len(topics) < 2:
        raise Refusal("texts of one topic", "at least 2 topics", "There is nothing to compare across.")
    observed = _same(labels)
    if not (observed & (count > 0)).any():
        raise Refusal("one block per topic", "topics with at least 2 blocks", "Within-block pairs do not count.")
    relabellings, exact = _relabellings(labels, pairs.digest)
    distinct = len({_same(labelling).tobytes() for labelling in relabellings} | {observed.tobytes()})
    if distinct < 40:
        raise Refusal(
            f"{len(block_names)} blocks, which allow {distinct} distinct relabellings",
            "at least 40 (so that p can reach .025)",
            "Add blocks: more texts per block do not help.",
        )
    estimate, _ = _statistic(observed, observed, total, count)
    shifts = []
    for labelling in relabellings:
        stat, moved = _statistic(_same(labelling), observed, total, count)
        if moved < 1 - 1e-12:
            shifts.append((estimate - stat) / (1 - moved))
    return Contrast(
        "similarity",
        (pairs,),
        Permutation(estimate, np.sort(shifts), unmoved=len(relabellings) - len(shifts)),
        estimate,
        "block-permutation",
        len(block_names),
        {"blocks": len(block_names), "topics": len(topics), "texts": len(names), "relabellings": len(shifts)},
        None if pairs.support is None else (pairs.support[0] - pairs.support[1], pairs.support[1] - pairs.support[0]),
        options={"texts": {t: list(texts[t]) for t in names}},
        limited_by="blocks",
        extra={"exact": float(exact)},
    )


def _topics_of_blocks(texts: dict[str, list[str]]) -> dict[str, str]:
    topic_of: dict[str, str] = {}
    for topic, block in texts.values():
        if topic_of.setdefault(block, topic) != topic:
            raise Refusal(
                f"block {block!r} in topics {topic_of[block]!r} and {topic!r}",
                "blocks nested in topics",
                "Name the block per topic, e.g. 'math/latex'.",
            )
    return topic_of


def _same(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(labels[:, None] == labels[None, :])


def _statistic(
    within: NDArray[np.bool_], observed: NDArray[np.bool_], total: NDArray[np.float64], count: NDArray[np.float64]
) -> tuple[float, float]:
    """Within minus across mean, and by how much it moves per unit shift of the observed within pairs."""
    n_in, n_out = count[within].sum(), count[~within].sum()
    stat = total[within].sum() / n_in - total[~within].sum() / n_out
    moved = count[within & observed].sum() / n_in - count[~within & observed].sum() / n_out
    return float(stat), float(moved)


def _relabellings(labels: NDArray[np.int64], digest: str) -> tuple[list[NDArray[np.int64]], bool]:
    """Every other assignment of blocks to topics, or a seeded draw of them if there are too many."""
    _, sizes = np.unique(labels, return_counts=True)
    # Topics of equal size can swap names without changing which pairs are within.
    same_partition = prod(factorial(int(c)) for c in np.unique(sizes, return_counts=True)[1])
    distinct = factorial(len(labels)) // prod(factorial(int(s)) for s in sizes)
    observed = _same(labels)
    if distinct <= EXACT_UP_TO:
        found: dict[bytes, NDArray[np.int64]] = {}
        for labelling in _multiset_permutations(list(labels)):
            key = _same(np.array(labelling)).tobytes()
            if key != observed.tobytes():
                found.setdefault(key, np.array(labelling))
        assert len(found) + 1 == distinct // same_partition
        return list(found.values()), True
    rng = np.random.default_rng(int(digest[:16], 16))
    return [rng.permutation(labels) for _ in range(RELABELLINGS)], False


def _multiset_permutations(items: list[int]) -> Any:
    """Distinct orderings of ``items`` (with repeats), lexicographically (Knuth's algorithm L)."""
    a = sorted(items)
    while True:
        yield list(a)
        k = next((k for k in range(len(a) - 2, -1, -1) if a[k] < a[k + 1]), None)
        if k is None:
            return
        m = next(m for m in islice(range(len(a) - 1, k, -1), None) if a[k] < a[m])
        a[k], a[m] = a[m], a[k]
        a[k + 1 :] = reversed(a[k + 1 :])
