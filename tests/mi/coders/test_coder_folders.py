"""Coder folders: what is written beside the weights, and what is refused."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from coder_samples import SITE, SITE_IN, adversarial_saelens, adversarial_sparsify, with_facts

from mi.coders.coder import CoderFacts, CoderFault
from mi.coders.linear_coder import Gate, LinearCoder
from mi.coders.load import coder_names, load_bundle, load_coder, save_coder

FACTS = CoderFacts("sparsify", "sae", "topk", "s", "s", 3, 3, 4, k=2)


def coder(**changes):
    weights = {"W_enc": torch.ones(4, 3), "b_enc": torch.ones(4), "W_dec": torch.ones(4, 3), "b_dec": torch.ones(3)}
    return LinearCoder(changes.pop("facts", FACTS), **{**weights, "gate": Gate("topk", k=2), **changes})


def test_facts_survive_the_file(tmp_path):
    facts = replace(FACTS, seed=3, training={"fvu": 0.5, "curve": [1.0, 0.5]})
    facts.write(tmp_path)
    assert CoderFacts.read(tmp_path) == facts


def test_reading_facts_needs_no_torch():
    code = "import sys, mi.coders.coder, mi.coders.load; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("change", [{"engine": "pickle"}, {"kind": "autoencoder"}, {"site_in": "elsewhere"}])
def test_impossible_facts_are_refused(change):
    with pytest.raises(CoderFault, match="Expected"):
        replace(FACTS, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"W_enc": torch.ones(3, 4)},
        {"b_dec": torch.ones(4)},
        {"W_skip": torch.ones(3, 3)},
        {"gate": Gate("topk", k=9)},
        {"facts": replace(FACTS, kind="transcoder"), "centred": True},
    ],
)
def test_weights_that_contradict_the_facts_are_refused(change):
    with pytest.raises(CoderFault, match="Expected"):
        coder(**change)


def test_another_k_in_the_engines_file_is_refused(tmp_path, real):
    adversarial_sparsify(tmp_path)
    with_facts(tmp_path, "sparsify", real)
    config = json.loads((tmp_path / "cfg.json").read_text())
    (tmp_path / "cfg.json").write_text(json.dumps({**config, "k": 3}))
    with pytest.raises(CoderFault, match=r"k = 4 in coder\.json, 3"):
        load_coder(tmp_path)


def test_missing_files_say_what_to_do(tmp_path):
    with pytest.raises(CoderFault, match=r"mi\.coders\.pretrained"):
        load_coder(tmp_path)
    with pytest.raises(CoderFault, match="without coders"):
        coder_names(tmp_path)


@pytest.mark.parametrize("config", [{"normalize_activations": "layer_norm"}, {"architecture": "gated"}])
def test_saelens_arithmetic_that_is_not_written_here_is_refused(tmp_path, config):
    adversarial_saelens(tmp_path, "standard")
    stored = json.loads((tmp_path / "cfg.json").read_text())
    (tmp_path / "cfg.json").write_text(json.dumps({**stored, **config}))
    CoderFacts("saelens", "sae", "standard", SITE, SITE, 16, 16, 40).write(tmp_path)
    with pytest.raises(CoderFault, match="Fold it with SAELens"):
        load_coder(tmp_path)


def test_site_in_the_file_wins(tmp_path):
    from mi.coders import saelens_coder

    adversarial_saelens(tmp_path, "standard")
    assert saelens_coder.native_facts(tmp_path).site_in == SITE
    with pytest.raises(CoderFault, match="which the file names"):
        saelens_coder.native_facts(tmp_path, SITE_IN)


def test_decode_of_a_skip_transcoder_needs_its_input(tmp_path, real):
    adversarial_sparsify(tmp_path, transcode=True, skip_connection=True)
    skip = with_facts(tmp_path, "sparsify", real)
    with pytest.raises(CoderFault, match=r"decode\(z, x\)"):
        skip.decode(torch.zeros(2, skip.n_latents))


def test_what_an_engine_cannot_hold_is_refused(tmp_path):
    with pytest.raises(CoderFault, match="what sparsify can hold"):
        save_coder(coder(input_bias=None), tmp_path)
    odd = replace(FACTS, engine="saelens")
    with pytest.raises(CoderFault, match="what SAELens can hold"):
        save_coder(coder(facts=odd, input_bias=torch.zeros(3)), tmp_path)


def test_bundle(tmp_path):
    for name in ("b", "a"):
        save_coder(coder(input_bias=torch.ones(3)), tmp_path / name)
    assert list(load_bundle(tmp_path)) == ["a", "b"]


def test_centred_coder_passes_the_mean_on():
    facts = replace(FACTS, engine="saelens")
    made = coder(facts=facts, centred=True)
    x = torch.randn(5, 3)
    shifted = made.reconstruct(x + 7.0)
    torch.testing.assert_close(shifted, made.reconstruct(x) + 7.0, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(made.encode(x + 7.0), made.encode(x), rtol=1e-4, atol=1e-4)
