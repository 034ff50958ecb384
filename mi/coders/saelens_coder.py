"""SAELens's coders: reading and writing its folder format (``cfg.json``, ``sae_weights.safetensors``) without importing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from .coder import CoderFacts, CoderFault
from .linear_coder import Gate, LinearCoder

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"

# SAELens's name of the function that runs: ours for the gate, and the kind.
ARCHITECTURES = {
    "standard": ("relu", "sae"),
    "topk": ("topk", "sae"),
    "jumprelu": ("jumprelu", "sae"),
    "transcoder": ("relu", "transcoder"),
    "skip_transcoder": ("relu", "skip-transcoder"),
    "jumprelu_transcoder": ("jumprelu", "transcoder"),
    "jumprelu_skip_transcoder": ("jumprelu", "skip-transcoder"),
}


def read_config(folder: Path) -> dict[str, Any]:
    """SAELens's ``cfg.json``.

    Raises:
        CoderFault: it is not there, or it describes a coder whose arithmetic is not written here.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        raise CoderFault(f"{folder} without {CONFIG}", "a coder saved by SAELens", "Name its own folder.") from None
    scaling = config.get("normalize_activations") or "none"
    unusable = [
        f"architecture {config.get('architecture')!r}" if config.get("architecture") not in ARCHITECTURES else "",
        f"normalize_activations {scaling!r}" if scaling != "none" else "",
        "reshape_activations" if config.get("reshape_activations", "none") != "none" else "",
    ]
    if any(unusable):
        raise CoderFault(
            f"a SAELens coder with {', '.join(filter(None, unusable))}",
            f"one of {', '.join(ARCHITECTURES)} with its scaling folded into the weights",
            "Fold it with SAELens and save it again, or add the arithmetic to saelens_coder.py.",
        )
    return config


def hook_names(config: dict[str, Any]) -> tuple[str | None, str | None]:
    """The sites in the file's own metadata, where it has them."""
    metadata = config.get("metadata") or {}
    site_in = metadata.get("hook_name") or config.get("hook_name")
    return site_in, metadata.get("hook_name_out") or config.get("hook_name_out") or site_in


def native_facts(folder: Path, site_in: str | None = None, site_out: str | None = None, **more: Any) -> CoderFacts:
    """The facts that SAELens's own files hold; sites given here must agree with those in the file.

    Raises:
        CoderFault: no site anywhere, or another one than the file's.
    """
    config = read_config(folder)
    stored_in, stored_out = hook_names(config)
    for given, stored in ((site_in, stored_in), (site_out, stored_out)):
        if given and stored and given != stored:
            raise CoderFault(f"site {given}", f"{stored}, which the file names", "Leave the site out.")
    site_in, site_out = site_in or stored_in, site_out or stored_out or site_in or stored_in
    if not site_in or not site_out:
        raise CoderFault(f"{folder} names no site", "one to be given", "Name the hook it was trained at.")
    gate, kind = ARCHITECTURES[config["architecture"]]
    trained_as = (config.get("metadata") or {}).get("training_architecture") or config["architecture"]
    d_in, d_out = int(config["d_in"]), int(config.get("d_out") or config["d_in"])
    k = int(config["k"]) if gate == "topk" else None
    return CoderFacts("saelens", kind, trained_as, site_in, site_out, d_in, d_out, int(config["d_sae"]), k=k, **more)


def read(folder: Path, facts: CoderFacts) -> LinearCoder:
    """The coder in ``folder``. Decoder norms that a TopK coder applies on the fly are folded, which changes no output."""
    config = read_config(folder)
    weights = load_file(folder / WEIGHTS)
    gate, kind = ARCHITECTURES[config["architecture"]]
    # The library subtracts b_dec unless told otherwise, and never in transcoders.
    biased = kind == "sae" and config.get("apply_b_dec_to_input", True)
    coder = LinearCoder(
        facts,
        W_enc=weights["W_enc"].T.contiguous(),
        b_enc=weights["b_enc"],
        W_dec=weights["W_dec"],
        b_dec=weights["b_dec"],
        gate=Gate(gate, k=int(config["k"]) if gate == "topk" else None, threshold=weights.get("threshold")),
        input_bias=weights["b_dec"] if biased else None,
        W_skip=weights.get("W_skip"),
        centred=bool(facts.training.get("centred", False)),
    )
    if config.get("rescale_acts_by_decoder_norm", False):
        coder = coder.with_latents_scaled(coder.W_dec.norm(dim=-1))
    return coder


def write(coder: LinearCoder, folder: Path) -> None:
    """Write ``coder`` as SAELens would.

    Raises:
        CoderFault: it is none that SAELens knows.
    """
    f = coder.facts
    names = [name for name, pair in ARCHITECTURES.items() if pair == (coder.gate.name, f.kind)]
    tied = coder.input_bias is not None and coder.input_bias.equal(coder.b_dec)
    if not names or (coder.input_bias is not None and not (tied and f.kind == "sae")):
        raise CoderFault(
            f"a {f.kind} with gate {coder.gate.name}{' and a pre-encoder bias of its own' if not tied else ''}",
            "what SAELens can hold",
            "Save it in another format.",
        )
    config: dict[str, Any] = {
        "architecture": names[0],
        "d_in": f.d_in,
        "d_sae": f.n_latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": tied,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"hook_name": f.site_in, "hook_name_out": f.site_out, "training_architecture": f.architecture},
    }
    weights = {"W_enc": coder.W_enc.T, "b_enc": coder.b_enc, "W_dec": coder.W_dec, "b_dec": coder.b_dec}
    if f.kind != "sae":
        config["d_out"] = f.d_out
    if coder.gate.k is not None:
        config |= {"k": coder.gate.k, "rescale_acts_by_decoder_norm": False}
    if coder.gate.threshold is not None:
        weights["threshold"] = coder.gate.threshold
    if coder.W_skip is not None:
        weights["W_skip"] = coder.W_skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config), "utf-8")
    save_file({name: t.contiguous() for name, t in weights.items()}, folder / WEIGHTS)
