"""The gate as a builder: what it writes, and that it refuses."""

import json
from dataclasses import replace

import pytest
import torch
from coder_samples import OTHER, SITE, SITE_IN, write_activations

from mi.coders import fidelity
from mi.coders.controls import random_decoder
from mi.coders.fidelity_checks import FidelityFailed
from mi.coders.load import load_coder, save_coder
from mi.coders.mutants import OF_WEIGHTS
from mi.coders.train_saelens import train as train_saelens
from mi.coders.train_sparsify import train
from mi.progress import SILENT

pytestmark = pytest.mark.filterwarnings("ignore::mi.coders.advice.CoderAdvice")


@pytest.fixture(scope="module")
def bundle(world, tmp_path_factory):
    """What the engines themselves train, by the schedule-free default, and one control."""
    out = tmp_path_factory.mktemp("bundle")
    common = {"progress": SILENT, "activations": world["path"], "batch_rows": 256, "lr": 1e-2, "tokens": 16_384}
    kinds = {kind: {"kind": kind, "k": 4, "n_latents": 48, "seed": 0} for kind in ("sae", "skip-transcoder")}
    train(out, coders=kinds, site_in=SITE_IN, site_out=SITE, **common)
    train_saelens(
        out, coders={"jump": {"architecture": "batchtopk", "k": 4, "n_latents": 48, "seed": 0}}, site=SITE, **common
    )
    return out


@pytest.fixture(scope="module")
def report(bundle, world, tmp_path_factory):
    out = tmp_path_factory.mktemp("fidelity")
    facts = fidelity.build(out, progress=SILENT, activations=world["path"], coders=bundle, rows=1000)
    return facts, json.loads((out / "fidelity.json").read_text())


def test_every_mutant_of_trained_coders_is_caught(report):
    facts, stored = report
    assert facts["coders"] == 3
    assert facts["mutants_caught"] >= 35
    for coder in stored["coders"].values():
        assert coder["failed"] == []
        assert all(o.get("caught_by") or o["not_applicable"] for o in coder["mutants"].values())


def test_wrong_hook_point_is_caught_by_the_error_there(report):
    _, stored = report
    for coder in stored["coders"].values():
        assert "FVU at its site, against training" in coder["mutants"]["wrong_hook_point"]["caught_by"]


def test_weights_in_memory_are_caught(report):
    _, stored = report
    shown = [
        c["mutants"]["in_memory_for_saved"]["caught_by"]
        for c in stored["coders"].values()
        if "in_memory_for_saved" in c["mutants"]
    ]
    assert len(shown) == 1
    assert "real: values" in shown[0][0:20]


def test_an_altered_coder_is_refused(bundle, world, tmp_path, monkeypatch):
    """An adapter that subtracts the bias twice."""
    from mi.coders import fidelity as module

    real_load = module.load_coder
    monkeypatch.setattr(
        module,
        "load_coder",
        lambda f: OF_WEIGHTS["pre_bias_doubled"](real_load(f)) if f.name == "sae" else real_load(f),
    )
    with pytest.raises(FidelityFailed, match="coder sae fails"):
        fidelity.build(tmp_path, progress=SILENT, activations=world["path"], coders=bundle, rows=500)


def test_a_gate_that_misses_a_mutant_is_refused(bundle, world, tmp_path, monkeypatch):
    monkeypatch.setitem(fidelity.OF_WEIGHTS, "harmless", lambda c: c)
    with pytest.raises(FidelityFailed, match=r"mutant harmless of coder .* passes"):
        fidelity.build(tmp_path, progress=SILENT, activations=world["path"], coders=bundle, rows=500)


def test_rows_of_other_texts_are_refused(bundle, world, tmp_path):
    """Rows unlike those of training: a wrong hook point, or the wrong harvest, looks the same."""
    other = write_activations(tmp_path / "a", {s: x.roll(1, 1) for s, x in world["sites"].items()})
    with pytest.raises(FidelityFailed, match="FVU at its site"):
        fidelity.build(tmp_path, progress=SILENT, activations=other, coders=bundle, rows=500)


def test_without_another_site_the_wrong_hook_point_is_said_to_be_untried(bundle, world, tmp_path):
    save_coder(load_coder(bundle / "sae"), tmp_path / "b" / "sae")
    sites = {s: world["sites"][s] for s in (SITE,)}
    only = write_activations(tmp_path / "a", sites)
    (tmp_path / "o").mkdir()
    fidelity.build(tmp_path / "o", progress=SILENT, activations=only, coders=tmp_path / "b", rows=500)
    stored = json.loads((tmp_path / "o" / "fidelity.json").read_text())["coders"]["sae"]["mutants"]
    assert "no other site" in stored["wrong_hook_point"]["not_applicable"]


def test_controls_have_no_library(bundle, world, tmp_path):
    random_decoder(tmp_path / "c", progress=SILENT, coders=bundle, activations=world["path"])
    (tmp_path / "o").mkdir()
    facts = fidelity.build(tmp_path / "o", progress=SILENT, activations=world["path"], coders=tmp_path / "c", rows=500)
    assert facts["mutants_caught"] == 0


def test_a_pretrained_coder_worse_than_the_mean_is_refused(bundle, real, world):
    """D19: published coders with a negative variance explained have a wrong hook, scale or formula."""
    from mi.coders.native import load_native

    coder = load_coder(bundle / "jump")
    unknown = replace(coder, facts=replace(coder.facts, training={}))
    native = load_native(bundle / "jump", unknown.facts)
    x = fidelity.random_rows(real[SITE], 0)
    assert fidelity.gate(unknown, native, real, 0)["failed"] == []
    elsewhere = {**real, SITE: real[OTHER]}
    assert "FVU at its site, against the mean's" in fidelity.check_coder(unknown, native, x, elsewhere).failed


def test_random_rows_have_the_place_and_twice_the_spread_of_real_ones(real):
    x = fidelity.random_rows(real[SITE].repeat(20, 1), 0)
    torch.testing.assert_close(x.mean(0), real[SITE].mean(0), rtol=0.1, atol=0.2)
    torch.testing.assert_close(x.std(0), 2 * real[SITE].std(0), rtol=0.1, atol=0.1)
