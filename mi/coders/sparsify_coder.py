"""sparsify's coders: reading and writing its folder format (``cfg.json``, ``sae.safetensors``) without importing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from .coder import CoderFacts, CoderFault
from .linear_coder import Gate, LinearCoder

CONFIG = "cfg.json"
WEIGHTS = "sae.safetensors"


def kind_of(config: dict[str, Any]) -> str:
    """``sae``, ``transcoder`` or ``skip-transcoder``, from sparsify's ``cfg.json``.

    Raises:
        CoderFault: an autoencoder with a skip connection, which could copy its input.
    """
    transcode, skip = bool(config.get("transcode", False)), bool(config.get("skip_connection", False))
    if skip and not transcode:
        raise CoderFault("an autoencoder with a skip connection", "one only in transcoders", "Train it without.")
    return "skip-transcoder" if skip else "transcoder" if transcode else "sae"


def native_facts(folder: Path, site_in: str, site_out: str, **more: Any) -> CoderFacts:
    """The facts that sparsify's own files hold; it stores neither sites nor seed."""
    config = read_config(folder)
    weights = load_file(folder / WEIGHTS)
    n_latents, d_in = weights["encoder.weight"].shape
    kind = kind_of(config)
    sites = (site_out, site_out) if kind == "sae" else (site_in, site_out)
    d_out = weights["W_dec"].shape[1]
    return CoderFacts(
        "sparsify", kind, config.get("activation", "topk"), *sites, d_in, d_out, n_latents, k=int(config["k"]), **more
    )


def read_config(folder: Path) -> dict[str, Any]:
    """sparsify's ``cfg.json``.

    Raises:
        CoderFault: it is not there.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        raise CoderFault(
            f"{folder} without {CONFIG}", "a coder saved by sparsify", "Name the hookpoint's folder, not the run's."
        ) from None
    return config


def read(folder: Path, facts: CoderFacts) -> LinearCoder:
    """The coder in ``folder``.

    An autoencoder's encoder sees its input minus ``b_dec``, a transcoder's sees the input as it is (there ``b_dec``
    belongs to the output).
    """
    config = read_config(folder)
    weights = load_file(folder / WEIGHTS)
    kind = kind_of(config)
    return LinearCoder(
        facts,
        W_enc=weights["encoder.weight"],
        b_enc=weights["encoder.bias"],
        W_dec=weights["W_dec"],
        b_dec=weights["b_dec"],
        gate=Gate(config.get("activation", "topk"), k=int(config["k"])),
        input_bias=weights["b_dec"] if kind == "sae" else None,
        W_skip=weights.get("W_skip"),
    )


def write(coder: LinearCoder, folder: Path) -> None:
    """Write ``coder`` as sparsify would.

    Raises:
        CoderFault: it is none that sparsify knows.
    """
    f = coder.facts
    tied = coder.input_bias is not None and coder.input_bias.equal(coder.b_dec)
    if coder.gate.name not in ("topk", "groupmax") or f.d_in != f.d_out or tied != (f.kind == "sae") or coder.centred:
        raise CoderFault(
            f"a {f.kind} with gate {coder.gate.name}, {f.d_in} to {f.d_out} wide",
            "what sparsify can hold: topk or groupmax, equal widths, and the pre-encoder bias equal to b_dec in SAEs only",
            "Save it in another format.",
        )
    config = {
        "activation": coder.gate.name,
        "expansion_factor": 32,
        "normalize_decoder": True,
        "num_latents": f.n_latents,
        "k": coder.gate.k,
        "multi_topk": False,
        "skip_connection": f.kind == "skip-transcoder",
        "transcode": f.kind != "sae",
        "d_in": f.d_in,
    }
    weights = {
        "encoder.weight": coder.W_enc,
        "encoder.bias": coder.b_enc,
        "W_dec": coder.W_dec,
        "b_dec": coder.b_dec,
    }
    if coder.W_skip is not None:
        weights["W_skip"] = coder.W_skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    save_file({name: t.contiguous() for name, t in weights.items()}, folder / WEIGHTS)
