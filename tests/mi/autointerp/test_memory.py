"""Memory: known answers on known GPUs, before anything is started."""

import json

import pytest

from mi.autointerp import memory
from mi.autointerp.memory import GPUS, KNOWN, Gpu, estimate, needs_of, require_fits
from mi.refusal import Refusal

QWEN_7B = {
    "architectures": ["Qwen2ForCausalLM"],
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "max_position_embeddings": 32768,
    "model_type": "qwen2",
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 152064,
}
QWEN_3B = {
    **QWEN_7B,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_attention_heads": 16,
    "num_hidden_layers": 36,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
    "vocab_size": 151936,
}
GEMMA_2_2B = 2_614_341_888 * 2 / 2**30  # GiB of bfloat16
RESIDENT = GEMMA_2_2B + 1.11  # with its CUDA context: what the source's guard saw, 22.03 - 16.05


def test_sizes_of_known_models():
    seven, three = estimate(QWEN_7B), estimate(QWEN_3B)
    assert seven.weights == pytest.approx(7_615_616_512 * 2 / 2**30, rel=1e-3)  # as their model cards count them
    assert three.weights == pytest.approx(3_085_938_688 * 2 / 2**30, rel=1e-3)
    assert seven.weights == pytest.approx(14.2, abs=0.02)
    assert seven.cache == 2 * 28 * 4 * 128 * 2 * 8192 / 2**30
    assert estimate(QWEN_7B, max_model_len=1 << 20).max_model_len == 32768


def test_the_table_is_what_the_models_say():
    for name, config in (("Qwen/Qwen2.5-7B-Instruct", QWEN_7B), ("Qwen/Qwen2.5-3B-Instruct", QWEN_3B)):
        assert KNOWN[name] == {key: config[key] for key in KNOWN[name]}
        assert needs_of(name) == estimate(config)
    assert needs_of("no/such-model") is None


def test_the_seven_beside_a_subject_on_an_l4_is_refused_as_vllm_did():
    gpu = Gpu.kind("L4", RESIDENT)
    assert gpu.free == pytest.approx(16.05, abs=0.01)
    with pytest.raises(Refusal, match=r"16\.05 of 22\.03 GiB free; utilization 0\.90 asks for 19\.83"):
        require_fits("7B", estimate(QWEN_7B), gpu, 0.9)
    with pytest.raises(Refusal, match=r"7B on L4"):
        require_fits("7B", estimate(QWEN_7B), gpu)
    with pytest.raises(Refusal, match=r"of which it may take 11\.02"):  # the source's other try: .5 underfits
        require_fits("7B", estimate(QWEN_7B), gpu, 0.5)


@pytest.mark.parametrize(
    ("config", "gpu", "share"),
    [
        (QWEN_7B, Gpu.kind("L4"), 0.9),
        (QWEN_3B, Gpu.kind("L4"), 0.9),
        (QWEN_3B, Gpu.kind("L4", RESIDENT), 0.71),
        (QWEN_7B, Gpu.kind("A100-40GB", RESIDENT), 0.84),
        (QWEN_7B, Gpu.kind("H100", RESIDENT), 0.9),
        (QWEN_3B, Gpu.kind("T4"), 0.9),
    ],
)
def test_what_fits(config, gpu, share):
    assert require_fits("it", estimate(config), gpu) == share
    assert share * gpu.total <= gpu.free


def test_the_source_s_share_fits_beside_the_subject_on_an_a100():
    assert require_fits("7B", estimate(QWEN_7B), Gpu.kind("A100-40GB", RESIDENT), 0.65) == 0.65


@pytest.mark.parametrize("gpu", [Gpu.kind("T4"), Gpu.kind("L4", 21.9), Gpu.kind("L4", 22.03)])
def test_what_does_not_fit(gpu):
    with pytest.raises(Refusal, match=r"weights, .* keys and values"):
        require_fits("7B", estimate(QWEN_7B), gpu)


def test_a_model_on_disk_is_measured_by_its_files(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(QWEN_7B))
    assert needs_of(str(tmp_path)) == estimate(QWEN_7B)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 5 << 30}}))
    assert needs_of(str(tmp_path)).weights == 5.0


def test_precision_and_packing():
    whole = estimate(QWEN_7B)
    assert estimate({**QWEN_7B, "torch_dtype": "float32"}) == whole  # vLLM converts it
    packed = estimate({**QWEN_7B, "quantization_config": {"quant_method": "awq", "bits": 4}})
    assert packed.weights == pytest.approx(whole.weights / 4)
    assert packed.cache == whole.cache
    assert estimate({"text_config": QWEN_7B, "vision_config": {}}) == whole


def test_what_cannot_be_estimated():
    with pytest.raises(Refusal, match="num_hidden_layers"):
        estimate({"model_type": "mamba"})
    with pytest.raises(Refusal, match="B200"):
        Gpu.kind("B200")
    assert all(total > 14 for total in GPUS.values())


@pytest.mark.parametrize(
    ("visible", "printed", "gpu"),
    [
        (None, "NVIDIA L4, 23034, 500\n", Gpu("NVIDIA L4", 23034 / 1024, 500 / 1024)),
        ("2,3", "NVIDIA L4, 23034, 500\n", Gpu("NVIDIA L4", 23034 / 1024, 500 / 1024)),
        ("", "NVIDIA L4, 23034, 500\n", None),
        ("-1", "NVIDIA L4, 23034, 500\n", None),
        (None, "No devices were found\n", None),
        (None, "", None),
    ],
)
def test_the_driver_is_asked(monkeypatch, tmp_path, visible, printed, gpu):
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nprintf "{printed}"\n')
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert memory.this_gpu() == gpu
    if visible == "2,3":
        assert "--id=2 " in (tmp_path / "asked").read_text()
