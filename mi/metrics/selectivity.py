"""Selectivity: which latents belong to one of two domains, against shuffled domain labels. Builder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ..coders.load import load_coder
from ..progress import Progress
from ..subjects.tokens import load_tokenizer
from ..unit_table import write_units
from . import figures
from .contexts import Context, window
from .feature_pages import write_pages, write_table
from .latent_sweep import CHOSEN, HELD, LatentSweep
from .measurable import measurable
from .reconstruction import describe
from .token_strings import TokenStrings
from .two_domains import OneDocument, TwoDomains

CLASSES = ("a", "b", "shared", "undecided", "dead")


def selectivity(
    out: Path,
    *,
    progress: Progress,
    coders: Path,
    coder: str,
    activations_a: Path,
    activations_b: Path,
    subject: dict[str, Any] | None = None,
    name_a: str = "A",
    name_b: str = "B",
    draws: int = 999,
    alpha: float = 0.05,
    index_above: float = 0.5,
    held_out: float = 0.5,
    seed: int = 0,
    n_contexts: int = 10,
    around: int = 10,
    pages: int = 12,
) -> dict[str, Any]:
    """Sort the latents of one coder into A-specific, B-specific and shared; tables of documents and of latents.

    The index of a latent is ``(mean in A - mean in B) / (mean in A + mean in B)``, mean activations per token, from
    -1 to 1. ``a`` (or ``b``): beyond ``index_above`` *and* different at ``alpha`` after max-t adjustment over all
    latents, from shuffling whole documents (:class:`.label_null.LabelNull`). ``shared``: within ``index_above``.
    ``undecided``: beyond it without evidence, as rare latents are. Index and class come from the documents that are
    not held out; held-out ones then test them, free of selection. Means and rates are over all documents.

    ``units.json``: held-out documents, columns ``eval_b``, ``n_tokens``, ``a_score`` and ``b_score`` (mean over the
    latents of that class of the document's mean activation, relative to the latent's mean over both domains in the
    other half; 0 if the class is empty) and ``score`` (``a_score - b_score``). "The A latents know A" is
    ``unpaired(score[eval_b == 0], score[eval_b == 1])`` above 0.
    ``latents/units.json``: latents, columns ``index``, ``mean_a``, ``mean_b``, ``difference``, ``rate_a``,
    ``rate_b``, ``t``, ``p``, ``p_adjusted``, ``index_held_out``, ``t_held_out`` and ``is_<class>``.

    Also written: ``results.json``, ``tables/latents.csv``, ``features/{a,b,shared}.{json,md}`` with top contexts and
    heuristic labels, ``figures/selectivity.png``. ``subject`` is only needed for its tokenizer; without it
    tokens are shown as ids.

    Raises:
        Refusal: documents in both sets, fewer than 5 documents a domain and half.
    """
    thing = load_coder(coders / coder)
    two = TwoDomains(activations_a, activations_b, held_out, seed)
    sweep = LatentSweep(two, thing, progress, draws, seed, n_contexts)
    latents = _latents(sweep, alpha, index_above)
    shown = {group: _ranked(latents, group)[:pages] for group in CLASSES[:3]}
    top = {latent["latent"]: sweep.top.of(latent["latent"]) for group in shown.values() for latent in group}
    scores = _scores(two, latents, sweep.mean_of(CHOSEN).mean(0))
    again = two.through(thing, progress, "contexts")
    contexts, table = _second_pass(
        two, again, top, scores, TokenStrings(None if subject is None else load_tokenizer(subject)), around
    )
    counts = {group: sum(latent["class"] == group for latent in latents) for group in CLASSES}
    facts = {
        "coder": coder,
        **describe(thing),
        "names": {"a": name_a, "b": name_b},
        "counts": counts,
        "specific_share": (counts["a"] + counts["b"]) / max(1, thing.n_latents - counts["dead"]),
        "null_specific": sweep.null_specific(alpha),
        "draws": draws,
        "alpha": alpha,
        "index_above": index_above,
        "documents": {
            "a": int((~two.in_b).sum()),
            "b": int(two.in_b.sum()),
            "held_out": int(two.held_out.sum()),
        },
        **measurable(["no latent fires"] if counts["dead"] == thing.n_latents else []),
    }
    held = np.flatnonzero(two.held_out)
    write_units(out, "document", [two.documents[k] for k in held], table, facts)
    _write_latents(out, latents, facts)
    write_table(out / "tables" / "latents.csv", latents, contexts)
    titles = {"a": f"Latents of {name_a}", "b": f"Latents of {name_b}", "shared": f"Shared by {name_a} and {name_b}"}
    for group, title in titles.items():
        write_pages(out / "features", group, title, shown[group], contexts)
    figures.selectivity(out / "figures" / "selectivity.png", latents, (name_a, name_b), index_above)
    return {key: facts[key] for key in ("counts", "specific_share", "null_specific", "measurable")}


def _latents(sweep: LatentSweep, alpha: float, index_above: float) -> list[dict[str, Any]]:
    p, adjusted = sweep.chosen_on.p_values()
    mean, rate = sweep.mean, sweep.rate
    columns = {
        "index": sweep.index_of(CHOSEN),
        "mean_a": mean[0],
        "mean_b": mean[1],
        "difference": mean[0] - mean[1],
        "rate_a": rate[0],
        "rate_b": rate[1],
        "t": sweep.chosen_on.t()[0],
        "p": p,
        "p_adjusted": adjusted,
        "index_held_out": sweep.index_of(HELD),
        "t_held_out": sweep.held.t()[0],
    }
    silent = sweep.mean_of(CHOSEN).sum(0) == 0
    found = []
    for k in range(len(p)):
        numbers = {name: float(column[k]) for name, column in columns.items()}
        group = _class(numbers, bool(silent[k]), alpha, index_above)
        found.append({"latent": k, "class": group, **numbers})
    return found


def _class(of: dict[str, float], silent: bool, alpha: float, index_above: float) -> str:
    if of["rate_a"] + of["rate_b"] == 0:
        return "dead"
    if silent:  # fires in held-out documents only
        return "undecided"
    if abs(of["index"]) <= index_above:
        return "shared"
    if of["p_adjusted"] <= alpha and of["index"] * of["t"] > 0:
        return "a" if of["index"] > 0 else "b"
    return "undecided"


def _ranked(latents: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    """Specific latents by evidence, shared ones by how much they are used."""
    members = [latent for latent in latents if latent["class"] == group]
    if group == "shared":
        return sorted(members, key=lambda latent: -(latent["mean_a"] + latent["mean_b"]))
    return sorted(members, key=lambda latent: -abs(latent["t"]))


def _scores(two: TwoDomains, latents: list[dict[str, Any]], scale: Tensor) -> Callable[[OneDocument], dict[str, float]]:
    members = {group: [x["latent"] for x in latents if x["class"] == group] for group in ("a", "b")}

    def scores(document: OneDocument) -> dict[str, float]:
        means = document.latents.double().mean(0)
        a, b = (float((means[m] / scale[m]).mean()) if m else 0.0 for m in members.values())
        tokens = float(len(document.token))
        return {
            "eval_b": float(two.in_b[document.number]),
            "n_tokens": tokens,
            "a_score": a,
            "b_score": b,
            "score": a - b,
        }

    return scores


def _second_pass(
    two: TwoDomains,
    documents: Iterator[OneDocument],
    top: Mapping[int, list[tuple[int, int, float]]],
    scores: Callable[[OneDocument], dict[str, float]],
    strings: TokenStrings,
    around: int,
) -> tuple[dict[int, list[Context]], dict[str, list[float]]]:
    """Contexts of the latents in ``top``, and scores of held-out documents in their order."""
    wanted: dict[int, list[tuple[int, int]]] = {}
    for latent, places in top.items():
        for number, at, _ in places:
            wanted.setdefault(number, []).append((latent, at))
    contexts: dict[int, list[Context]] = {latent: [] for latent in top}
    table: dict[str, list[float]] = {}
    for document in documents:
        k = document.number
        if two.held_out[k]:
            for name, value in scores(document).items():
                table.setdefault(name, []).append(value)
        for latent, at in wanted.get(k, ()):
            contexts[latent].append(
                window(
                    document.latents[:, latent].double().numpy(),
                    strings.of(document.token),
                    document.position,
                    at,
                    around,
                    latent=latent,
                    document=two.documents[k],
                    domain=two.labels[k],
                )
            )
    for found in contexts.values():
        found.sort(key=lambda c: (-c.activation, c.document))
    return contexts, table


def _write_latents(out: Path, latents: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    numbers = [name for name in latents[0] if name not in ("latent", "class")]
    columns = {name: [float(latent[name]) for latent in latents] for name in numbers}
    for group in CLASSES:
        columns[f"is_{group}"] = [float(latent["class"] == group) for latent in latents]
    (out / "latents").mkdir()
    write_units(out / "latents", "latent", [str(latent["latent"]) for latent in latents], columns, facts)
    (out / "results.json").write_text(json.dumps(facts, indent=1), "utf-8")
