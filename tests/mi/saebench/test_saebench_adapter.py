"""SAEBench gets the coder that was trained, and the gate notices when it does not."""

from dataclasses import replace

import pytest
import torch

from mi.coders.coder import CoderFault
from mi.coders.fidelity_checks import FidelityFailed
from mi.coders.mutants import OF_WEIGHTS, NotApplicable
from mi.saebench import gate as module
from mi.saebench.adapter import as_saelens
from mi.saebench.gate import gate

KINDS = ("topk", "relu", "jumprelu")
CAUGHT = {"topk": {"pre_bias_dropped", "relu_for_topk"}, "relu": {"pre_bias_dropped"}}
CAUGHT["jumprelu"] = {"pre_bias_dropped", "relu_for_topk", "threshold_dropped"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapted_coder_computes_what_the_coder_computes(coder_of, rows, kind):
    coder = coder_of(kind)
    sae = as_saelens(coder, "tiny")
    with torch.no_grad():
        z, y = sae.encode(rows), sae(rows)
    torch.testing.assert_close(z, coder.encode(rows), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(y, coder.reconstruct(rows), rtol=1e-4, atol=1e-4)
    assert (sae.cfg.hook_name, sae.cfg.hook_layer, sae.cfg.model_name) == (coder.site_in, 1, "tiny")


@pytest.mark.parametrize("kind", KINDS)
def test_the_gate_passes_and_catches_what_is_known_to_be_wrong(coder_of, rows, kind):
    coder = coder_of(kind)
    found = gate(coder, as_saelens(coder, "tiny"), rows)
    assert max(found["worst"].values()) < 1e-3
    caught = {name for name, outcome in found["known_bad"].items() if outcome.get("caught_by")}
    assert caught == CAUGHT[kind]


def test_a_coder_without_an_input_bias_is_tried_with_one(coder_of, rows):
    coder = coder_of("topk", bias=False)
    found = gate(coder, as_saelens(coder, "tiny"), rows)["known_bad"]
    assert found["pre_bias_added"]["caught_by"]
    assert "not_applicable" in found["pre_bias_dropped"]


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_of_another_coder_fail(coder_of, rows, kind):
    coder, tried = coder_of(kind), []
    for name, mutate in OF_WEIGHTS.items():
        try:
            wrong = as_saelens(mutate(coder), "tiny")
        except (NotApplicable, CoderFault):
            continue  # no such bug in this kind, or none that SAELens could hold
        tried.append(name)
        with pytest.raises(FidelityFailed):
            gate(coder, wrong, rows)
    assert len(tried) >= 5, tried


def test_a_known_bad_adapter_that_passes_stops_everything(coder_of, rows, monkeypatch):
    coder = coder_of("topk")
    sae = as_saelens(coder, "tiny")
    monkeypatch.setattr(module, "as_saelens", lambda *args: sae)  # as if nobody could tell them apart
    with pytest.raises(FidelityFailed, match="pre_bias_dropped, relu_for_topk unnoticed"):
        gate(coder, sae, rows)


def test_what_saebench_cannot_evaluate_is_refused(coder_of):
    sae = coder_of("topk")
    transcoder = replace(
        sae, facts=replace(sae.facts, kind="transcoder", site_in="blocks.1.mlp.hook_in"), input_bias=None
    )
    for coder, why in (
        (transcoder, "transcoder"),
        (replace(sae, centred=True), "centred"),
        (coder_of("groupmax"), "group"),
    ):
        with pytest.raises(CoderFault, match=why):
            as_saelens(coder, "tiny")
