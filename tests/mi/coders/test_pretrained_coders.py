"""Coders from elsewhere: local folders in every format, and what is said when one is not here."""

import json

import numpy as np
import pytest
import torch
from coder_samples import LATENTS, SITE, SITE_IN, WIDTH, adversarial_saelens, adversarial_sparsify

from mi.coders import pretrained
from mi.coders.coder import CoderFault
from mi.coders.fidelity_checks import check_coder
from mi.coders.load import load_coder
from mi.coders.native import load_native
from mi.progress import SILENT


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """Whatever this machine has downloaded, these tests see nothing of it."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def parity(folder, x):
    coder = load_coder(folder)
    failed = check_coder(coder, load_native(folder), x, {coder.site_in: x, coder.site_out: x}).failed
    return coder, [f for f in failed if "FVU" not in f]


def test_gemma_scope_file(tmp_path, real):
    """JumpReLU, nothing subtracted before encoding, in Gemma Scope's own file."""
    g = np.random.default_rng(0)
    weights = {
        "W_enc": g.normal(size=(WIDTH, LATENTS)),
        "b_enc": g.normal(size=LATENTS),
        "W_dec": g.normal(size=(LATENTS, WIDTH)) * 2,
        "b_dec": g.normal(size=WIDTH) * 3,
        "threshold": g.uniform(0.5, 2, size=LATENTS),
    }
    (tmp_path / "native").mkdir()
    np.savez(tmp_path / "native" / "params.npz", **{k: v.astype(np.float32) for k, v in weights.items()})
    pretrained.folder(tmp_path / "o", progress=SILENT, source=str(tmp_path / "native"), site_in=SITE)
    coder, failed = parity(tmp_path / "o" / "pretrained", real[SITE])
    assert failed == []
    x = real[SITE].double().numpy()
    pre = x @ weights["W_enc"] + weights["b_enc"]
    z = pre * (pre > weights["threshold"])
    np.testing.assert_allclose(
        coder.reconstruct(real[SITE]), z @ weights["W_dec"] + weights["b_dec"], rtol=1e-3, atol=1e-2
    )
    with pytest.raises(CoderFault, match="site_in"):
        pretrained.folder(tmp_path / "p", progress=SILENT, source=str(tmp_path / "native"))


