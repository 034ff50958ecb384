"""Cross-domain: two coders, each trained on one domain, both evaluated on both. Builder."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..activations.read import Activations, assert_disjoint
from ..coders.coder import Coder
from ..coders.load import load_coder
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from . import figures
from .firing import Firing
from .measurable import measurable
from .reconstruction import describe, facts_of, target_mean
from .rows import coded
from .squared_errors import SquaredErrors

SIDES = ("a", "b")
COLUMNS = (
    "train",
    "eval",
    "variance_explained",
    "fvu",
    "mse_per_token",
    "l0_mean",
    "l1_mean",
    "dead_share",
    "n_tokens",
)


def cross_domain(
    out: Path,
    *,
    progress: Progress,
    coders_a: Path,
    coders_b: Path,
    coder_a: str,
    coder_b: str,
    activations_a: Path,
    activations_b: Path,
    name_a: str = "A",
    name_b: str = "B",
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Train on A or B, evaluate on A and B; a table with the documents of both evaluation sets as units.

    Columns, summed over a document's scored tokens: ``sst`` (about the mean over the document's *own* evaluation
    set, the same for both coders), ``sse_a`` and ``sse_b`` (by the coder trained on A, on B), ``sse_own`` and
    ``sse_other`` (by the coder of the document's domain, by the other one), ``l0_sum_a``, ``l0_sum_b``, ``n_tokens``;
    and ``eval_b``, 1 for documents of B. The degradation on a domain is
    ``ratio_difference(sse_other, sst, sse_own, sst, documents)`` over that domain's documents: FVU that the change
    of domain costs, both coders on the same documents.

    Also written: ``results.json``, ``tables/cross_domain.csv``, ``figures/cross_domain.png``, ``figures/l0.png``.

    Raises:
        Refusal: a document in both evaluation sets, or coders at different sites.
    """
    things = {"a": load_coder(coders_a / coder_a), "b": load_coder(coders_b / coder_b)}
    rows = {"a": Activations(activations_a), "b": Activations(activations_b)}
    _require_comparable(things, rows)
    names = {"a": name_a, "b": name_b}
    cells: dict[str, dict[str, Any]] = {}
    histograms: dict[str, NDArray[np.int64]] = {}
    tables: dict[str, tuple[list[str], dict[str, NDArray[np.float64]]]] = {}
    for side in SIDES:
        mean = target_mean(rows[side], things["a"].site_out, progress).value
        columns: dict[str, NDArray[np.float64]] = {}
        for train in SIDES:
            label = f"{names[train]} → {names[side]}"
            errors, facts, histogram = _cell(rows[side], things[train], mean, progress, label, batch_size)
            sums = errors.sums.columns()
            columns |= {"sst": sums["sst"], "n_tokens": sums["n_tokens"]}
            columns |= {f"sse_{train}": sums["sse"], f"l0_sum_{train}": sums["l0_sum"]}
            cells[f"{train}_{side}"] = {"train": names[train], "eval": names[side], **facts}
            histograms[label] = histogram
            tables[side] = (errors.sums.units, columns)
    units, merged = _merge(tables)
    results = {
        "names": names,
        "coders": {side: describe(things[side]) for side in SIDES},
        "cells": cells,
        "degradation": {side: _degradation(cells, side) for side in SIDES},
        **measurable(
            [
                f"trained and evaluated on {names[side]}: {reason}"
                for side in SIDES
                for reason in cells[f"{side}_{side}"]["not_measurable_because"]
            ]
        ),
    }
    write_units(out, "document", units, merged, results)
    (out / "results.json").write_text(json.dumps(results, indent=1), "utf-8")
    _write_table(out / "tables" / "cross_domain.csv", cells)
    ve = [[cells[f"{train}_{side}"]["variance_explained"] for side in SIDES] for train in SIDES]
    figures.two_by_two(out / "figures" / "cross_domain.png", np.array(ve), (name_a, name_b))
    figures.l0_histograms(out / "figures" / "l0.png", histograms)
    return {"degradation": results["degradation"], "measurable": results["measurable"]}


def _cell(
    rows: Activations, coder: Coder, mean: Any, progress: Progress, label: str, batch_size: int | None
) -> tuple[SquaredErrors, dict[str, Any], NDArray[np.int64]]:
    errors, firing = SquaredErrors(mean, rows.documents), Firing(coder.W_dec)
    histogram = np.zeros(coder.n_latents + 1, dtype=np.int64)
    with progress(label, rows.n_rows, "tokens") as bar:
        for batch in coded(rows, coder, batch_size):
            per_token = firing.add(batch.latents)
            histogram += np.bincount(per_token["l0_sum"].astype(np.int64), minlength=len(histogram))
            zeros = np.zeros(len(batch.target))
            errors.add(batch.target, batch.reconstruction, batch.rows.document, cosine_sum=zeros, **per_token)
            bar.update(len(batch.target))
    facts = facts_of(errors, firing, coder, rows)
    del facts["cosine_mean"]
    return errors, facts, histogram


def _degradation(cells: Mapping[str, Mapping[str, Any]], side: str) -> dict[str, float]:
    other = "b" if side == "a" else "a"
    own, foreign = cells[f"{side}_{side}"], cells[f"{other}_{side}"]
    return {
        "fvu": foreign["fvu"] - own["fvu"],
        "mse_ratio": foreign["mse_per_token"] / own["mse_per_token"] if own["mse_per_token"] else float("nan"),
        "l0": foreign["l0_mean"] - own["l0_mean"],
    }


def _merge(
    tables: Mapping[str, tuple[list[str], dict[str, NDArray[np.float64]]]],
) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    units, parts = [], []
    for side in SIDES:
        ids, columns = tables[side]
        other = "b" if side == "a" else "a"
        own = {"sse_own": columns[f"sse_{side}"], "sse_other": columns[f"sse_{other}"]}
        parts.append({**columns, **own, "eval_b": np.full(len(ids), float(side == "b"))})
        units += ids
    return units, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _require_comparable(things: Mapping[str, Coder], rows: Mapping[str, Activations]) -> None:
    a, b = things["a"], things["b"]
    if (a.site_in, a.site_out) != (b.site_in, b.site_out):
        raise Refusal(
            f"coders at {a.site_in} to {a.site_out} and at {b.site_in} to {b.site_out}",
            "one site for both",
            "Only the training domain may differ.",
        )
    assert_disjoint(rows["a"], rows["b"])


def _write_table(path: Path, cells: Mapping[str, Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells.values())
