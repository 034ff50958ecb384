"""Activations with a planted dictionary in the store's format, and coders on which no bug is an identity."""

import json

import torch
from safetensors.torch import save_file

WIDTH, LATENTS = 16, 40
SITE, SITE_IN, OTHER = "blocks.1.hook_mlp_out", "blocks.1.mlp.hook_in", "blocks.2.hook_resid_pre"


def write_activations(folder, sites, *, shard_rows=4096, positions=None):
    """``sites``: name to ``[rows, d]``."""
    folder.mkdir(parents=True, exist_ok=True)
    n = len(next(iter(sites.values())))
    positions = torch.arange(n) % 31 + 1 if positions is None else positions
    rows = []
    for i, start in enumerate(range(0, n, shard_rows)):
        part = {name: x[start : start + shard_rows].contiguous() for name, x in sites.items()}
        rows.append(len(next(iter(part.values()))))
        part["document"] = (torch.arange(start, start + rows[-1]) // 31).int()
        part["position"] = positions[start : start + rows[-1]].int().contiguous()
        part["token"] = torch.zeros(rows[-1], dtype=torch.int32)
        save_file(part, folder / f"shard-{i:05d}.safetensors")
    documents = [f"d{i}" for i in range(-(-n // 31))]
    index = {"sites": {s: x.shape[1] for s, x in sites.items()}, "rows": rows, "dtype": "float32"}
    index |= {"documents": len(documents), "subject": {}, "max_length": 32, "tokenizer": "", "sha256": []}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "documents.json").write_text(json.dumps(documents))
    (folder / "domains.json").write_text(json.dumps(["d"] * len(documents)))
    return folder


def planted(rows, d=16, n_features=32, active=3, seed=0):
    """``x [rows, d]`` as sparse sums of unit directions ``[n_features, d]``, with a mean and a scale far from 0 and 1."""
    g = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(n_features, d, generator=g), dim=1)
    picked = torch.rand(rows, n_features, generator=g).argsort(1)[:, :active]
    z = torch.zeros(rows, n_features).scatter(1, picked, torch.rand(rows, active, generator=g) + 0.5)
    return 3.0 * (z @ directions) + 2.0 * torch.randn(d, generator=g), directions


def adversarial_sparsify(folder, *, n_latents=LATENTS, seed=0, **config):
    """A coder of sparsify's own making on which no bug is an identity: biases far from 0, decoder norms far from 1."""
    from sparsify import SparseCoder, SparseCoderConfig

    coder = SparseCoder(WIDTH, SparseCoderConfig(num_latents=n_latents, k=4, **config))
    randomise(coder, seed)
    coder.save_to_disk(folder)
    return folder


def adversarial_saelens(folder, architecture, *, n_latents=LATENTS, seed=0, **config):
    """The same in SAELens."""
    from sae_lens.registry import get_sae_class

    cls, config_cls = get_sae_class(architecture)
    biased = {} if "transcoder" in architecture else {"apply_b_dec_to_input": config.pop("apply_b_dec_to_input", True)}
    widths = {"d_out": WIDTH, "apply_b_dec_to_input": False} if "transcoder" in architecture else {}
    coder = cls(config_cls(d_in=WIDTH, d_sae=n_latents, **biased, **widths, **config))
    coder.cfg.metadata.hook_name = SITE_IN if "transcoder" in architecture else SITE
    coder.cfg.metadata.hook_name_out = SITE
    randomise(coder, seed)
    coder.save_model(folder)
    return folder


def randomise(module, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(torch.randn(p.shape, generator=g) * (0.5 if p.ndim == 2 else 1.5))
            if name == "threshold":
                p.abs_().add_(0.3)
            if name == "W_dec":
                p.mul_(torch.linspace(0.3, 3.0, len(p))[:, None])


def with_facts(folder, engine, real):
    """Write ``coder.json`` beside the library's files, with the error that the coder really has on these rows."""
    from dataclasses import replace

    from mi.coders import saelens_coder, sparsify_coder
    from mi.coders.last_look import last_look
    from mi.coders.load import load_coder

    adapter = {"sparsify": sparsify_coder, "saelens": saelens_coder}[engine]
    facts = adapter.native_facts(folder, *((SITE_IN, SITE) if engine == "sparsify" else ()))
    facts.write(folder)
    look = last_look({"it": load_coder(folder)}, [real])["it"]
    replace(facts, training={"on_training_rows": look}).write(folder)
    return load_coder(folder)


CODERS = {
    "sparsify-sae": ("sparsify", {}),
    "sparsify-sae-groupmax": ("sparsify", {"activation": "groupmax"}),
    "sparsify-sae-square": ("sparsify", {"n_latents": WIDTH}),
    "sparsify-transcoder": ("sparsify", {"transcode": True}),
    "sparsify-skip-transcoder": ("sparsify", {"transcode": True, "skip_connection": True}),
    "saelens-standard": ("saelens", {"architecture": "standard"}),
    "saelens-standard-unbiased": ("saelens", {"architecture": "standard", "apply_b_dec_to_input": False}),
    "saelens-topk": ("saelens", {"architecture": "topk", "k": 4}),
    "saelens-topk-by-norm": ("saelens", {"architecture": "topk", "k": 4, "rescale_acts_by_decoder_norm": True}),
    "saelens-jumprelu": ("saelens", {"architecture": "jumprelu"}),
    "saelens-jumprelu-square": ("saelens", {"architecture": "jumprelu", "n_latents": WIDTH}),
    "saelens-transcoder": ("saelens", {"architecture": "transcoder"}),
    "saelens-skip-transcoder": ("saelens", {"architecture": "skip_transcoder"}),
    "saelens-jumprelu-transcoder": ("saelens", {"architecture": "jumprelu_transcoder"}),
    "saelens-jumprelu-skip-transcoder": ("saelens", {"architecture": "jumprelu_skip_transcoder"}),
}