def test_gemma_scope_file_holds_no_objects(tmp_path):
    (tmp_path / "native").mkdir()
    np.savez(tmp_path / "native" / "params.npz", W_enc=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        pretrained.folder(tmp_path / "o", progress=SILENT, source=str(tmp_path / "native"), site_in=SITE)


def test_coder_of_a_model_with_centred_writing_weights(tmp_path, real):
    """As gpt2-small-res-jb: made for rows without their mean, used on rows as the model has them."""
    adversarial_saelens(tmp_path / "native", "standard")
    config = json.loads((tmp_path / "native" / "cfg.json").read_text())
    config["metadata"]["model_from_pretrained_kwargs"] = {"center_writing_weights": True}
    (tmp_path / "native" / "cfg.json").write_text(json.dumps(config))
    pretrained.folder(tmp_path / "o", progress=SILENT, source=str(tmp_path / "native"))
    coder, failed = parity(tmp_path / "o" / "pretrained", real[SITE])
    assert failed == []
    assert coder.centred
    from sae_lens import SAE

    with pytest.warns(UserWarning, match="model_from_pretrained_kwargs"):
        library = SAE.load_from_disk(tmp_path / "native", device="cpu")
    mean = real[SITE].mean(-1, keepdim=True)
    with torch.no_grad():
        torch.testing.assert_close(coder.encode(real[SITE]), library.encode(real[SITE] - mean), rtol=1e-3, atol=1e-3)


def test_saelens_folder_of_an_older_version(tmp_path, real):
    """Before version 6 the configuration was flat and full of other things."""
    adversarial_saelens(tmp_path / "native", "standard")
    old = {
        "d_in": WIDTH,
        "d_sae": LATENTS,
        "dtype": "torch.float32",
        "device": "cpu",
        "hook_name": SITE,
        "hook_layer": 1,
    }
    old |= {
        "activation_fn_str": "relu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "model_name": "m",
    }
    (tmp_path / "native" / "cfg.json").write_text(json.dumps(old))
    pretrained.folder(tmp_path / "o", progress=SILENT, source=str(tmp_path / "native"), site_in=SITE, site_out=SITE)
    coder, failed = parity(tmp_path / "o" / "pretrained", real[SITE])
    assert failed == []
    assert coder.architecture == "standard"


@pytest.mark.parametrize("transcode", [False, True])
def test_sparsify_folder(tmp_path, real, transcode):
    adversarial_sparsify(tmp_path / "native" / "layers.1.mlp", transcode=transcode)
    pretrained.sparsify(
        tmp_path / "o",
        progress=SILENT,
        source=str(tmp_path / "native"),
        hookpoint="layers.1.mlp",
        site_in=SITE_IN,
        site_out=SITE,
    )
    coder, failed = parity(tmp_path / "o" / "pretrained", real[SITE])
    assert failed == []
    assert (coder.site_in, coder.site_out) == ((SITE_IN if transcode else SITE), SITE)


@pytest.mark.parametrize(
    ("release", "sae_id", "command"),
    [
        (
            "gemma-scope-2b-pt-res-canonical",
            "layer_12/width_16k/canonical",
            'hf download google/gemma-scope-2b-pt-res --include "layer_12/width_16k/average_l0_82/*"',
        ),
        (
            "gpt2-small-res-jb",
            "blocks.8.hook_resid_pre",
            'hf download jbloom/GPT2-Small-SAEs-Reformatted --include "blocks.8.hook_resid_pre/*"',
        ),
    ],
)
def test_what_is_not_here_is_said_with_the_command(tmp_path, release, sae_id, command):
    with pytest.raises(pretrained.CoderNotHere) as missing:
        pretrained.saelens(tmp_path / "o", progress=SILENT, release=release, sae_id=sae_id)
    assert missing.value.command == command


def test_sparsify_repository_that_is_not_here(tmp_path):
    with pytest.raises(pretrained.CoderNotHere, match="hf download EleutherAI/sae-pythia-70m-32k"):
        pretrained.sparsify(
            tmp_path / "o",
            progress=SILENT,
            source="EleutherAI/sae-pythia-70m-32k",
            hookpoint="layers.2",
            site_in=SITE,
            site_out=SITE,
        )


def test_release_from_the_cache(tmp_path, monkeypatch, real):
    """The whole path through SAELens's list and the hub's cache, with a small coder where gpt2-small-res-jb would be."""
    from huggingface_hub import constants

    commit = "0" * 40
    repository = tmp_path / "hub" / "models--jbloom--GPT2-Small-SAEs-Reformatted"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    home = repository / "snapshots" / commit / "blocks.8.hook_resid_pre"
    adversarial_saelens(home, "standard")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    facts = pretrained.saelens(
        tmp_path / "o", progress=SILENT, release="gpt2-small-res-jb", sae_id="blocks.8.hook_resid_pre", name="gpt2"
    )
    assert facts["coders"]["gpt2"]["n_latents"] == LATENTS
    coder, failed = parity(tmp_path / "o" / "gpt2", real[SITE])
    assert failed == []
    assert coder.facts.training["release"] == "gpt2-small-res-jb"


def test_unknown_release(tmp_path):
    with pytest.raises(CoderFault, match="SAELens's list"):
        pretrained.saelens(tmp_path, progress=SILENT, release="gpt9", sae_id="x")


def test_folder_of_no_known_format(tmp_path):
    with pytest.raises(CoderFault, match=r"params\.npz"):
        pretrained.folder(tmp_path / "o", progress=SILENT, source=str(tmp_path))
