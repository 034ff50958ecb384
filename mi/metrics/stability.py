"""Stability: whether other training seeds find the same decoder rows. Builder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..activations.read import Activations
from ..coders.coder import Coder
from ..coders.load import load_coder
from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from . import figures
from .cosine_counts import write_cosine_counts
from .covariance import Covariance
from .jackknife import pseudo_values
from .matching import THRESHOLDS, best_match, gaussian, hungarian, isotropic, null_cosines, summary, unit_rows
from .measurable import measurable
from .reconstruction import describe
from .rows import BYTES_OF_LATENTS, ordered, require_sites

Array = NDArray[np.float64]


class Trained(NamedTuple):
    """One training run's dictionary."""

    name: str
    coder: Coder
    decoder: Array
    """``[n_latents, d_out]`` unit rows."""
    live: NDArray[np.bool_]


class Pair(NamedTuple):
    """Two runs, matched."""

    cosines: Array
    """``[min(live, live)]`` of live latents."""
    all_cosines: Array
    """``[n_latents]`` of all latents."""
    nulls: dict[str, Array]
    """Per kind of null, ``[draws * min(live, live)]``."""
    numbers: dict[str, float]


def stability(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: list[str],
    draws: int = 3,
    seed: int = 0,
    min_live: int = 20,
    max_dead: float = 0.5,
    min_tokens: int = 10_000,
    **bundles: Path,
) -> dict[str, Any]:
    """Match the decoders of every pair of training seeds one to one; a table with seeds as units.

    ``coders`` names them, ``"bundle/coder"`` (or ``"coder"`` in the only bundle); ``bundles`` are the inputs. Rows are
    matched by the Hungarian algorithm on signed cosines. Live latents fired on these activations; ``live`` numbers
    match the live latents of one with the live latents of the other, ``all`` numbers match everything.

    Three nulls, dictionaries that share nothing, of the same sizes and matched the same way: ``geometric``
    (isotropic rows), ``decoder`` (rows with the mean and covariance of the two decoders' own rows) and
    ``activations`` (rows with the covariance of ``site_out``).

    Columns are one number per seed, jackknife pseudo-values of the mean over pairs
    (:func:`.jackknife.pseudo_values`), for ``over_runs(Sample(column, seeds, unit="seed"))``: ``live_median``,
    ``live_mean``, ``live_share_50``, ``_70``, ``_90``, ``live_best`` (median of best matches), the same for ``all_``,
    ``null_<kind>_median``, ``excess_<kind>`` (``live_median`` less the null's median); and plain per seed: ``alive``,
    ``dead_share``. Shares are of matched pairs. The pairs themselves are in ``pairs/units.json``, not as units for
    any interval.

    Also written: ``figures/stability.png``, and ``histogram.json`` with counts of matched cosines in bins of .02 from
    -1 to 1 (:mod:`.cosine_counts`), over all pairs of seeds: ``live``, ``all``, and ``null_<kind>``, which has every
    draw and is of the sizes of the live sets.

    Raises:
        Refusal: fewer than 3 coders, a seed twice, or coders that differ in more than the seed.
    """
    rows = Activations(activations)
    loaded = {name: load_coder(_folder(name, bundles)) for name in coders}
    _require_alike(loaded)
    live, covariance = _live(rows, loaded, progress)
    runs = [Trained(n, c, unit_rows(c.W_dec.detach().double().numpy()), live[n]) for n, c in loaded.items()]
    seeds = [str(run.coder.facts.seed) for run in runs]
    pairs: dict[tuple[int, int], Pair] = {}
    wanted = [(i, j) for j in range(len(runs)) for i in range(j)]
    with progress("match seeds", len(wanted), "pairs") as bar:
        for number, (i, j) in enumerate(wanted):
            pairs[i, j] = _match(runs[i], runs[j], covariance, draws, seed + 1000 * number)
            bar.update(1)
    names = list(pairs[0, 1].numbers)
    columns = {n: pseudo_values({at: p.numbers[n] for at, p in pairs.items()}, len(runs)) for n in names}
    columns["alive"] = np.array([float(run.live.sum()) for run in runs])
    columns["dead_share"] = np.array([1 - float(run.live.mean()) for run in runs])
    first = runs[0].coder
    facts = {
        **describe(first),
        "coders": list(loaded),
        "seeds": seeds,
        "d_out": first.d_out,
        "n_latents": first.n_latents,
        "n_tokens": rows.n_rows,
        "thresholds": list(THRESHOLDS),
        "mean_over_pairs": {n: float(np.mean([p.numbers[n] for p in pairs.values()])) for n in names},
        **measurable(_reasons(runs, rows.n_rows, min_live, max_dead, min_tokens)),
    }
    write_units(out, "seed", seeds, columns, facts)
    (out / "pairs").mkdir()
    ids = [f"{seeds[i]}|{seeds[j]}" for i, j in pairs]
    table = {n: [p.numbers[n] for p in pairs.values()] for n in names}
    write_units(out / "pairs", "pair", ids, table, {"independent": False, "seeds": seeds})
    matched = list(pairs.values())
    cosines = np.concatenate([p.cosines for p in matched])
    nulls = {kind: np.concatenate([p.nulls[kind] for p in matched]) for kind in matched[0].nulls}
    sets = {"live": cosines, "all": np.concatenate([p.all_cosines for p in matched])}
    sets |= {f"null_{kind}": null for kind, null in nulls.items()}
    write_cosine_counts(out / "histogram.json", sets)
    figures.matched_cosines(out / "figures" / "stability.png", cosines, nulls, THRESHOLDS)
    return {key: facts[key] for key in ("seeds", "mean_over_pairs", "measurable", "not_measurable_because")}


