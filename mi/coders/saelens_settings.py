"""What SAELens advises for each architecture it trains, and how a recipe may depart from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .coder import CoderFault

DEFAULT_LR = 3e-4  # SAETrainerConfig's
ARCHITECTURES = ("standard", "jumprelu", "topk", "batchtopk", "matryoshka_batchtopk")
WITH_K = ("topk", "batchtopk", "matryoshka_batchtopk")


@dataclass(frozen=True)
class SaelensSpec:
    """One SAE to train; an unknown key in its JSON is an error.

    Attributes:
        architecture: one of ``ARCHITECTURES``.
        n_latents: number of latents.
        seed: of the initial weights.
        site: where it reads and writes.
        d: width there.
        k: latents on per row (``topk``) or on average (``batchtopk``, ``matryoshka_batchtopk``); None for the others.
        lr: learning rate.
        options: fields of SAELens's training configuration that depart from the advice.
    """

    architecture: str
    n_latents: int
    seed: int
    site: str
    d: int
    k: float | None = None
    lr: float = DEFAULT_LR
    options: Mapping[str, Any] = field(default_factory=dict)


def spec(name: str, given: Mapping[str, Any], site: str, widths: Mapping[str, int], lr: float | None) -> SaelensSpec:
    """The checked settings of one coder.

    Raises:
        CoderFault: an unknown key or architecture, a k where there is none, or a site that was not harvested.
    """
    settings: dict[str, Any] = {"site": site, "lr": lr or DEFAULT_LR, **given}
    if settings["site"] not in widths:
        raise CoderFault(
            f"coder {name} at {settings['site']}",
            f"one of {', '.join(sorted(widths))}",
            "Harvest it, or correct the name.",
        )
    d = widths[settings["site"]]
    if "expansion" in settings:
        settings["n_latents"] = settings.pop("expansion") * d
    try:
        made = SaelensSpec(**settings, d=d)
    except TypeError as wrong:
        known = ", ".join(SaelensSpec.__annotations__)
        raise CoderFault(f"coder {name}: {wrong}", f"{known}", "Correct the recipe.") from None
    needs_k = made.architecture in WITH_K
    if made.architecture not in ARCHITECTURES or (made.k is not None) != needs_k:
        raise CoderFault(
            f"coder {name} of architecture {made.architecture!r} with k = {made.k}",
            f"one of {', '.join(ARCHITECTURES)}, and k for {', '.join(WITH_K)} only (the others have l1_coefficient or l0_coefficient in options)",
            "Correct the recipe.",
        )
    return made


def advised(spec: SaelensSpec, steps: int) -> dict[str, Any]:
    """Fields of SAELens's training configuration as its documentation recommends them, for a run of ``steps``."""
    common: dict[str, Any] = {"normalize_activations": "expected_average_only_in"}
    if spec.architecture == "standard":
        # The penalty grows over the first 5 % of the steps.
        return {**common, "l1_coefficient": 5.0, "l1_warm_up_steps": steps // 20}
    if spec.architecture == "jumprelu":
        # The set-up with the tanh penalty; the one with the step function wants two thousand million tokens.
        return {
            **common,
            "jumprelu_sparsity_loss_mode": "tanh",
            "l0_coefficient": 5.0,
            "l0_warm_up_steps": steps,
            "jumprelu_bandwidth": 2.0,
            "jumprelu_init_threshold": 0.1,
            "pre_act_loss_coefficient": 3e-6,
        }
    if spec.architecture == "topk":
        return {**common, "k": int(spec.k or 0)}
    # The threshold for use is a running mean that starts at 0: at the engine's rate of .01 a run of a few hundred steps would
    # save one far too low, and with it several times the L0 asked for.
    common |= {"k": spec.k, "topk_threshold_lr": max(0.01, min(1.0, 10 / steps))}
    if spec.architecture == "matryoshka_batchtopk":
        widths = sorted({max(1, spec.n_latents // f) for f in (16, 4, 2, 1)})
        return {**common, "matryoshka_widths": widths}
    return common


def departures(spec: SaelensSpec, steps: int) -> list[str]:
    """Where ``options`` differ from the advice, in words."""
    usual = advised(spec, steps)
    return [
        f"{key} = {value!r}, where SAELens advises {usual[key]!r}"
        for key, value in spec.options.items()
        if key in ("normalize_activations", "jumprelu_sparsity_loss_mode", "jumprelu_bandwidth", "aux_loss_coefficient")
        and key in usual
        and value != usual[key]
    ]
