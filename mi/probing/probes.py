"""Probes: sparse probing of coders against the residual stream, the full set of columns and the tokens. Builder."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .pooled import TOKENS, Pooled
from .probe import FittedProbe, fit
from .second_look import SecondLook, require_different_draws
from .split import split

KS = (1, 2, 5, 20)
FULL = "full"


def probes(
    out: Path,
    *,
    progress: Progress,
    train: Path,
    test: Path,
    arms: Mapping[str, str],
    ks: list[int] | None = None,
    few: int | None = None,
    draws: int = 10,
    seed: int = 0,
) -> dict[str, Any]:
    """Builder: logistic probes fitted on one split and judged on the other, example by example.

    Args:
        train, test: two artifacts of :func:`.pooled.pool`, of the splits ``train`` and another, without a text in both.
        arms: a name for each thing that is probed, and what it was pooled as; :data:`TOKENS` is always probed too.
        ks: sizes of the sparse probes, beside the probe on all columns.
        few: probes on all columns are also fitted on so many training examples, an even number, half of each class:
            where many examples bring everything to the ceiling, few leave room for a difference.
        draws, seed: of the few examples.

    ``units.json``: test examples, columns ``<arm>_top_<k>`` and ``<arm>_full``, 1 where the probe is right;
    ``<arm>_few``, the share of the draws in which it is; and ``tokens_full``, ``tokens_few``, the token-only baseline.
    The columns of a sparse probe are those with the largest difference of class means on the training rows. Facts:
    accuracies, chosen columns, digests of the training rows of each arm, ``chance`` (the larger class among the training examples, on the test examples).

    Raises:
        Refusal: a text in both splits, fewer than ``few / 2`` training examples of a class, or a probe that a second
            look at the files finds fitted on anything else.
    """
    a, b = Pooled(train), Pooled(test)
    columns: dict[str, NDArray[np.float64]] = {}
    chosen: dict[str, list[int]] = {}
    digests: dict[str, str] = {}
    sizes = [*(KS if ks is None else ks), None]
    with progress("probes", len(sizes) * len(arms) + 1 + (len(arms) + 1) * draws * bool(few), "probes") as bar:
        for arm, name in {**arms, TOKENS: TOKENS}.items():
            rows, held = split(a, b, name)
            again = SecondLook(train, test, name)
            digests[arm] = sha256(rows.x.tobytes()).hexdigest()
            for k in sizes if arm != TOKENS else [None]:
                if k is not None and k > rows.x.shape[1]:
                    continue
                probe: FittedProbe = fit(rows, k=k)
                label = f"{arm}_{FULL if k is None else f'top_{k}'}"
                columns[label] = held.outcomes(probe)
                again.require(probe, columns[label], k)
                if k is not None:
                    chosen[label] = probe.columns.tolist()
                bar.update(1)
            if few is not None:
                drawn = _draws(rows.y, few, draws, seed)
                require_different_draws(drawn, rows.y)
                right = []
                for some in drawn:
                    probe = fit(rows.take(some))
                    right.append(held.outcomes(probe))
                    again.require(probe, right[-1], None, some)
                columns[f"{arm}_few"] = np.mean(right, axis=0)
                bar.update(draws)
    majority = int(a.examples.labels.mean() >= 0.5)
    facts = {
        "accuracy": {name: float(values.mean()) for name, values in columns.items()},
        "chosen": chosen,
        "rows": digests,
        "chance": float((b.examples.labels == majority).mean()),
        "examples": {"train": len(a.examples), b.examples.split: len(b.examples)},
        "measurable": True,
    }
    columns["label"] = b.examples.labels.astype(np.float64)
    write_units(out, "example", b.examples.ids, columns, facts)
    return {"accuracy": facts["accuracy"], "chance": facts["chance"]}


def _draws(y: NDArray[np.int64], n: int, draws: int, seed: int) -> list[NDArray[np.int64]]:
    classes = [np.flatnonzero(y == label) for label in (0, 1)]
    if n < 2 or n % 2 or min(map(len, classes)) < n // 2:
        raise Refusal(
            f"few={n} of {[len(c) for c in classes]} training examples by class",
            "an even number, and half of it in each class",
            "Ask for fewer, or draw more examples.",
        )
    rng = np.random.default_rng(seed)
    return [np.concatenate([rng.choice(c, n // 2, replace=False) for c in classes]) for _ in range(draws)]