def _match(a: Trained, b: Trained, covariance: Covariance, draws: int, seed: int) -> Pair:
    left, right = a.decoder[a.live], b.decoder[b.live]
    d = left.shape[1]
    rows = np.concatenate([left, right])
    kinds = {
        "geometric": isotropic(d, seed),
        "decoder": gaussian(rows.mean(0), np.cov(rows.T, bias=True), seed + 1),
        "activations": gaussian(np.zeros(d), covariance.value, seed + 2),
    }
    nulls = {kind: null_cosines(draw, len(left), len(right), draws).ravel() for kind, draw in kinds.items()}
    cosines, all_cosines = hungarian(left, right), hungarian(a.decoder, b.decoder)
    numbers = {f"live_{name}": value for name, value in summary(cosines).items()}
    numbers["live_best"] = _best(left, right)
    numbers |= {f"all_{name}": value for name, value in summary(all_cosines).items()}
    numbers["all_best"] = _best(a.decoder, b.decoder)
    for kind, null in nulls.items():
        numbers[f"null_{kind}_median"] = float(np.median(null))
        numbers[f"excess_{kind}"] = numbers["live_median"] - numbers[f"null_{kind}_median"]
    return Pair(cosines, all_cosines, nulls, numbers)


def _best(a: Array, b: Array) -> float:
    return float(np.median(np.concatenate([best_match(a, b), best_match(b, a)])))


def _live(
    rows: Activations, coders: Mapping[str, Coder], progress: Progress
) -> tuple[dict[str, NDArray[np.bool_]], Covariance]:
    first = next(iter(coders.values()))
    require_sites(rows, [first.site_in, first.site_out], "these coders")
    size = max(64, min(8192, BYTES_OF_LATENTS // (4 * first.n_latents)))
    live = {name: torch.zeros(coder.n_latents, dtype=torch.bool) for name, coder in coders.items()}
    covariance = Covariance(first.d_out)
    with progress("live latents", rows.n_rows, "tokens") as bar, torch.no_grad():
        for batch in ordered(rows, [first.site_in, first.site_out], size):
            covariance.add(batch.sites[first.site_out])
            for name, coder in coders.items():
                live[name] |= (coder.encode(batch.sites[first.site_in]) != 0).any(0).cpu()
            bar.update(len(batch.document))
    none = [name for name, fired in live.items() if not fired.any()]
    if none:
        raise Refusal(f"{none[0]}, none of whose latents fires here", "live latents", "Check site and checkpoint.")
    return {name: fired.numpy() for name, fired in live.items()}, covariance


def _folder(name: str, bundles: Mapping[str, Path]) -> Path:
    bundle, _, coder = name.rpartition("/")
    if not bundle and len(bundles) == 1:
        return next(iter(bundles.values())) / coder
    if bundle not in bundles:
        raise Refusal(f"coder {name!r}", f"'bundle/coder' with a bundle of {', '.join(bundles)}", "Name the bundle.")
    return bundles[bundle] / coder


def _require_alike(coders: Mapping[str, Coder]) -> None:
    if len(coders) < 3:
        raise Refusal(
            f"{len(coders)} training runs", "at least 3 (5 for an interval worth having)", "Train more seeds."
        )
    seeds = [coder.facts.seed for coder in coders.values()]
    if None in seeds or len(set(seeds)) < len(seeds):
        raise Refusal(f"seeds {seeds}", "a seed of its own per coder", "One run read twice counts as two.")
    for field in ("kind", "architecture", "site_in", "site_out", "d_out", "n_latents", "k"):
        values = {getattr(coder.facts, field) for coder in coders.values()}
        if len(values) > 1:
            raise Refusal(f"coders with {field} of {sorted(map(str, values))}", "the same", "Only the seed may differ.")


def _reasons(runs: list[Trained], n_tokens: int, min_live: int, max_dead: float, min_tokens: int) -> list[str]:
    reasons = []
    if n_tokens < min_tokens:
        reasons.append(f"latents were looked for on {n_tokens} tokens (at least {min_tokens} wanted)")
    fewest = min(int(run.live.sum()) for run in runs)
    if fewest < min_live:
        reasons.append(f"a seed with {fewest} live latents (at least {min_live} wanted)")
    dead = max(1 - float(run.live.mean()) for run in runs)
    if dead > max_dead:
        reasons.append(
            f"{dead:.0%} of a seed's latents never fire (at most {max_dead:.0%} wanted): it is under-trained"
        )
    return reasons
