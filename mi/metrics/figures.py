"""Figures: drawn with colours that a colour-blind reader can tell apart, and with markers where colour decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#767676"
CLASS_STYLE = {
    "shared": (GREY, "o", "shared"),
    "undecided": ("#BBBBBB", "x", "undecided"),
    "a": (BLUE, "^", "mostly {0}"),
    "b": (RED, "v", "mostly {1}"),
}


def two_by_two(path: Path, variance_explained: NDArray[np.float64], names: tuple[str, str]) -> None:
    """Heat map of variance explained: rows are the training domain, columns the evaluation domain."""
    figure, axes = _new(6.0, 4.4)
    low = min(0.0, float(variance_explained.min()))
    image = axes.imshow(variance_explained, cmap="cividis", vmin=low, vmax=1.0, aspect="auto")
    for (i, j), value in np.ndenumerate(variance_explained):
        less = value - variance_explained[j, j]
        text = f"{value:.3f}" if i == j else f"{value:.3f}\n({less:+.3f})"
        axes.text(
            j, i, text, ha="center", va="center", fontsize=14, color=_readable_on(image.to_rgba(np.array([value]))[0])
        )
    axes.set_xticks([0, 1], names)
    axes.set_yticks([0, 1], names, rotation=90, va="center")
    axes.set_xlabel("evaluated on")
    axes.set_ylabel("trained on")
    title = "Variance explained across domains\n(in brackets: against the coder trained on the evaluated domain)"
    axes.set_title(title, loc="left", fontsize=10)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("variance explained (0: no better than the mean)")
    _save(figure, path)


def _readable_on(rgba: NDArray[np.float64]) -> str:
    """Black or white, whichever has more contrast (WCAG relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3].tolist()]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.179 else "white"


def l0_histograms(path: Path, histograms: Mapping[str, NDArray[np.int64]]) -> None:
    """Latents that fire per token, one panel per cell; ``histograms`` ``[n_latents + 1]`` counts of tokens by L0."""
    figure, panels = _panels(len(histograms))
    used = [np.flatnonzero(counts) for counts in histograms.values()]
    lo, hi = min(int(u.min()) for u in used), max(int(u.max()) for u in used)
    width = max(1, (hi - lo + 1) // 40)
    edges = np.arange(max(0, lo - 2 * width), hi + 3 * width, width) - 0.5
    for panel, (label, counts) in zip(panels, histograms.items(), strict=True):
        l0 = np.arange(len(counts))
        panel.stairs(np.histogram(l0, edges, weights=100 * counts / counts.sum())[0], edges, fill=True, color=BLUE)
        mean = float((l0 * counts).sum() / counts.sum())
        panel.axvline(mean, color=RED, linestyle="--", linewidth=1.4)
        panel.set_title(f"{label}: mean {mean:.1f}", loc="left", fontsize=10)
    figure.supxlabel("latents that fire on a token (L0); dashed: mean", fontsize=10)
    figure.supylabel("tokens (%)", fontsize=10)
    figure.suptitle("Sparsity: trained on → evaluated on", x=0.02, ha="left", fontsize=11)
    _save(figure, path)


def selectivity(path: Path, latents: Sequence[Mapping[str, Any]], names: tuple[str, str], index_above: float) -> None:
    """Selectivity index against how often a latent fires, by class."""
    figure, axes = _new(7.0, 4.6)
    for group, (colour, marker, label) in CLASS_STYLE.items():
        members = [x for x in latents if x["class"] == group]
        rate = [100 * max(x["rate_a"], x["rate_b"]) for x in members]
        text = f"{label.format(*names)}: {len(members)}"
        axes.scatter(
            rate, [x["index"] for x in members], s=26, c=colour, marker=marker, alpha=0.75, linewidths=1, label=text
        )
    for at in (-index_above, index_above):
        axes.axhline(at, color=GREY, linewidth=0.8, linestyle=":")
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(-1.08, 1.08)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("fires on (% of tokens, in the domain where it fires more)")
    axes.set_ylabel(f"selectivity index\n{names[1]} only  ←   →  {names[0]} only")
    dead = sum(x["class"] == "dead" for x in latents)
    axes.set_title(f"Selectivity of {len(latents) - dead} live latents ({dead} never fire)", loc="left", fontsize=11)
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=4, columnspacing=1.2, handletextpad=0.3)
    _save(figure, path)


def matched_cosines(
    path: Path, observed: NDArray[np.float64], nulls: Mapping[str, NDArray[np.float64]], thresholds: Sequence[float]
) -> None:
    """Cosines of matched latents of pairs of seeds, with what dictionaries that share nothing give."""
    figure, axes = _new(6.8, 4.0)
    low = min([0.0, float(observed.min()), *(float(null.min()) for null in nulls.values())])
    edges = np.linspace(np.floor(low * 20) / 20, 1.0, 51)
    share = np.histogram(observed, edges)[0] / len(observed)
    axes.stairs(share, edges, fill=True, color=BLUE, alpha=0.55, label=f"seeds (median {np.median(observed):.3f})")
    for (name, null), (colour, line) in zip(nulls.items(), ((RED, "-"), ("black", "--"), (GREEN, "-.")), strict=False):
        share = np.histogram(null, edges)[0] / len(null)
        label = f"null: {name} (median {np.median(null):.3f})"
        axes.stairs(share, edges, color=colour, linestyle=line, linewidth=1.6, label=label)
    for at in thresholds:
        axes.axvline(at, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlim(edges[0], 1.0)
    axes.set_xlabel("cosine of matched decoder rows, live latents (dotted: thresholds)")
    axes.set_ylabel("share of matched latents")
    axes.set_title("Do other training seeds find the same latents?", loc="left", fontsize=11)
    axes.legend(framealpha=1, edgecolor="none", fontsize=9)
    _save(figure, path)


def _new(width: float, height: float) -> tuple[Figure, Axes]:
    # Without pyplot: no global state, no display, safe in worker threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, 2.4 * ((n + 1) // 2)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots((n + 1) // 2, 2, sharex=True, sharey=True).flat)[:n]
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The library's version in the file would make equal figures differ.
    figure.savefig(path, dpi=150, metadata={"Software": None})
